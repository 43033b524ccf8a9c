import { assert, describe, it } from "@effect/vitest"
import { Effect, Tracer } from "effect"
import { Policy } from "@holdfast/core"
import { alone, chat, exact } from "./Chat.ts"
import { recorder } from "./Recorder.ts"
import { playing, replying, scripted, text } from "./Scripted.ts"

const caller = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true }

describe("an operation's end", () => {
  for (const [name, policy] of [
    ["without a front", exact],
    ["behind a cache", exact.pipe(Policy.cache({ ttl: "1 minute" }))]
  ] as const) {
    it.effect(`names the span of its caller, if there is one: ${name}`, () =>
      Effect.gen(function* () {
        const events = yield* recorder
        const lane = yield* scripted("a/x", [replying("one"), playing(text("two")), replying("three")])
        const { ask, listen } = yield* chat([lane], policy)
        const span = Tracer.externalSpan(caller)
        yield* Effect.withParentSpan(ask, span)
        yield* Effect.withParentSpan(listen, span)
        yield* ask
        const ended = yield* events.of("OperationEnded")
        assert.deepStrictEqual(
          ended.map(({ trace }) => trace),
          [caller, caller, undefined]
        )
      }).pipe(alone)
    )
  }
})
