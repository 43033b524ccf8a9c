/**
 * A scenario in real time: the same callers at the same instants, and the same models of providers with the same chance, as
 * a run of `Simulation` has them. What stands between the two is not simulated: a `Stage` that really sends requests, and
 * whose providers ask here what becomes of each. So both can be compared, and what differs is the simulator's own error.
 *
 * The run owns its timers; they end with it.
 */
import * as EventBus from "@holdfast/core/EventBus"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as course from "./internal/course.ts"
import type { Draws } from "./internal/course.ts"
import * as Job from "./internal/Job.ts"
import type { ProviderModel, Verdict } from "./ProviderModel.ts"
import type * as Result from "./Result.ts"
import type * as Scenario from "./Scenario.ts"
import type { World } from "./VirtualClock.ts"

/** What an operation asks for. Those of equal `text` are the same, word for word. */
export interface Asked {
  readonly text: string
  readonly job: Job.Job
}

/** Where the run takes place. */
export interface Stage<E, R> {
  /** Asks for one operation. Ends with its whole answer; tells of the first content of a stream as it comes. */
  readonly ask: (asked: Asked, onContent: () => void) => Effect.Effect<void, E, R>
  /** The bus of the pipeline that is asked. */
  readonly events: EventBus.EventBus["Service"]
}

/** A call as its provider has decided on it. Milliseconds from the call on. */
export interface Decision {
  readonly job: Job.Job
  readonly verdict: Verdict
  /** What the headers of the response have to say of the provider's limits. Absent: they say nothing. */
  readonly left?: ReturnType<ProviderModel["left"]>
}

/** The provider behind one lane. */
export interface Provider {
  readonly lane: string
  readonly settings: Scenario.Provider
  /** Takes a call for what was asked with this text, now; `undefined` for what goes on behind a stream that broke off. */
  readonly call: (text: string | undefined) => Decision
  /** It has answered in full, and its caller was there. */
  readonly answered: (job: Job.Job) => void
}

export interface Options {
  /** Default 1. */
  readonly seed?: number | undefined
  /** What is put to the test. */
  readonly policy: string
  /** Which lanes of the scenario are used. Default: all, in the scenario's order. */
  readonly lanes?: ReadonlyArray<string> | undefined
  /** Default `order`. */
  readonly draws?: Draws | undefined
  /** Told every second how far the run is, from 0 to 1. */
  readonly onProgress?: ((part: number) => void) | undefined
}

/**
 * Runs a scenario to the end of its last operation: `duration` of real time and a little more. Time begins when the stage is
 * set. Interruption ends the run and has its callers leave.
 */
export const run = Effect.fnUntraced(function* <E extends { readonly _tag: string }, R, E2, R2>(
  scenario: Scenario.Scenario,
  options: Options,
  set: (providers: ReadonlyArray<Provider>) => Effect.Effect<Stage<E, R>, E2, R2 | Scope.Scope>
): Effect.fn.Return<Result.Result, E2, R | Exclude<R2, Scope.Scope>> {
  return yield* Effect.scoped(stagedRun(scenario, options, set))
})

const stagedRun = Effect.fnUntraced(function* <E extends { readonly _tag: string }, R, E2, R2>(
  scenario: Scenario.Scenario,
  { draws, lanes, onProgress, policy, seed = 1 }: Options,
  set: (providers: ReadonlyArray<Provider>) => Effect.Effect<Stage<E, R>, E2, R2 | Scope.Scope>
) {
  const world = yield* realWorld
  const { cast, play, result, tally } = yield* course.make({
    draws,
    scenario,
    seed,
    policy,
    lanes,
    world,
    onProgress: undefined
  })
  const jobs = new Map<string, Job.Job>()
  const providerOf = ({ lane, model }: course.Cast): Provider => ({
    lane,
    settings: model.settings,
    call: (text) => {
      const job = (text === undefined ? undefined : jobs.get(text)) ?? Job.rest
      const now = world.now()
      tally.called(lane, now)
      const verdict = model.call(job, now)
      const states =
        model.statesLimits(lane.slice(0, lane.indexOf("/"))) &&
        (verdict._tag !== "Refused" || verdict.isLimited === true)
      return { job, verdict: since(now, verdict), ...(states && { left: model.left(now) }) }
    },
    answered: (job) => tally.answer(lane, model.priceOf(job), world.now())
  })
  const stage = yield* set(cast.map(providerOf))
  world.begin()
  const startedAt = yield* Clock.currentTimeMillis
  const watching = course.watch(
    cast.map(({ lane }) => lane),
    tally,
    startedAt
  )
  yield* Effect.provideService(watching, EventBus.EventBus, stage.events)
  if (onProgress !== undefined) {
    const look = Effect.sync(() => onProgress(Math.min(1, world.now() / scenario.duration)))
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("1 second")))
  }
  const texts = new WeakMap<Job.Request, string>()
  let number = 0
  yield* play((request, onContent) => {
    const text = texts.get(request) ?? `Question ${(number += 1)}.`
    texts.set(request, text)
    jobs.set(text, request.job)
    return stage.ask({ text, job: request.job }, onContent)
  })
  const wallMs = (yield* Clock.currentTimeMillis) - startedAt
  return { ...result(), wallMs } satisfies Result.Result
})

/** Time as it passes, in whole milliseconds since it began. */
const realWorld = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  let origin = clock.monotonicTimeNanosUnsafe()
  return {
    begin: () => {
      origin = clock.monotonicTimeNanosUnsafe()
    },
    now: () => Math.floor(Number(clock.monotonicTimeNanosUnsafe() - origin) / 1e6),
    after: (millis, run) => {
      const fiber = fork(
        Effect.andThen(Effect.sleep(Duration.millis(Math.max(0, Math.ceil(millis)))), Effect.sync(run))
      )
      return { cancel: () => fiber.interruptUnsafe() }
    }
  } satisfies Pick<World, "now" | "after"> & { readonly begin: () => void }
})

const since = (now: number, verdict: Verdict): Verdict => {
  switch (verdict._tag) {
    case "Answer":
      return { ...verdict, firstAt: verdict.firstAt - now, endAt: verdict.endAt - now }
    case "Cut":
      return { ...verdict, firstAt: verdict.firstAt - now, at: verdict.at - now }
    case "Refused":
      return { ...verdict, at: verdict.at - now }
    case "Hang":
    case "Unreachable":
      return verdict
  }
}
