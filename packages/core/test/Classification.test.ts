import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { Classification, type Failure } from "@holdfast/core"
import { classes } from "./Failures.ts"

const target = { provider: "acme", model: "anvil-2", lane: "acme/anvil-2@spare" }

const usual = (class_: Failure.Class): Classification.Classification => ({
  class: class_,
  ...Classification.defaults[class_],
  scope: "model",
  rule: "acme/rule"
})

describe("a classification", () => {
  it.each(classes)("of class %s becomes the failure of that class on its lane", (class_) => {
    const failure = Classification.toFailure(usual(class_), target)
    assert.strictEqual(failure._tag, class_)
    assert.deepStrictEqual([failure.provider, failure.model, failure.lane], ["acme", "anvil-2", "acme/anvil-2@spare"])
    assert.deepStrictEqual([failure.scope, failure.rule], ["model", "acme/rule"])
  })

  it.each(classes)("of class %s repeats on the failure only what departs from the class", (class_) => {
    const verdict = usual(class_)
    const same = Classification.toFailure(verdict, target)
    assert.deepStrictEqual([same.retryable, same.failover], [undefined, undefined])
    const other = Classification.toFailure(
      { ...verdict, retryable: !verdict.retryable, failover: !verdict.failover },
      target
    )
    assert.deepStrictEqual([other.retryable, other.failover], [!verdict.retryable, !verdict.failover])
  })

  it("hands on everything the provider said", () => {
    const cause = new Error("socket")
    const said = {
      status: 429,
      providerCode: "slow_down",
      requestId: "req_9",
      retryAfter: Duration.seconds(7),
      detail: "Slow down."
    }
    const failure = Classification.toFailure({ ...usual("RateLimit"), ...said }, target, { cause })
    const { status, providerCode, requestId, retryAfter, detail } = failure
    assert.deepStrictEqual({ status, providerCode, requestId, retryAfter, detail }, said)
    assert.strictEqual(failure.cause, cause)
  })

  it("of a timeout names the clock that ran out", () => {
    const failure = Classification.toFailure(usual("Timeout"), target, { phase: "connect" })
    assert.strictEqual(failure._tag === "Timeout" && failure.phase, "connect")
  })
})
