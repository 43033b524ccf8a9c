import { assert, describe, it } from "@effect/vitest"
import { Duration, Exit, Schema } from "effect"
import { Policy } from "@holdfast/core"

const millis = Duration.toMillis
const seconds = (duration: Duration.Duration) => millis(duration) / 1000

describe("the presets", () => {
  /** The table of the semantics, in seconds. */
  const table: { readonly [Name in Policy.PresetName]: { readonly [part: string]: number | ReadonlyArray<number> } } = {
    mission: { retries: [3, 1, 60], patience: 60, breaker: [60, 60], clocks: [10, 30, 30, 30, 120] },
    interactive: { retries: [2, 0.5, 8], patience: 5, breaker: [10, 15], clocks: [5, 10, 10, 60, 90] },
    standard: { retries: [3, 1, 60], patience: 60, breaker: [60, 120], clocks: [10, 30, 20, 60, 120] },
    batch: { retries: [8, 2, 300], patience: 900, breaker: [60, 300], clocks: [10, 120, 60, 600, 86_400] }
  }
  it.each(Policy.PresetName.literals)("%s has the promised numbers", (name) => {
    const { breaker, clocks, retry } = Policy.presets[name]
    assert.deepStrictEqual<unknown>(
      {
        retries: [retry.maxRetries, seconds(retry.base), seconds(retry.maxDelay)],
        patience: seconds(retry.patience),
        breaker: [seconds(breaker.open), seconds(breaker.openMax)],
        clocks: [clocks.connect, clocks.firstContent, clocks.chunkGap, clocks.attempt, clocks.total].map(seconds)
      },
      table[name]
    )
  })

  it("have the standard's other numbers unless they say otherwise", () => {
    const { breaker, budget, bulkhead, clocks, fallback, retry } = Policy.standard
    assert.deepStrictEqual([retry.factor, retry.jitter], [2, "equal"])
    assert.strictEqual(breaker.consecutiveFailures, 5)
    assert.strictEqual(breaker.openGrowth, 2)
    assert.isAbove(breaker.openJitter, 0)
    assert.strictEqual(budget.maxAttempts, 6)
    assert.deepStrictEqual([bulkhead.maxConcurrent, bulkhead.maxQueue, seconds(bulkhead.queueTimeout)], [32, 64, 5])
    assert.strictEqual(seconds(clocks.plainAttempt), 30)
    assert.deepStrictEqual({ ...fallback }, { onContentPolicy: false, waitForReopening: true, spillOver: true })
  })

  it("mission grows and spreads nothing", () => {
    assert.deepInclude({ ...Policy.mission.breaker }, { consecutiveFailures: 5, openGrowth: 1, openJitter: 0 })
  })

  it.each(Policy.PresetName.literals)("%s satisfies its own schema", (name) => {
    const preset = Policy.presets[name]
    assert.deepStrictEqual(Schema.decodeSync(Policy.fromConfig(name))({}), preset)
    assert.deepStrictEqual(Schema.decodeSync(Policy.fromConfig("standard"))(name), preset)
  })

  it.each(Policy.PresetName.literals)("a probe of %s keeps its slot as long as its attempt may take", (name) => {
    const { breaker, clocks } = Policy.presets[name]
    assert.isAtLeast(millis(breaker.probeLease), millis(clocks.attempt))
    assert.isAtLeast(millis(breaker.probeLease), millis(clocks.plainAttempt))
  })
})

