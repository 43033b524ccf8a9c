/**
 * What would a route's policy do in a storm? Runs it through one of the simulator's library, in a worker thread that lives
 * as long as the run, gives way to the threads that serve, and may take neither more than its share of memory nor longer
 * than a minute. One run goes on at a time; others wait in line.
 */
import type * as Policy from "@holdfast/core/Policy"
import * as Knobs from "@holdfast/simulator/Knobs"
import * as NodeWorkers from "@holdfast/simulator/NodeWorkers"
import * as Storms from "@holdfast/simulator/Storms"
import * as Subject from "@holdfast/simulator/Subject"
import * as Workers from "@holdfast/simulator/Workers"
import type * as Scenario from "@holdfast/simulator/Scenario"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Routes from "../Routes.ts"
import * as Api from "./Api.ts"
import { defined } from "./internal/defined.ts"
import { policyFacts } from "./internal/policyFacts.ts"
import type * as Model from "./WhatIfModel.ts"

/** Runs that may wait; one more is told to come later. */
const maxWaiting = 4

/** Pages of the last runs that are kept, some hundred kilobytes each. */
const keptPages = 4

/** The heap of the thread, in MiB. */
const maxHeapMiB = 512

export interface Settings {
  /** A run that takes longer is ended. Default 1 minute. */
  readonly limit?: Duration.Input | undefined
  /** What runs it, made anew for each run. Default: one worker thread in the background. */
  readonly workers?: (() => Layer.Layer<Workers.Workers, Workers.RunFailed>) | undefined
}

export class WhatIf extends Context.Service<
  WhatIf,
  {
    readonly options: Effect.Effect<Model.Options>
    /**
     * The run as server-sent events, from its place in line to its picture. It begins when it is listened to, and ends when
     * that stops.
     */
    readonly run: (request: Model.Request) => Effect.Effect<Stream.Stream<string>, Api.Unknown | Api.Busy>
    /** The report of one of the last runs. */
    readonly page: (id: string) => Effect.Effect<string, Api.Unknown>
  }
>()("@holdfast/gateway/admin/WhatIf") {}

