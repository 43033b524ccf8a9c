import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { EventBus } from "@holdfast/core"
import { Agreement, Replay, type Result, Simulation, Subject } from "@holdfast/simulator"
import { scenario, well } from "./Storm.ts"

/** A stage without sockets: each operation asks the first provider once, and gets what that decides, in its time. */
const bare = ([provider]: ReadonlyArray<Replay.Provider>) =>
  Effect.map(EventBus.make, (events): Replay.Stage<{ readonly _tag: string }, never> => ({
    events,
    ask: ({ job, text }, onContent) =>
      Effect.suspend(() => {
        const decision = provider?.call(text)
        assert.strictEqual(decision?.job, job)
        const verdict = decision?.verdict
        if (verdict?._tag === "Refused") {
          return Effect.delay(Effect.fail({ _tag: verdict.class }), verdict.at)
        }
        if (verdict?._tag !== "Answer") return Effect.die(`${verdict?._tag} is not in this storm`)
        return Effect.gen(function* () {
          yield* Effect.sleep(verdict.firstAt)
          if (job.isStream) onContent()
          yield* Effect.sleep(verdict.endAt - verdict.firstAt)
          provider?.answered(job)
        })
      })
  }))

const storm = scenario({
  duration: "60 seconds",
  workload: {
    arrivals: { poisson: "5 per second" },
    deadline: "8 seconds",
    streams: 0.5,
    clients: { retries: 1, wait: "500 millis" }
  },
  providers: {
    "a/one": {
      latency: { p50: "1 second", p99: "5 seconds" },
      tokensPerSecond: 100,
      price: { input: 1, output: 2 },
      errors: { "service-unavailable": 0.1 },
      outages: [{ at: "20 seconds", for: "5 seconds", kind: "overloaded", onset: "1 second" }]
    }
  }
})

/** Runs to its end while the test's clock goes on a millisecond at a time. */
const inTime = Effect.fnUntraced(function* <A, E, R>(self: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(self)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(1)
  return yield* Fiber.join(fiber)
})

describe("Replay", { timeout: 60_000 }, () => {
  it.effect("has the same callers ask the same providers at the same instants as a simulation", () =>
    Effect.gen(function* () {
      const options = { seed: 3, draws: "operation" } as const
      const replayed = yield* inTime(Replay.run(yield* storm, { ...options, policy: "none" }, bare))
      const simulated = yield* Simulation.run(yield* storm, Subject.none, options)
      const figures = ({ failures, operations, resubmissions, succeeded, attempts, latencyMs }: Result.Result) => ({
        operations,
        succeeded,
        attempts,
        resubmissions,
        failures,
        p95: Math.round((latencyMs.p95 ?? 0) / 50)
      })
      assert.deepStrictEqual(figures(replayed), figures(simulated))
      assert.approximately(replayed.costUsd, simulated.costUsd, 1e-6)
      assert.approximately(replayed.firstContentMs.p95 ?? 0, simulated.firstContentMs.p95 ?? 0, 50)
      assert.isAbove(replayed.resubmissions, 10)
      assert.isAbove(replayed.succeeded, 200)
      assert.isTrue(Agreement.of(replayed, [simulated]).agrees)
    })
  )

  it.live("has its callers leave when it is interrupted", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const left = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Replay.run(yield* storm, { policy: "none" }, () =>
          Effect.map(EventBus.make, (events) => ({
            events,
            ask: () =>
              Effect.onInterrupt(Effect.andThen(Deferred.succeed(begun, undefined), Effect.never), () =>
                Deferred.succeed(left, undefined)
              )
          }))
        )
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(left)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    })
  )
})

describe("draws by operation", () => {
  it.effect("give a call the same answer whatever the pipeline's own chance has come between", () =>
    Effect.gen(function* () {
      const parts = yield* scenario({
        workload: { arrivals: { poisson: "1 per second" }, deadline: "60 seconds" },
        providers: { "a/one": { ...well, errors: { "service-unavailable": 0.4 } } }
      })
      const run = (pipelineSeed: number, draws: Simulation.Draws) =>
        Effect.map(
          Simulation.run(parts, Subject.sdk, { pipelineSeed, draws }),
          ({ attempts, failures }) => [attempts, failures] as const
        )
      assert.deepStrictEqual(yield* run(1, "operation"), yield* run(2, "operation"))
      assert.notDeepEqual(yield* run(1, "order"), yield* run(2, "order"))
    })
  )
})

describe("Agreement", () => {
  it.effect("says how far apart a replay and the mean of virtual runs are, and when that is too far", () =>
    Effect.gen(function* () {
      const one = yield* Simulation.run(yield* storm, Subject.none)
      const like = (successRate: number, p95: number): Result.Summary => ({
        ...one,
        successRate,
        latencyMs: { ...one.latencyMs, p95 }
      })
      const virtual = [like(0.9, 1000), like(0.94, 1200)] as const
      const near = Agreement.of(like(0.925, 1200), virtual)
      const [success, p95] = near.measures
      assert.approximately(success?.difference ?? 0, 0.005, 1e-9)
      assert.approximately(p95?.difference ?? 0, 100 / 1100, 1e-9)
      assert.deepStrictEqual([p95?.virtual.least, p95?.virtual.greatest], [1000, 1200])
      assert.isTrue(near.agrees)
      assert.isFalse(Agreement.of(like(0.935, 1100), virtual).agrees)
      assert.isFalse(Agreement.of(like(0.92, 900), virtual).agrees)
      assert.throws(() => Agreement.of({ ...one, seed: 2 }, virtual), RangeError)
    })
  )
})
