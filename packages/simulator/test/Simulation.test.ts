import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"
import { Policy } from "@holdfast/core"
import { type Result, Simulation, Subject } from "@holdfast/simulator"
import { interactive, run, scenario, standard, well } from "./Storm.ts"

const outage = { at: "10 minutes", for: "5 minutes", kind: "service-unavailable" } as const
const storm = { providers: { "a/one": { ...well, outages: [outage] }, "b/two": well } }

/** A run without the one figure that is about the machine. */
const bytes = ({ wallMs: _, ...result }: Result.Result): string => JSON.stringify(result)

describe("Simulation", { timeout: 120_000 }, () => {
  it.effect("gives the same bytes for the same seed, and others for another", () =>
    Effect.gen(function* () {
      const workload = {
        arrivals: { poisson: "5 per second" },
        deadline: "60 seconds",
        streams: 0.5,
        urgent: 0.1,
        tokens: { out: { p50: 200, p99: 1000 } }
      } as const
      const parts = { ...storm, duration: "16 minutes", workload } as const
      const first = yield* run(parts)
      assert.strictEqual(bytes(yield* run(parts)), bytes(first))
      assert.notStrictEqual(bytes(yield* run(parts, interactive, 2)), bytes(first))
    })
  )

  it.effect("serves through an outage of the first lane, which costs whoever has no second one everything", () =>
    Effect.gen(function* () {
      const kept = yield* run(storm)
      assert.isAbove(kept.successRate, 0.995)
      const [primary] = kept.outages
      assert.isBelow(primary?.detectMs ?? Infinity, 5000)
      assert.isBelow(primary?.recoveryMs ?? Infinity, 30_000)
      assert.includeMembers(
        kept.changes.map(({ lane, state }) => `${lane} ${state}`),
        ["a/one open", "a/one half-open", "a/one closed"]
      )
      const unkept = yield* run(storm, Subject.none)
      assert.approximately(unkept.successRate, 5 / 6, 0.02)
      assert.strictEqual(unkept.attempts, unkept.operations)
    })
  )

  it.effect("serves by the last lane alive, though three in ten of its calls fail, and a crowd has waited for it", () =>
    Effect.gen(function* () {
      const workload = { arrivals: { poisson: "5 per second" }, deadline: "60 seconds", streams: 0.5 } as const
      const limping = {
        ...well,
        tokensPerSecond: 100,
        errors: { overloaded: 0.3 },
        outages: [{ ...outage, for: "30 seconds" }]
      } as const
      const down = { ...well, outages: [{ ...outage, at: "0 seconds", for: "40 minutes" }] } as const
      for (const subject of [interactive, standard]) {
        const result = yield* run({ workload, providers: { "a/one": down, "b/two": limping } }, subject)
        // Two retries leave 2.7 %, and half a minute without anybody costs standard up to two minutes of thirty.
        assert.isAbove(result.successRate, 0.92, JSON.stringify(result.failures))
      }
    })
  )

  it.effect("cuts calls that are under way when an outage begins", () =>
    Effect.gen(function* () {
      const result = yield* run(storm, Subject.none)
      assert.isAbove(result.failures["Network"] ?? 0, 0)
      assert.isAbove(result.failures["ServiceUnavailable"] ?? 0, 1000)
    })
  )

  it.effect("lets callers leave at their deadline, and counts what that wastes", () =>
    Effect.gen(function* () {
      const result = yield* run(
        {
          workload: { arrivals: { constant: "1 per second" }, deadline: "10 seconds" },
          providers: { "a/one": { latency: { constant: "15 seconds" }, price: { input: 1, output: 1 } } }
        },
        Subject.none
      )
      assert.deepStrictEqual(result.failures, { Left: 1800 })
      assert.strictEqual(result.wasted.calls, 1800)
      assert.strictEqual(result.wasted.usd, result.costUsd)
      assert.isAbove(result.costUsd, 0)
    })
  )

  it.effect("has callers ask again on their own", () =>
    Effect.gen(function* () {
      const workload = {
        arrivals: { constant: "1 per second" },
        deadline: "60 seconds",
        clients: { retries: 2, wait: "1 second" }
      } as const
      const providers = { "a/one": { ...well, errors: { "service-unavailable": 0.5 } } }
      const result = yield* run({ workload, providers }, Subject.none)
      assert.strictEqual(result.operations, 1800)
      assert.strictEqual(result.attempts, 1800 + result.resubmissions)
      assert.approximately(result.successRate, 1 - 0.5 ** 3, 0.03)
    })
  )

  it.effect("answers from the cache what was asked word for word", () =>
    Effect.gen(function* () {
      const workload = { arrivals: { poisson: "2 per second" }, deadline: "60 seconds", identical: 0.5 } as const
      const policy = Policy.interactive.pipe(Policy.cache({ ttl: "1 hour" }), Policy.coalesce())
      const cached = yield* run({ workload }, Subject.holdfast("cached", policy))
      assert.approximately(cached.amplification, 0.5, 0.06)
      const asked = yield* run({ workload })
      assert.approximately(asked.amplification, 1, 0.01)
    })
  )

  it.effect("goes on with a stream that breaks off where the policy says so", () =>
    Effect.gen(function* () {
      const parts = {
        workload: { arrivals: { poisson: "2 per second" }, deadline: "60 seconds", streams: 1 },
        providers: {
          "a/one": { ...well, tokensPerSecond: 50, errors: { truncated: 0.2 } },
          "b/two": { ...well, tokensPerSecond: 50 }
        }
      } as const
      const surfaced = yield* run(parts)
      assert.isAbove(surfaced.failures["StreamTruncated"] ?? 0, 20)
      const continued = yield* run(
        parts,
        Subject.holdfast("continued", Policy.interactive.pipe(Policy.stream({ onFailure: "continue" })))
      )
      assert.isAbove(continued.successRate, 0.995)
    })
  )

  it.effect("works through a quota that runs out, a slow spell and a provider that cannot be reached", () =>
    Effect.gen(function* () {
      const result = yield* run({
        providers: {
          "a/one": {
            ...well,
            quota: { requests: 3000, every: "1 hour", hint: true },
            outages: [{ at: "2 minutes", for: "3 minutes", kind: "unreachable", share: 0.5, onset: "1 minute" }]
          },
          "b/two": { ...well, outages: [{ at: "20 minutes", for: "2 minutes", kind: "slow", factor: 3 }] }
        }
      })
      assert.isAbove(result.successRate, 0.99)
      assert.isAtMost(result.lanes[0]?.answered ?? 0, 3000)
      assert.isAbove(result.changes.filter(({ reason }) => reason === "QuotaExceeded").length, 0)
    })
  )

  it.effect("heeds what headers say is left, where the provider is one that says it", () =>
    Effect.gen(function* () {
      const callsOf = Effect.fnUntraced(function* (lane: string, limits: object) {
        const limited = { ...well, limits: { requestsPerMinute: 120, tokensPerMinute: 120_000, ...limits } } as const
        const workload = { arrivals: { constant: "5 per second" }, deadline: "60 seconds", streams: 0.5 } as const
        const result = yield* run({ workload, providers: { [lane]: limited, "b/two": well } })
        assert.isAbove(result.successRate, 0.99)
        const { answered = 0, attempts = 0 } = result.lanes[0] ?? {}
        return { answered, refused: attempts - answered }
      })
      const unsaid = yield* callsOf("a/one", { headers: false })
      assert.isAbove(unsaid.refused, 30)
      for (const said of [yield* callsOf("a/one", {}), yield* callsOf("gemini/one", { headers: true })]) {
        // All that the limits let through, 120 a minute after the first 120, and next to nothing beyond.
        assert.isAbove(said.answered, 3500)
        assert.isBelow(said.refused, 5)
      }
      assert.deepStrictEqual(yield* callsOf("gemini/one", {}), yield* callsOf("gemini/one", { headers: false }))
    })
  )

  it.effect("asks as the official SDKs do", () =>
    Effect.gen(function* () {
      const down = { ...well, outages: [{ ...outage, at: "0 seconds", for: "40 minutes" }] }
      const workload = { arrivals: { poisson: "5 per second" }, deadline: "60 seconds", streams: 0.5 } as const
      const result = yield* run({ workload, providers: { "a/one": down } }, Subject.sdk)
      assert.strictEqual(result.succeeded, 0)
      assert.strictEqual(result.attempts, 3 * result.operations)
    })
  )

  it.live("ends when it is interrupted, in the middle of a long run", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const long = yield* scenario({ ...storm, duration: "1000 hours" })
      const fiber = yield* Effect.forkChild(
        Simulation.run(long, interactive, { onProgress: () => Deferred.doneUnsafe(begun, Effect.void) })
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    })
  )
})
