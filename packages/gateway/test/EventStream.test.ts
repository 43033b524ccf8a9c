import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as EventStream from "../src/openai/EventStream.ts"

const beat = ": keep-alive\n\n"
const every = Duration.seconds(10)
/** Each event after its seconds. */
const paced = (...events: ReadonlyArray<readonly [seconds: number, event: string]>) =>
  Stream.fromIterable(events).pipe(
    Stream.rechunk(1),
    Stream.mapEffect(([seconds, event]) => Effect.as(Effect.sleep(Duration.seconds(seconds)), event))
  )

describe("a stream that is kept alive", () => {
  it.effect("has a comment wherever it is silent, and all its events in their order", () =>
    Effect.gen(function* () {
      const events = paced([0, "a"], [9, "b"], [35, "c"], [0, "d"])
      const fiber = yield* Effect.forkChild(Stream.runCollect(EventStream.keptAlive(events, every)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["a", "b", beat, beat, beat, "c", "d"])
    })
  )

  it.effect("fails as it fails, and pulls nothing ahead of its reader", () =>
    Effect.gen(function* () {
      let pulled = 0
      const events = Stream.concat(
        Stream.tap(paced([0, "a"], [0, "b"], [0, "c"]), () => Effect.sync(() => (pulled += 1))),
        Stream.fail("broken")
      )
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(EventStream.keptAlive(events, every), 1)), ["a"])
      assert.strictEqual(pulled, 1)
      assert.strictEqual(yield* Effect.flip(Stream.runDrain(EventStream.keptAlive(events, every))), "broken")
    })
  )

  it.effect("stops what it waits for when its reader leaves, between two comments as well", () =>
    Effect.gen(function* () {
      for (const seconds of [5, 25]) {
        const stopped = yield* Deferred.make<void>()
        const silent = Stream.fromEffect(Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined)))
        const fiber = yield* Effect.forkChild(Stream.runDrain(EventStream.keptAlive(silent, every)))
        yield* TestClock.adjust(Duration.seconds(seconds))
        yield* Fiber.interrupt(fiber)
        yield* Deferred.await(stopped)
      }
    })
  )
})
