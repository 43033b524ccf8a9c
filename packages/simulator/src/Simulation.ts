/**
 * Runs a scenario: the pipeline that serves in production, with its breakers, budgets, limits, caches and schedules, under a
 * virtual clock and seeded chance, against models of providers. The same scenario, subject and seed give the same result,
 * on any machine, `wallMs` apart.
 */
import * as Bulkhead from "@holdfast/core/Bulkhead"
import * as EventBus from "@holdfast/core/EventBus"
import type * as Event from "@holdfast/core/Event"
import type * as Lane from "@holdfast/core/Lane"
import * as Resilience from "@holdfast/core/Resilience"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as arrivals from "./internal/arrivals.ts"
import * as Chance from "./internal/Chance.ts"
import * as Digests from "./internal/Digests.ts"
import * as Job from "./internal/Job.ts"
import * as simulatedLane from "./internal/simulatedLane.ts"
import { Tally } from "./internal/Tally.ts"
import { ProviderModel } from "./ProviderModel.ts"
import type * as Result from "./Result.ts"
import type * as Scenario from "./Scenario.ts"
import type * as Subject from "./Subject.ts"
import * as VirtualClock from "./VirtualClock.ts"

export interface Options {
  /** Default 1. */
  readonly seed?: number | undefined
  /** Told now and then how far the run is, from 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined
}

/** Runs a scenario to the end of its last operation. Interruption ends the run. */
export const run = Effect.fnUntraced(function* (
  scenario: Scenario.Scenario,
  subject: Subject.Subject,
  options: Options = {}
) {
  const seed = options.seed ?? 1
  const startedAt = yield* Clock.currentTimeMillis
  const result = yield* VirtualClock.run(simulate(scenario, subject, seed, options)).pipe(
    Effect.provideService(Random.Random, yield* Chance.service(String(seed), "pipeline"))
  )
  const wallMs = (yield* Clock.currentTimeMillis) - startedAt
  return { ...result, wallMs } satisfies Result.Result
})

const simulate = (scenario: Scenario.Scenario, subject: Subject.Subject, seed: number, options: Options) =>
  Effect.gen(function* () {
    const world = yield* VirtualClock.Current
    const part = (name: string) => Chance.seeded(String(seed), name)
    const { duration, providers, workload } = scenario
    const names = subject.lanes ?? Object.keys(providers)
    const models: Array<ProviderModel> = []
    for (const name of names) {
      const settings = providers[name]
      if (settings === undefined) return yield* Effect.die(new RangeError(`${scenario.name} has no provider ${name}`))
      models.push(new ProviderModel(settings, workload, yield* part(name)))
    }
    const tally = new Tally(scenario, names, models)
    const watcher: simulatedLane.Watcher = {
      called: (lane, now) => tally.called(lane, now),
      answered: (lane, usd, now) => tally.answer(lane, usd, now)
    }
    const lanes = names.map((name, index) => simulatedLane.make(name, modelAt(models, index), world, watcher))
    const [first, ...others] = lanes
    if (first === undefined) return yield* Effect.die(new RangeError(`${scenario.name} has no lane to ask`))
    yield* watch(lanes, tally)
    const model = yield* subject.model([first, ...others])
    const fork = Effect.runForkWith(yield* Effect.context())
    const instants = arrivals.make(workload.arrivals, duration, yield* part("arrivals"))
    const draw = Job.drawing(workload, yield* part("workload"))
    const clients = yield* part("clients")

    yield* Effect.callback<void>((resume) => {
      let underWay = 0
      let hasEnded = false
      const running = new Set<Fiber.Fiber<unknown, unknown>>()
      const end = (): void => {
        if (hasEnded && underWay === 0) resume(Effect.void)
      }

      /** Asks once for a caller that arrived at an instant; perhaps not for the first time. */
      const ask = (request: Job.Request, arrivedAt: number, retriesLeft: number): void => {
        const asked: Asked = { firstContentAt: undefined }
        const fiber = fork(operation(model, request, asked, world))
        const settle = (exit: Exit.Exit<void, Subject.Errors>): void => {
          running.delete(fiber)
          const now = world.now()
          const failure = tagOf(exit)
          const { clients: policy } = workload
          if (failure !== undefined && failure !== left && policy !== undefined && retriesLeft > 0) {
            const wait = policy.wait * (0.5 + clients.next())
            if (now + wait < arrivedAt + workload.deadline) {
              tally.resubmissions += 1
              world.after(wait, () => ask(request, arrivedAt, retriesLeft - 1))
              return
            }
          }
          underWay -= 1
          tally.ended(arrivedAt, now, failure, asked.firstContentAt)
          end()
        }
        const over = fiber.pollUnsafe()
        if (over !== undefined) {
          settle(over)
          return
        }
        running.add(fiber)
        const deadline = world.after(arrivedAt + workload.deadline - world.now(), () => fiber.interruptUnsafe())
        fiber.addObserver((exit) => {
          deadline.cancel()
          settle(exit)
        })
      }

      const next = (): void => {
        const at = instants()
        if (at === undefined) {
          hasEnded = true
          return end()
        }
        const wait = Math.floor(at) - world.now()
        world.after(wait, () => {
          const now = world.now()
          underWay += 1
          tally.arrived(now)
          if (tally.operations % 1000 === 0) options.onProgress?.(now / duration)
          ask(draw(), now, workload.clients?.retries ?? 0)
          next()
        })
      }
      next()
      return Effect.sync(() => {
        for (const fiber of running) fiber.interruptUnsafe()
      })
    })
    const virtualMs = world.now()
    tally.sample(Math.max(virtualMs, duration))
    return resultOf(scenario, subject, seed, tally, virtualMs)
  }).pipe(Effect.provide(Layer.provide(Resilience.layer, Digests.layer)), Effect.scoped)

interface Asked {
  firstContentAt: number | undefined
}

const operation = (
  model: TextModel.TextModel<Subject.Errors>,
  request: Job.Request,
  asked: Asked,
  world: VirtualClock.World
): Effect.Effect<void, Subject.Errors> => {
  const { isStream, isUrgent } = request.job
  const called = isStream
    ? Stream.runForEachArray(model.stream(request), (parts) =>
        Effect.sync(() => {
          if (asked.firstContentAt === undefined && parts.some(({ type }) => type === "text-delta")) {
            asked.firstContentAt = world.now()
          }
        })
      )
    : Effect.asVoid(model.generate(request))
  return isUrgent ? Effect.provideService(called, Bulkhead.Priority, "high") : called
}

/** The caller's patience ended. */
const left = "Left"

const tagOf = (exit: Exit.Exit<void, Subject.Errors>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  if (Cause.hasInterruptsOnly(exit.cause)) return left
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error) ? error.value._tag : "Defect"
}

