import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Layer, Option, Redacted, Scope, Tracer } from "effect"
import { EventBus } from "@holdfast/core"
import { Redaction, Spans } from "../src/index.ts"
import { attempt, ended } from "./events.ts"

/** The spans that are made of events, in the order in which they end. */
const spansOf = Effect.fnUntraced(function* (
  drafts: ReadonlyArray<Parameters<EventBus.EventBus["Service"]["publish"]>[0]>,
  options?: Spans.Options
) {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const scope = yield* Scope.make()
  const layer = Spans.layer(options).pipe(
    Layer.provideMerge(EventBus.layer),
    Layer.provide(Layer.succeed(Tracer.Tracer, tracer))
  )
  const bus = Context.get(yield* Layer.buildWithScope(layer, scope), EventBus.EventBus)
  yield* Effect.forEach(drafts, bus.publish, { discard: true })
  yield* Scope.close(scope, Exit.void)
  return spans
})

const errorOf = (span: Tracer.NativeSpan | undefined) =>
  span?.status._tag === "Ended" && Exit.isFailure(span.status.exit) ? span.status.exit.cause : Cause.empty

describe("spans", () => {
  it.effect("are one for the operation and one for each attempt, its children", () =>
    Effect.gen(function* () {
      const [operation, first, second, ...more] = yield* spansOf([
        attempt({
          lane: "gemini/g",
          provider: "gemini",
          model: "g",
          startedAt: -900,
          durationMillis: 300,
          result: "ModelOverloaded",
          rule: "gemini/overloaded",
          status: 503,
          message: "gemini is overloaded"
        }),
        attempt({
          attempt: 2,
          startedAt: -500,
          durationMillis: 500,
          inputTokens: 7,
          outputTokens: 9,
          firstContentMillis: 50
        }),
        ended({
          kind: "stream",
          attempts: 2,
          durationMillis: 1000,
          degraded: true,
          inputTokens: 7,
          outputTokens: 9,
          usd: 0.01
        })
      ])
      assert.deepStrictEqual(more, [])
      assert.strictEqual(operation?.name, "chat chat")
      assert.strictEqual(operation?.kind, "internal")
      assert.isTrue(Option.isNone(operation?.parent ?? Option.none()))
      assert.deepInclude(Object.fromEntries(operation?.attributes ?? []), {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-x",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 9,
        "holdfast.operation": "op-1",
        "holdfast.attempts": 2,
        "holdfast.cost": 0.01,
        "holdfast.degraded": true
      })
      assert.deepInclude(operation?.status, { startTime: -1_000_000_000n, endTime: 0n })
      for (const span of [first, second]) {
        assert.strictEqual(Option.getOrUndefined(span?.parent ?? Option.none())?.spanId, operation?.spanId)
        assert.strictEqual(span?.traceId, operation?.traceId)
        assert.strictEqual(span?.kind, "client")
      }
      assert.strictEqual(first?.name, "chat g")
      assert.deepInclude(Object.fromEntries(first?.attributes ?? []), {
        "gen_ai.provider.name": "gcp.gemini",
        "error.type": "ModelOverloaded",
        "http.response.status_code": 503,
        "holdfast.rule": "gemini/overloaded"
      })
      assert.deepInclude(first?.status, { startTime: -900_000_000n, endTime: -600_000_000n })
      assert.include(Cause.pretty(errorOf(first)), "gemini is overloaded")
      // Only the operation's span has them, so that nobody counts them twice.
      assert.isFalse(second?.attributes.has("gen_ai.usage.input_tokens"))
      assert.strictEqual(second?.attributes.get("holdfast.first_content"), 0.05)
    })
  )

  it.effect("belong to the trace of the caller, and to no sample that it is not in", () =>
    Effect.gen(function* () {
      for (const sampled of [true, false]) {
        const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled }
        const spans = yield* spansOf([attempt(), ended({ trace })])
        assert.strictEqual(spans.length, 2)
        assert.strictEqual(Option.getOrUndefined(spans[0]?.parent ?? Option.none())?.spanId, trace.spanId)
        for (const span of spans) {
          assert.strictEqual(span.traceId, trace.traceId)
          assert.strictEqual(span.sampled, sampled)
        }
      }
    })
  )

  it.effect("are of the operation they belong to, however many are under way", () =>
    Effect.gen(function* () {
      const drafts = [1, 2, 3].map((n) => attempt({ operation: `op-${n}`, requestId: `r-${n}` }))
      const spans = yield* spansOf([...drafts, ...[3, 1, 2].map((n) => ended({ operation: `op-${n}` }))])
      const pairs = spans.map((span) => [
        span.attributes.get("holdfast.operation"),
        span.attributes.get("holdfast.request_id")
      ])
      assert.deepStrictEqual(
        pairs,
        [3, 1, 2].flatMap((n) => [
          [`op-${n}`, undefined],
          [`op-${n}`, `r-${n}`]
        ])
      )
    })
  )

  it.effect("are no errors when the caller has left", () =>
    Effect.gen(function* () {
      const [operation] = yield* spansOf([ended({ result: "Cancelled", lane: undefined })])
      assert.isTrue(Cause.hasInterruptsOnly(errorOf(operation)))
    })
  )

  it.effect("have no secret in them", () =>
    Effect.gen(function* () {
      const redaction = Redaction.make({ secrets: [Redacted.make("the-odd-secret")] })
      const message = "you sent the-odd-secret and sk-abcdefgh12345678"
      const [, span] = yield* spansOf([attempt({ result: "Unknown", message }), ended()], { redaction })
      assert.include(Cause.pretty(errorOf(span)), "you sent [redacted] and [redacted]")
    })
  )

  it.effect("are not made where nobody traces: nobody hears the events", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Spans.layer().pipe(Layer.provideMerge(EventBus.layer)))
      assert.isFalse(Context.get(context, EventBus.EventBus).isHeard())
    })
  )
})