describe("a policy", () => {
  it("is a value: replacing numbers leaves the original and every other number alone", () => {
    const patient = Policy.standard.pipe(
      Policy.retry({ maxRetries: 5, base: "2 seconds", jitter: "decorrelated" }),
      Policy.breaker({ open: "30 seconds" }),
      Policy.budget({ maxAttempts: 8 }),
      Policy.bulkhead({ maxConcurrent: 4 }),
      Policy.clocks({ total: "5 minutes" }),
      Policy.fallback({ onContentPolicy: true })
    )
    assert.instanceOf(patient, Policy.Policy)
    assert.deepInclude({ ...patient.retry }, { maxRetries: 5, jitter: "decorrelated", factor: 2 })
    assert.strictEqual(seconds(patient.retry.base), 2)
    assert.strictEqual(seconds(patient.retry.maxDelay), 60)
    assert.strictEqual(seconds(patient.breaker.open), 30)
    assert.strictEqual(patient.budget.maxAttempts, 8)
    assert.deepInclude({ ...patient.bulkhead }, { maxConcurrent: 4, maxQueue: 64 })
    assert.deepStrictEqual([patient.clocks.attempt, patient.clocks.total].map(seconds), [60, 300])
    assert.deepStrictEqual({ ...patient.fallback }, { onContentPolicy: true, waitForReopening: true, spillOver: true })
    assert.strictEqual(Policy.standard.retry.maxRetries, 3)
  })

  it("takes an absent option as no option", () => {
    assert.deepStrictEqual(Policy.standard.pipe(Policy.retry({ maxRetries: undefined })), Policy.standard)
  })

  const impossible: ReadonlyArray<readonly [string, (policy: Policy.Policy) => Policy.Policy, RegExp]> = [
    ["more retries than anybody wants", Policy.retry({ maxRetries: 101 }), /got 101[^]*maxRetries/],
    ["a first delay above the ceiling", Policy.retry({ base: "2 minutes" }), /at most maxDelay \(1m\), got 2m[^]*base/],
    ["no attempt at all", Policy.budget({ maxAttempts: 0 }), /got 0[^]*maxAttempts/],
    ["an open time above its ceiling", Policy.breaker({ open: "1 hour" }), /at least open \(1h\), got 2m[^]*openMax/],
    ["no slot", Policy.bulkhead({ maxConcurrent: 0 }), /got 0[^]*maxConcurrent/],
    ["a limit of nothing", Policy.limits({ requestsPerMinute: 0 }), /got 0[^]*requestsPerMinute/],
    [
      "a burst of no limit",
      Policy.limits({ requestsBurst: 5 }),
      /together with requestsPerMinute, got 5[^]*requestsBurst/
    ],
    ["a hedge after everything", Policy.hedge({ quantile: 1 }), /got 1[^]*quantile/],
    ["a throttle below 1", Policy.throttle({ k: 0.5 }), /got 0.5[^]*k/],
    ["a clock that never runs", Policy.clocks({ chunkGap: 0 }), /got 0[^]*chunkGap/],
    [
      "a first content after the attempt",
      Policy.clocks({ firstContent: "2 minutes" }),
      /attempt \(1m\), got 2m[^]*firstContent/
    ],
    [
      "a gap longer than the attempt",
      Policy.clocks({ chunkGap: "61 seconds" }),
      /attempt \(1m\), got 1m 1s[^]*chunkGap/
    ],
    ["an attempt longer than the whole", Policy.clocks({ attempt: "3 minutes" }), /total \(2m\), got 3m[^]*attempt/],
    ["a plain attempt longer than the whole", Policy.clocks({ plainAttempt: "3 minutes" }), /total \(2m\), got 3m/]
  ]
  it.each(impossible)("with %s is refused by name and value", (_, change, message) => {
    assert.throws(() => change(Policy.standard), RangeError)
    assert.throws(() => change(Policy.standard), message)
  })
})