/** Writes down what circuits, limits and health say, as it happens. */
const watch = Effect.fnUntraced(function* (lanes: ReadonlyArray<Lane.Lane>, tally: Tally) {
  const bus = yield* EventBus.EventBus
  const { stream } = yield* bus.subscribe({ capacity: 1_000_000 })
  const note = (event: Event.Event): void => {
    if (event._tag === "CircuitChanged") {
      for (const lane of lanesOf(event.circuit, lanes)) {
        tally.changed({ at: event.at, lane, state: event.to, reason: event.reason })
      }
    } else if (event._tag === "LaneCooling") {
      const { at, lane, reason, untilMillis } = event
      tally.changed({ at, lane, state: "cooling", reason, until: untilMillis })
    } else if (event._tag === "HealthChanged" && event.to !== "idle") {
      const reason = `${(event.successRate * 100).toFixed(0)} % of its calls succeed`
      tally.changed({ at: event.at, lane: event.lane, state: event.to, reason })
    }
  }
  yield* Effect.forkScoped(Stream.runForEach(stream, (event) => Effect.sync(() => note(event))))
})

/** Which lanes a circuit stands before: its own, or all with its credential or model. */
const lanesOf = (circuit: string, lanes: ReadonlyArray<Lane.Lane>): ReadonlyArray<string> =>
  lanes
    .filter(
      ({ id, model, provider }) =>
        circuit === id ||
        circuit === `model:${provider}/${model}` ||
        circuit === `credential:${provider}` ||
        circuit === `provider:${provider}`
    )
    .map(({ id }) => id)

const modelAt = (models: ReadonlyArray<ProviderModel>, index: number): ProviderModel => {
  const model = models[index]
  if (model === undefined) throw new RangeError(`there is no provider ${index}`)
  return model
}

const resultOf = (
  scenario: Scenario.Scenario,
  subject: Subject.Subject,
  seed: number,
  tally: Tally,
  virtualMs: number
): Result.Result => {
  const { attempts, operations, succeeded } = tally
  const lanes = tally.lanes(scenario)
  const names = lanes.map(({ lane }) => lane)
  const costUsd = lanes.reduce((sum, lane) => sum + lane.costUsd, 0)
  const outages = tally.outages()
  const wanted = outages.filter(({ lane }) => lane === names.find((name) => outages.some((one) => one.lane === name)))
  return {
    scenario: scenario.name,
    seed,
    operations,
    succeeded,
    successRate: operations === 0 ? 1 : succeeded / operations,
    attempts,
    amplification: operations === 0 ? 0 : attempts / operations,
    latencyMs: quantiles(tally.latency),
    costUsd: rounded(costUsd),
    recoveryMs: longest(wanted.map(({ recoveryMs }) => recoveryMs)),
    virtualMs,
    // Whoever runs it knows how long that took.
    wallMs: 0,
    policy: subject.name,
    firstContentMs: quantiles(tally.firstContent),
    detectMs: longest(wanted.map(({ detectMs }) => detectMs)),
    wasted: { calls: attempts - tally.answered, usd: rounded(Math.max(0, costUsd - tally.usefulUsd)) },
    resubmissions: tally.resubmissions,
    failures: Object.fromEntries([...tally.failures].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    outages,
    lanes,
    little: tally.little(virtualMs),
    changes: tally.changes,
    changesLeftOut: tally.changesLeftOut,
    series: tally.series()
  }
}

const quantiles = (histogram: { readonly quantile: (q: number) => number | undefined }): Result.Quantiles => ({
  p50: histogram.quantile(0.5) ?? null,
  p95: histogram.quantile(0.95) ?? null,
  p99: histogram.quantile(0.99) ?? null
})

/** `null` where there is none, or one has not come. */
const longest = (spans: ReadonlyArray<number | null>): number | null =>
  spans.reduce<number | null>((most, span, index) => {
    if (span === null || (most === null && index > 0)) return null
    return Math.max(most ?? 0, span)
  }, null)

/** To the millionth of a dollar: what is further behind is the order of the sum. */
const rounded = (usd: number): number => Math.round(usd * 1_000_000) / 1_000_000
