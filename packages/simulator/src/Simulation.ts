/**
 * Runs a scenario: the pipeline that serves in production, with its breakers, budgets, limits, caches and schedules, under a
 * virtual clock and seeded chance, against models of providers. The same scenario, subject and seed give the same result,
 * on any machine, `wallMs` apart.
 */
import * as Bulkhead from "@holdfast/core/Bulkhead"
import * as Resilience from "@holdfast/core/Resilience"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as Chance from "./internal/Chance.ts"
import * as course from "./internal/course.ts"
import type { Draws } from "./internal/course.ts"
import * as Digests from "./internal/Digests.ts"
import type * as Job from "./internal/Job.ts"
import * as simulatedLane from "./internal/simulatedLane.ts"
import type * as Result from "./Result.ts"
import type * as Scenario from "./Scenario.ts"
import type * as Subject from "./Subject.ts"
import * as VirtualClock from "./VirtualClock.ts"

export type { Draws } from "./internal/course.ts"

export interface Options {
  /** Default 1. */
  readonly seed?: number | undefined
  /** Of the pipeline's own chance, its jitter say, under the same arrivals and providers. Default: `seed`. */
  readonly pipelineSeed?: number | undefined
  /** Default `order`. */
  readonly draws?: Draws | undefined
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
    Effect.provideService(Random.Random, yield* Chance.service(String(options.pipelineSeed ?? seed), "pipeline"))
  )
  const wallMs = (yield* Clock.currentTimeMillis) - startedAt
  return { ...result, wallMs } satisfies Result.Result
})

const simulate = (scenario: Scenario.Scenario, subject: Subject.Subject, seed: number, options: Options) =>
  Effect.gen(function* () {
    const world = yield* VirtualClock.Current
    const { cast, play, result, tally } = yield* course.make({
      scenario,
      seed,
      draws: options.draws,
      policy: subject.name,
      lanes: subject.lanes,
      world,
      onProgress: options.onProgress
    })
    const watcher: simulatedLane.Watcher = {
      called: (lane, now) => tally.called(lane, now),
      answered: (lane, usd, now) => tally.answer(lane, usd, now)
    }
    const [first, ...others] = cast
    const laneOf = ({ lane, model }: course.Cast) =>
      simulatedLane.make(lane, model, world, watcher, subject.pieceMillis)
    yield* course.watch(
      cast.map(({ lane }) => lane),
      tally,
      0
    )
    const model = yield* subject.model([laneOf(first), ...others.map(laneOf)])
    yield* play((request, onContent) => operation(model, request, onContent))
    return result()
  }).pipe(Effect.provide(Layer.provide(Resilience.layer, Digests.layer)), Effect.scoped)

const operation = (
  model: TextModel.TextModel<Subject.Errors>,
  request: Job.Request,
  onContent: () => void
): Effect.Effect<void, Subject.Errors> => {
  const { isStream, isUrgent } = request.job
  const called = isStream
    ? Stream.runForEachArray(model.stream(request), (parts) =>
        Effect.sync(() => {
          if (parts.some(({ type }) => type === "text-delta")) onContent()
        })
      )
    : Effect.asVoid(model.generate(request))
  return isUrgent ? Effect.provideService(called, Bulkhead.Priority, "high") : called
}
