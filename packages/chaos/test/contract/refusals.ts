/** What a lane makes of a server that refuses, or stops, and of a caller that leaves. */
import { assert } from "@effect/vitest"
import { Deferred, Effect, Fiber, Stream } from "effect"
import { sixtyWords } from "../../src/Healthy.ts"
import { ask, type Behaviour, type Stage, wait } from "./Scene.ts"

/** Interrupts the call once `begun`, and sees the client let go of its socket at once. */
const letsGo = (
  { relay }: Stage,
  call: (begun: Effect.Effect<void>) => Effect.Effect<unknown, unknown>,
  until: "asked" | "begun"
) =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const fiber = yield* Effect.forkChild(call(Effect.asVoid(Deferred.succeed(begun, undefined))))
    const connection = yield* relay.first
    if (until === "begun") yield* Deferred.await(begun)
    assert.isFalse(yield* Deferred.isDone(connection.closed))
    const start = performance.now()
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(yield* Deferred.await(connection.closed), "client")
    assert.isBelow(performance.now() - start, 500)
  })

export const refusals = {
  "is refused with another key": {
    scene: "healthy",
    prove: ({ relay, subject }) =>
      Effect.gen(function* () {
        const { text } = yield* subject.lane(relay.origin, "sk-contract-another-1")
        assert.strictEqual((yield* Effect.flip(text!.generate(ask)))._tag, "Authentication")
        assert.strictEqual((yield* Effect.flip(Stream.runDrain(text!.stream(ask))))._tag, "Authentication")
      })
  },
  "learns of a limit, and of the wait it asks for": {
    scene: "limited",
    prove: ({ text }) =>
      Effect.gen(function* () {
        for (const call of [text.generate(ask), Stream.runDrain(text.stream(ask))]) {
          const failure = yield* Effect.flip(call)
          assert.strictEqual(failure._tag, "RateLimit")
          assert.strictEqual(failure.status, 429)
          assert.deepStrictEqual(failure.retryAfter, wait)
        }
      })
  },
  "fails when the stream is cut, after what came": {
    scene: "cut",
    prove: ({ text }) =>
      Effect.gen(function* () {
        let heard = ""
        const exit = yield* Effect.result(
          Stream.runForEach(text.stream(ask), (part) =>
            Effect.sync(() => {
              heard += part.type === "text-delta" ? part.delta : ""
            })
          )
        )
        assert.isTrue(exit._tag === "Failure")
        if (exit._tag === "Failure") assert.include(["Network", "StreamTruncated"], exit.failure._tag)
        assert.isAbove(heard.length, 0)
        assert.isTrue(sixtyWords.startsWith(heard) && heard.length < sixtyWords.length, heard)
      })
  },
  "lets go of its socket before the headers, whole": {
    scene: "silent",
    prove: (stage) => letsGo(stage, () => stage.text.generate(ask), "asked")
  },
  "lets go of its socket before the headers, in a stream": {
    scene: "silent",
    prove: (stage) => letsGo(stage, () => Stream.runDrain(stage.text.stream(ask)), "asked")
  },
  "lets go of its socket in mid-stream": {
    scene: "slow",
    prove: (stage) =>
      letsGo(
        stage,
        (begun) =>
          Stream.runForEach(stage.text.stream(ask), (part) => (part.type === "text-delta" ? begun : Effect.void)),
        "begun"
      )
  },
  "lets go of its socket when nobody wants the rest": {
    scene: "slow",
    prove: ({ relay, text }) =>
      Effect.gen(function* () {
        const parts = text.stream(ask).pipe(Stream.filter((part) => part.type === "text-delta"))
        assert.strictEqual((yield* Stream.runCollect(Stream.take(parts, 2))).length, 2)
        const connection = yield* relay.first
        const start = performance.now()
        assert.strictEqual(yield* Deferred.await(connection.closed), "client")
        assert.isBelow(performance.now() - start, 500)
      })
  }
} as const satisfies { readonly [name: string]: Behaviour }
