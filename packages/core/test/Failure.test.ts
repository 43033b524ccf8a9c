import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import { Arbitrary, Duration, Schema } from "effect"
import { Failure } from "@holdfast/core"
import { classes, everything, secrets } from "./Failures.ts"

const Json = Schema.fromJsonString(Schema.toCodecJson(Failure.Failure))
const encode = Schema.encodeSync(Json)
const decode = Schema.decodeUnknownSync(Json)

/** Comparable: an `Error` has a stack and no useful structural equality. */
const view = (failure: Failure.Failure) => ({
  _tag: failure._tag,
  provider: failure.provider,
  model: failure.model,
  lane: failure.lane,
  scope: failure.scope,
  rule: failure.rule,
  status: failure.status,
  providerCode: failure.providerCode,
  requestId: failure.requestId,
  retryAfter: failure.retryAfter === undefined ? undefined : Duration.toMillis(failure.retryAfter),
  retryable: failure.retryable,
  failover: failure.failover,
  detail: failure.detail,
  phase: failure._tag === "Timeout" ? failure.phase : undefined,
  message: failure.message
})

describe("a failure", () => {
  it.each(classes)("of class %s comes back from JSON as the same class with the same fields", (class_) => {
    const failure = Failure.make(class_, { ...everything, detail: "their words" }, "chunk-gap")
    const back = decode(encode(failure))
    assert.strictEqual(back.constructor, failure.constructor)
    assert.instanceOf(back, Error)
    assert.deepStrictEqual(view(back), view(failure))
  })

  it.each(classes)("of class %s needs nothing but where it happened and which rule decided", (class_) => {
    const { lane, model, provider, rule, scope } = everything
    const failure = Failure.make(class_, { lane, model, provider, rule, scope })
    assert.deepStrictEqual(view(decode(encode(failure))), view(failure))
    assert.strictEqual(failure._tag, class_)
  })

  it.prop(
    "survives JSON whatever its strings hold",
    [Arbitrary.schema(Failure.Failure)],
    ([failure]) => {
      const { lane, model, provider, providerCode, requestId, retryAfter, rule, scope, status } = failure
      // On the wire a wait is whole milliseconds.
      const whole = retryAfter === undefined ? undefined : Duration.millis(Math.round(Duration.toMillis(retryAfter)))
      const sent = Failure.make(failure._tag, {
        lane,
        model,
        provider,
        providerCode,
        requestId,
        rule,
        scope,
        status,
        retryAfter: whole,
        detail: failure.detail
      })
      assert.deepStrictEqual(view(decode(encode(sent))), view(sent))
    },
    { arbitrary: { runs: 500 } }
  )

  it.each(classes)(
    "of class %s says who, what and why, and keeps the provider's sentence and the cause out",
    (class_) => {
      const { message } = Failure.make(class_, { ...everything, ...secrets })
      assert.include(message, "acme")
      assert.include(message, "HTTP 418")
      assert.include(message, "asks to wait 1m 30s")
      assert.include(message, "(acme/teapot)")
      assert.notInclude(message, "sk-live")
      assert.notInclude(message, "kelp")
    }
  )

  it.each(classes)("of class %s leaves the process without the provider's sentence and without the cause", (class_) => {
    const failure = Failure.make(class_, { ...everything, ...secrets }, "connect")
    const sent = Failure.withoutCause(failure)
    assert.isUndefined(sent.detail)
    assert.isUndefined(sent.cause)
    assert.notInclude(encode(sent), "sk-live")
    assert.notInclude(encode(sent), "kelp")
    assert.deepStrictEqual(view(sent), { ...view(failure), detail: undefined })
  })

  it("says which clock ran out; a timeout without one is the provider's own", () => {
    assert.include(Failure.make("Timeout", everything, "first-content").message, "first-content")
    const timeout = Failure.make("Timeout", everything)
    assert.strictEqual(timeout._tag === "Timeout" ? timeout.phase : "", "provider")
  })

  it("is told from anything that only looks like one", () => {
    assert.isTrue(Failure.isFailure(Failure.make("Network", everything)))
    for (const other of [undefined, null, "Network", new Error("Network"), { ...everything, _tag: "Network" }]) {
      assert.isFalse(Failure.isFailure(other))
    }
  })

  it("has one name per class, and no class without a name", () => {
    expectTypeOf<Failure.Class>().toEqualTypeOf<typeof Failure.Class.Type>()
    assert.deepStrictEqual(
      [...classes].toSorted(),
      Failure.Failure.members.map((member) => member.fields._tag.schema.literal).toSorted()
    )
  })

  it("that is malformed in JSON is refused with the place where it is", () => {
    const json = encode(Failure.make("RateLimit", everything)).replace(`"credential"`, `"universe"`)
    assert.throws(() => decode(json), /scope/)
  })
})
