import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Random, Schema } from "effect"
import * as FaultPlan from "../src/FaultPlan.ts"

const situation = (over: Partial<FaultPlan.Situation> = {}): FaultPlan.Situation => ({
  operation: "chat",
  model: "gpt-large",
  requestNumber: 1,
  elapsedMillis: 0,
  inFlight: 1,
  lastRole: "user",
  draw: 0.5,
  ...over
})

const tagOf = (plan: FaultPlan.FaultPlan, over: Partial<FaultPlan.Situation> = {}) =>
  FaultPlan.decide(plan, situation(over))?._tag

const hang = (when: typeof FaultPlan.When.Encoded) => FaultPlan.make({ rules: [{ when, fault: { _tag: "Hang" } }] })

const millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))
const period = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 }))
const ordinal = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))
const unit = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

describe("FaultPlan.decide", () => {
  it("leaves a request alone when no rule speaks of it", () => {
    assert.isUndefined(tagOf(FaultPlan.healthy))
    const plan = FaultPlan.make({ rules: [{ models: ["other"], fault: { _tag: "Hang" } }] })
    assert.isUndefined(tagOf(plan))
  })

  it("matches models by name and by glob, where only the star is special", () => {
    const plan = (pattern: string) => FaultPlan.make({ rules: [{ models: [pattern], fault: { _tag: "Hang" } }] })
    assert.strictEqual(tagOf(plan("gpt-large")), "Hang")
    assert.strictEqual(tagOf(plan("gpt-*")), "Hang")
    assert.strictEqual(tagOf(plan("*")), "Hang")
    assert.strictEqual(tagOf(plan("*-l*e")), "Hang")
    assert.isUndefined(tagOf(plan("gpt")))
    assert.isUndefined(tagOf(plan("gpt.large")))
    assert.isUndefined(tagOf(plan("*"), { model: undefined }))
  })

  it("matches operations and the last role", () => {
    const plan = FaultPlan.make({
      rules: [
        { operations: ["embeddings"], fault: { _tag: "ServerError" } },
        { when: { lastRole: "assistant" }, fault: { _tag: "InvalidRequest", code: "invalid_prefill" } }
      ]
    })
    assert.isUndefined(tagOf(plan))
    assert.strictEqual(tagOf(plan, { operation: "embeddings" }), "ServerError")
    assert.strictEqual(tagOf(plan, { lastRole: "assistant" }), "InvalidRequest")
  })

  it("counts those in flight", () => {
    const plan = hang({ inFlightAbove: 2 })
    assert.isUndefined(tagOf(plan, { inFlight: 2 }))
    assert.strictEqual(tagOf(plan, { inFlight: 3 }), "Hang")
  })

  it("wants all conditions of a rule", () => {
    const plan = hang({ requests: { from: 3 }, span: { for: "1 second" } })
    assert.isUndefined(tagOf(plan, { requestNumber: 2, elapsedMillis: 0 }))
    assert.isUndefined(tagOf(plan, { requestNumber: 3, elapsedMillis: 1000 }))
    assert.strictEqual(tagOf(plan, { requestNumber: 3, elapsedMillis: 999 }), "Hang")
  })

  it.prop("request numbers hold from `from` to `to`", [ordinal, ordinal, ordinal], ([a, b, requestNumber]) => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    const plan = hang({ requests: { from, to } })
    assert.strictEqual(tagOf(plan, { requestNumber }) !== undefined, from <= requestNumber && requestNumber <= to)
  })

  it.prop(
    "a span starts at its first instant and ends before its last",
    [millis, period, millis],
    ([from, length, t]) => {
      const plan = hang({ span: { from: `${from} millis`, for: `${length} millis` } })
      assert.strictEqual(tagOf(plan, { elapsedMillis: t }) !== undefined, t >= from && t < from + length)
    }
  )

  it.prop(
    "a repeated span is the same in every period and silent before the first",
    [millis, period, period, period, ordinal],
    ([from, length, pause, offset, n]) => {
      const every = length + pause
      const plan = hang({ span: { from: `${from} millis`, for: `${length} millis`, every: `${every} millis` } })
      const at = (elapsedMillis: number) => tagOf(plan, { elapsedMillis }) !== undefined
      assert.strictEqual(at(from + n * every + offset), at(from + offset))
      assert.isTrue(at(from + n * every))
      assert.isFalse(at(from + n * every + length))
      assert.isFalse(from > 0 && at(from - 1))
    }
  )

  it("prefers the earlier of two rules that apply", () => {
    const plan = FaultPlan.make({
      rules: [
        { models: ["small"], fault: { _tag: "BadKey" } },
        { when: { requests: { to: 1 } }, fault: { _tag: "ServerError" } },
        { fault: { _tag: "Hang" } }
      ]
    })
    assert.strictEqual(tagOf(plan, { requestNumber: 1 }), "ServerError")
    assert.strictEqual(tagOf(plan, { requestNumber: 2 }), "Hang")
  })

  it.prop(
    "the verdict is that of the first rule with a verdict",
    [Schema.Array(FaultPlan.Rule), unit],
    ([rules, draw]) => {
      const healthy = FaultPlan.healthy
      const now = situation({ draw: Math.min(draw, 0.999) })
      // Without chance, the plan's verdict is that of its first rule with a verdict.
      const certain = rules.map(({ when: { rate: _, ...when } = {}, ...rule }) => ({ ...rule, when }))
      const expected = certain
        .map((rule) => FaultPlan.decide({ ...healthy, rules: [rule] }, now))
        .find((fault) => fault !== undefined)
      assert.strictEqual(FaultPlan.decide({ ...healthy, rules: certain }, now), expected)
    }
  )

  it("never fires at rate 0 and always at rate 1", () => {
    for (const draw of [0, 0.3, 0.999_999]) {
      assert.isUndefined(tagOf(hang({ rate: 0 }), { draw }))
      assert.strictEqual(tagOf(hang({ rate: 1 }), { draw }), "Hang")
    }
  })

  it.effect("lets rules draw independently from the one number", () =>
    Effect.gen(function* () {
      const plan = FaultPlan.make({
        rules: [
          { when: { rate: 0.2 }, fault: { _tag: "Hang" } },
          { when: { rate: 0.5 }, fault: { _tag: "ServerError" } }
        ]
      })
      const draws = yield* Effect.forEach(Array.from({ length: 20_000 }), () => Random.next)
      const share = (tag: string | undefined) =>
        draws.filter((draw) => tagOf(plan, { draw }) === tag).length / draws.length
      assert.closeTo(share("Hang"), 0.2, 0.02)
      assert.closeTo(share("ServerError"), 0.8 * 0.5, 0.02)
      assert.closeTo(share(undefined), 0.8 * 0.5, 0.02)
    }).pipe(Random.withSeed("rates"))
  )
})