describe("a policy from a file", () => {
  const decode = Schema.decodeUnknownExit(Policy.fromConfig("interactive"), { onExcessProperty: "error" })
  const read = (written: unknown): Policy.Policy => {
    const exit = decode(written)
    if (Exit.isSuccess(exit)) return exit.value
    throw new Error(String(exit.cause))
  }
  const problem = (written: unknown): string => {
    const exit = decode(written)
    return Exit.isSuccess(exit) ? "none" : String(exit.cause)
  }

  it("is a preset's name, or overrides of one", () => {
    assert.deepStrictEqual(read("batch"), Policy.batch)
    assert.deepStrictEqual(read({}), Policy.interactive)
    const written = read({
      preset: "standard",
      retry: { maxRetries: 1, base: "250 millis" },
      clocks: { total: "100 seconds" },
      fallback: { onContentPolicy: true }
    })
    assert.instanceOf(written, Policy.Policy)
    assert.deepStrictEqual(
      written,
      Policy.standard.pipe(
        Policy.retry({ maxRetries: 1, base: "250 millis" }),
        Policy.clocks({ total: "100 seconds" }),
        Policy.fallback({ onContentPolicy: true })
      )
    )
    assert.deepStrictEqual(read({ retry: { maxRetries: 1 } }), Policy.interactive.pipe(Policy.retry({ maxRetries: 1 })))
  })

  it("turns guards on that are off, and limits what is not limited", () => {
    assert.deepStrictEqual(
      read({
        limits: { requestsPerMinute: 500, tokensPerMinute: 30_000, tokensBurst: 8000 },
        bulkhead: { adaptive: { algorithm: "vegas", max: 20 } },
        throttle: { enabled: true, k: 1.5, window: "5 minutes" },
        hedge: { enabled: true, delay: "2 seconds" }
      }),
      Policy.interactive.pipe(
        Policy.limits({ requestsPerMinute: 500, tokensPerMinute: 30_000, tokensBurst: 8000 }),
        Policy.bulkhead({ adaptive: { algorithm: "vegas", max: 20 } }),
        Policy.throttle({ k: 1.5, window: "5 minutes" }),
        Policy.hedge({ delay: "2 seconds" })
      )
    )
    const { hedge, limits, throttle } = Policy.standard
    assert.deepStrictEqual([hedge.enabled, throttle.enabled, { ...limits }], [false, false, {}])
  })

  it("can be written back and read again", () => {
    const policy = Policy.batch.pipe(Policy.retry({ maxRetries: 1, jitter: "full" }), Policy.budget({ maxAttempts: 3 }))
    const Config = Policy.fromConfig("standard")
    const json = JSON.parse(JSON.stringify(Schema.encodeSync(Config)(policy)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Config)(json), policy)
  })

  it.each([
    ["fast", /"mission" \| "interactive" \| "standard" \| "batch"/],
    [{ preset: "fast" }, /preset/],
    [{ retri: {} }, /\["retri"\]/],
    [{ retry: { maxRetry: 3 } }, /\["retry"\]\["maxRetry"\]/],
    [{ retry: { maxRetries: -1 } }, /between 0 and 100[^]*\["retry"\]\["maxRetries"\]/],
    [{ retry: { maxRetries: "3" } }, /\["retry"\]\["maxRetries"\]/],
    [{ retry: { base: "soon" } }, /\["retry"\]\["base"\]/],
    [{ retry: { base: "0 seconds" } }, /above zero[^]*\["retry"\]\["base"\]/],
    [{ retry: { base: 500 } }, /\["retry"\]\["base"\]/],
    [{ limits: { requestsPerMinute: 0 } }, /\["limits"\]\["requestsPerMinute"\]/],
    [{ limits: { tokensBurst: 100 } }, /together with tokensPerMinute, got 100[^]*\["limits"\]\["tokensBurst"\]/],
    [{ hedge: { quantile: 1 } }, /\["hedge"\]\["quantile"\]/],
    [{ hedge: { after: "2 seconds" } }, /\["hedge"\]\["after"\]/],
    [{ throttle: { k: 0.5 } }, /\["throttle"\]\["k"\]/],
    [{ bulkhead: { adaptive: { algorithm: "guess" } } }, /\["bulkhead"\]\["adaptive"\]\["algorithm"\]/]
  ] as const)("that says %o is refused with the place", (written, message) => {
    assert.match(problem(written), message)
  })

  it.each([
    [{ retry: { base: "9 seconds" } }, /maxDelay \(8s\), got 9s[^]*\["retry"\]\["base"\]/],
    [{ breaker: { open: "20 seconds" } }, /open \(20s\), got 15s[^]*\["breaker"\]\["openMax"\]/],
    [{ clocks: { firstContent: "70 seconds" } }, /attempt \(1m\), got 1m 10s[^]*\["clocks"\]\["firstContent"\]/],
    [{ clocks: { total: "40 seconds" } }, /total \(40s\), got 1m[^]*\["clocks"\]\["attempt"\]/]
  ] as const)("whose numbers contradict the preset's (%o) is refused with the place", (written, message) => {
    assert.match(problem(written), message)
  })
})