export const make = Effect.fnUntraced(function* (settings: Settings = {}) {
  const limit = Duration.fromInputUnsafe(settings.limit ?? "1 minute")
  const workers = settings.workers ?? (() => NodeWorkers.layer({ workers: 1, maxHeapMiB, isBackground: true }))
  const { byName } = yield* Routes.Routes
  const services = yield* Effect.context<FileSystem.FileSystem | Path.Path>()
  // The library comes with the program: it is read when somebody wants it, and once.
  const library = yield* Effect.cached(Effect.provide(Effect.orDie(Storms.all), services))
  const routes = [...byName.values()].filter(({ text }) => text !== undefined)
  const configured = yield* Effect.cached(
    Effect.gen(function* () {
      const changes = new Map<Policy.Policy, Model.ConfiguredRoute["changes"]>()
      return yield* Effect.forEach(
        routes,
        Effect.fnUntraced(function* ({ lanes, name, policy }): Effect.fn.Return<Model.ConfiguredRoute> {
          // Others are served between two policies: each takes some milliseconds.
          yield* Effect.yieldNow
          const own = changes.get(policy) ?? changesOf(policy)
          changes.set(policy, own)
          return { route: name, lanes: lanes.map(({ id }) => id), policy: policyFacts(policy), changes: own }
        })
      )
    })
  )
  /** Runs in the order in which they came; the first one goes on. */
  const line = yield* SubscriptionRef.make<ReadonlyArray<symbol>>([])
  const pages = new Map<string, string>()
  let runs = 0

  const keep = (page: string): string => {
    runs += 1
    const id = String(runs)
    pages.set(id, page)
    for (const old of [...pages.keys()].slice(0, -keptPages)) pages.delete(old)
    return id
  }

  const againstOf = Effect.fnUntraced(function* (
    { against, change }: Model.Request,
    { name, policy }: Routes.Route,
    lanes: ReadonlyArray<string>
  ) {
    if (change !== undefined) {
      const changed = changedBy(policy, change)
      const words = `${change.name}: ${String(change.value)}`
      if (changed === undefined) return yield* unknown(`The policy of ${name} cannot be tried with ${words}`)
      return Subject.described(`${name} with ${words}`, changed, lanes)
    }
    if (against === undefined) return undefined
    const known = Subject.describe(against)
    if (known === undefined) return yield* unknown(`There is no policy ${against}`)
    return known._tag === "Holdfast" ? Subject.described(known.name, known.policy, lanes) : known
  })

  const viewOf = Effect.fnUntraced(function* (request: Model.Request) {
    const route = routes.find(({ name }) => name === request.route)
    if (route === undefined) return yield* unknown(`There is no route ${request.route} for text`)
    const scenario = (yield* library).find(({ name }) => name === request.storm)
    if (scenario === undefined) return yield* unknown(`There is no storm ${request.storm}`)
    const own = route.lanes.map(({ id }) => id)
    const lanes = Subject.standing(scenario, own)
    const against = yield* againstOf(request, route, lanes)
    const subject = Subject.described(route.name, route.policy, lanes)
    return {
      view: {
        scenario,
        subjects: against === undefined ? [subject] : [subject, against],
        seed: request.seed ?? 1
      } satisfies Workers.View,
      lanes: lanes.map((lane, index) => ({ lane, standsFor: own[index] ?? lane }))
    }
  })

  const running = (view: Workers.View, lanes: Model.Answer["lanes"]): Stream.Stream<string> =>
    Stream.callback((queue) => {
      const progress = (part: number) => Queue.offerUnsafe(queue, message("running", { part }))
      return Effect.sync(() => progress(0)).pipe(
        Effect.andThen(Workers.Workers.use(({ draw }) => draw(view, progress))),
        Effect.provide(workers()),
        Effect.timeoutOrElse({
          duration: limit,
          orElse: () => Effect.fail(new Workers.RunFailed({ problem: `it took longer than ${Duration.format(limit)}` }))
        }),
        // What the worker has written goes on as it is: reading it here would take time from those who are served.
        Effect.map(({ page, picture }) =>
          frame("picture", `{"id":${JSON.stringify(keep(page))},"lanes":${JSON.stringify(lanes)},"picture":${picture}}`)
        ),
        Effect.catch((error) => Effect.succeed(message("problem", { message: error.message }))),
        Effect.flatMap((last) => Queue.offer(queue, last)),
        Effect.andThen(Queue.end(queue))
      )
    })

  return WhatIf.of({
    options: Effect.map(Effect.all([library, configured]), ([storms, routes]) => ({
      routes,
      storms: storms.map(stormOf),
      against: Subject.names.map((name) => ({ name, text: texts[name] ?? name })),
      limitSeconds: Duration.toSeconds(limit)
    })),
    run: Effect.fnUntraced(function* (request) {
      const { lanes, view } = yield* viewOf(request)
      if ((yield* SubscriptionRef.get(line)).length > maxWaiting) {
        return yield* new Api.Busy({ message: `${maxWaiting} runs wait already; try again in a minute` })
      }
      return Stream.unwrap(
        Effect.gen(function* () {
          const ticket = Symbol(request.storm)
          yield* Effect.acquireRelease(
            SubscriptionRef.update(line, (all) => [...all, ticket]),
            () => SubscriptionRef.update(line, (all) => all.filter((one) => one !== ticket))
          )
          const waiting = SubscriptionRef.changes(line).pipe(
            Stream.map((all) => all.indexOf(ticket)),
            Stream.takeWhile((ahead) => ahead > 0),
            Stream.changes,
            Stream.map((ahead) => message("waiting", { ahead }))
          )
          return Stream.concat(waiting, running(view, lanes))
        })
      )
    }),
    page: (id) => {
      const page = pages.get(id)
      return page === undefined ? unknown(`There is no run ${id}, or not any more: run it again`) : Effect.succeed(page)
    }
  })
})

export const layer = (
  settings: Settings = {}
): Layer.Layer<WhatIf, never, Routes.Routes | FileSystem.FileSystem | Path.Path> => Layer.effect(WhatIf, make(settings))

const unknown = (text: string) => Effect.fail(new Api.Unknown({ message: text }))

/** What can be changed, one at a time, and makes a difference. */
const changesOf = (policy: Policy.Policy): Model.ConfiguredRoute["changes"] =>
  Knobs.all
    .map(({ path, values }) => ({
      name: path,
      values: values.filter((value) => {
        const changed = Knobs.applied(policy, { [path]: value })
        return changed !== undefined && !Equal.equals(changed, policy)
      })
    }))
    .filter(({ values }) => values.length > 0)

const changedBy = (
  policy: Policy.Policy,
  { name, value }: NonNullable<Model.Request["change"]>
): Policy.Policy | undefined =>
  Knobs.all.some(({ path, values }) => path === name && values.includes(value))
    ? Knobs.applied(policy, { [name]: value })
    : undefined

const stormOf = ({ beyond, description, duration, name, providers, sources = [] }: Scenario.Scenario): Model.Storm =>
  defined<Model.Storm>({
    name,
    description,
    sources,
    beyond,
    durationMillis: duration,
    lanes: Object.keys(providers)
  })

const texts: Readonly<Record<string, string>> = {
  sdk: "without Holdfast, as the official SDKs ask",
  none: "without Holdfast, asked once",
  interactive: "the preset interactive",
  standard: "the preset standard",
  batch: "the preset batch",
  mission: "the preset mission"
}

const frame = (event: string, data: string): string => `event: ${event}\ndata: ${data}\n\n`

const message = (event: "running" | "waiting" | "problem", data: object): string => frame(event, JSON.stringify(data))
