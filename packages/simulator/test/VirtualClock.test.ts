import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Ref } from "effect"
import { VirtualClock } from "@holdfast/simulator"

describe("VirtualClock", () => {
  it.effect("lets a day pass at once, and wakes who is due first, then who came first", () =>
    Effect.gen(function* () {
      const order = yield* VirtualClock.run(
        Effect.gen(function* () {
          const order: Array<string> = []
          const sleeper = (name: string, duration: "2 hours" | "1 hour") =>
            Effect.andThen(
              Effect.sleep(duration),
              Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => order.push(`${name} at ${now}`)))
            )
          const fibers = yield* Effect.forEach(
            [sleeper("a", "2 hours"), sleeper("b", "1 hour"), sleeper("c", "2 hours")],
            (effect) => Effect.forkChild(effect)
          )
          yield* Effect.sleep("24 hours")
          yield* Effect.forEach(fibers, Fiber.join)
          order.push(`end at ${yield* Clock.currentTimeMillis}`)
          return order
        })
      )
      assert.deepStrictEqual(order, ["b at 3600000", "a at 7200000", "c at 7200000", "end at 86400000"])
    })
  )

  it.effect("keeps what many sleepers call off and begin in order", () =>
    Effect.gen(function* () {
      const [woken, interrupted] = yield* VirtualClock.run(
        Effect.gen(function* () {
          const woken: Array<number> = []
          const fibers = []
          // 1103515245 and 12345 are the numbers of a congruential generator: the sleeps come in no order.
          let draw = 7
          for (let index = 0; index < 500; index++) {
            draw = (draw * 1_103_515_245 + 12_345) % 2_147_483_648
            const millis = (draw % 10_000) + 1
            fibers.push(
              yield* Effect.forkChild(
                Effect.andThen(
                  Effect.sleep(millis),
                  Effect.sync(() => woken.push(millis))
                )
              )
            )
          }
          yield* Effect.sleep(1)
          const some = fibers.filter((_, index) => index % 3 === 0)
          yield* Fiber.interruptAll(some)
          const exits = yield* Effect.forEach(fibers, (fiber) => Fiber.await(fiber))
          return [woken, exits.filter(Exit.isFailure).length] as const
        })
      )
      assert.deepStrictEqual(
        woken,
        woken.toSorted((a, b) => a - b)
      )
      assert.strictEqual(woken.length + interrupted, 500)
      assert.isAtLeast(interrupted, 160)
    })
  )

  it.effect("ends a sleep at a whole millisecond, and lets fibers that yield go on first", () =>
    Effect.gen(function* () {
      const instants = yield* VirtualClock.run(
        Effect.gen(function* () {
          yield* Effect.sleep(0.2)
          const first = yield* Clock.currentTimeMillis
          const deferred = yield* Deferred.make<void>()
          yield* Effect.forkChild(
            Effect.andThen(Effect.replicateEffect(Effect.yieldNow, 100), Deferred.succeed(deferred, undefined))
          )
          yield* Effect.race(Effect.sleep(1), Deferred.await(deferred))
          return [first, yield* Clock.currentTimeMillis]
        })
      )
      assert.deepStrictEqual(instants, [1, 1])
    })
  )

  it.effect("dies where time can bring nothing any more", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(VirtualClock.run(Effect.never))
      assert.isTrue(Exit.isFailure(exit))
      assert.include(String(exit), "waits for something that time cannot bring")
    })
  )

  it.live("stops when it is interrupted, and cleans up", () =>
    Effect.gen(function* () {
      const cleaned = yield* Ref.make(false)
      const started = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        VirtualClock.run(
          Deferred.succeed(started, undefined).pipe(
            Effect.andThen(Effect.forever(Effect.sleep("1 second"))),
            Effect.onInterrupt(() => Effect.andThen(Effect.sleep("1 hour"), Ref.set(cleaned, true)))
          )
        )
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* Ref.get(cleaned))
    })
  )
})