describe("FaultPlan.make", () => {
  it("fills in a healthy provider", () => {
    const { healthy, rules } = FaultPlan.make({})
    assert.deepStrictEqual(rules, [])
    assert.strictEqual(healthy.wordsPerChunk, 1)
    assert.deepStrictEqual(healthy.latency, Duration.zero)
    assert.strictEqual(healthy.reply._tag === "Fixed" ? healthy.reply.text.split(" ").length : 0, 60)
  })

  it("throws RangeError where a rule cannot be meant, naming the place", () => {
    const fault = { _tag: "Hang" } as const
    assert.throws(() => FaultPlan.make({ rules: [{ when: { rate: 1.1 }, fault }] }), RangeError, /rate/)
    assert.throws(() => FaultPlan.make({ rules: [{ when: { requests: { from: 0 } }, fault }] }), RangeError)
    assert.throws(
      () => FaultPlan.make({ rules: [{ when: { requests: { from: 3, to: 2 } }, fault }] }),
      RangeError,
      /to/
    )
    assert.throws(
      () => FaultPlan.make({ rules: [{ when: { span: { for: "2 seconds", every: "1 second" } }, fault }] }),
      RangeError,
      /every/
    )
    assert.throws(() => FaultPlan.make({ healthy: { wordsPerChunk: 0 } }), RangeError)
  })

  it.effect("refuses a misspelt condition from a file, which would else mean always", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        FaultPlan.decode({ rules: [{ wen: { rate: 0.1 }, fault: { _tag: "ServerError" } }] })
      )
      assert.include(error.message, "wen")
    })
  )
})
