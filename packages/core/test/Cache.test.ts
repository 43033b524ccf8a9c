import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer, Ref, type Scope } from "effect"
import { Persistence } from "effect/persistence"
import { TestClock } from "effect/testing"
import { Cache, EventBus } from "@holdfast/core"
import { recorder } from "./Recorder.ts"

const entry = (answer: unknown, at = 0): Cache.Entry => ({ at, degraded: false, answer })
const minute = Duration.minutes(1)

const within = <A, E>(
  self: Effect.Effect<A, E, Cache.Cache | EventBus.EventBus | Scope.Scope>,
  store: Layer.Layer<never> = Cache.layerStoreMemory()
) => Effect.provide(Effect.scoped(self), Cache.layer.pipe(Layer.provideMerge(EventBus.layer), Layer.provide(store)))

/** A store that does with every call what the switch says. */
const flaky = Effect.gen(function* () {
  const mode = yield* Ref.make<"well" | "slow" | "broken" | "mad">("well")
  const calls = yield* Ref.make(0)
  const values = new Map<string, object>()
  const act = <A>(f: () => A): Effect.Effect<A, Persistence.PersistenceError> =>
    Effect.flatMap(Ref.get(mode), (now) => {
      switch (now) {
        case "well":
          return Effect.sync(f)
        case "slow":
          return Effect.delay(Effect.sync(f), "1 hour")
        case "broken":
          return Effect.fail(new Persistence.PersistenceError({ message: "connection refused" }))
        case "mad":
          return Effect.die("a bug in the client")
      }
    }).pipe((self) =>
      Effect.andThen(
        Ref.update(calls, (n) => n + 1),
        self
      )
    )
  const store: Cache.Store = {
    get: (key) => act(() => values.get(key)),
    getMany: ([first, ...rest]) => act(() => [values.get(first), ...rest.map((key) => values.get(key))]),
    set: (key, value) => act(() => void values.set(key, value)),
    setMany: (entries) => act(() => entries.forEach(([key, value]) => values.set(key, value))),
    remove: (key) => act(() => void values.delete(key)),
    clear: act(() => values.clear())
  }
  return { mode, calls: Ref.get(calls), values, layer: Layer.succeed(Cache.Store, store) }
})

describe("the cache", () => {
  it.effect("gives back what it was given, in the order of the keys, until its time is over", () =>
    within(
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        yield* cache.write([["a", entry("first")]], minute, 1000)
        yield* cache.write(
          [
            ["b", entry("second")],
            ["c", entry({ deep: [1, null] })]
          ],
          Duration.minutes(2),
          1000
        )
        const answers = Effect.map(cache.read(["c", "nothing", "a", "b"]), (found) => found.map((one) => one?.answer))
        assert.deepStrictEqual(yield* answers, [{ deep: [1, null] }, undefined, "first", "second"])
        yield* TestClock.adjust("59999 millis")
        assert.deepStrictEqual(yield* answers, [{ deep: [1, null] }, undefined, "first", "second"])
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(yield* answers, [{ deep: [1, null] }, undefined, undefined, "second"])
        assert.deepStrictEqual(yield* cache.read([]), [])
      })
    )
  )

  it.effect("keeps nothing that is larger than it may be, counted in bytes, and the rest of the batch", () =>
    within(
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const small = entry("é".repeat(10))
        const size = new TextEncoder().encode(JSON.stringify(small)).length
        yield* cache.write([["small", small]], minute, size)
        yield* cache.write([["large", small]], minute, size - 1)
        assert.deepStrictEqual(
          (yield* cache.read(["small", "large"])).map((one) => one !== undefined),
          [true, false]
        )
      })
    )
  )

  it.effect("lets nobody change what another one will be given", () =>
    within(
      Effect.gen(function* () {
        const cache = yield* Cache.Cache
        const answer = ["a"]
        yield* cache.write([["key", entry(answer)]], minute, 1000)
        answer.push("b")
        const [first] = yield* cache.read(["key"])
        assert.deepStrictEqual(first?.answer, ["a"])
        if (Array.isArray(first?.answer)) first.answer.push("c")
        assert.deepStrictEqual((yield* cache.read(["key"]))[0]?.answer, ["a"])
      })
    )
  )

  it.effect("takes what is no entry for nothing", () =>
    Effect.gen(function* () {
      const { layer, values } = yield* flaky
      values.set("old", { version: 0, text: "from another time" })
      values.set("odd", { at: "yesterday", degraded: false, answer: 1 })
      yield* within(
        Effect.gen(function* () {
          const cache = yield* Cache.Cache
          assert.deepStrictEqual(yield* cache.read(["old", "odd"]), [undefined, undefined])
        }),
        layer
      )
    })
  )

  it.effect("names an answer by SHA-256 over everything that decides it, or not at all", () =>
    within(
      Effect.gen(function* () {
        const { key } = yield* Cache.Cache
        assert.strictEqual(
          yield* key({ b: 1, a: ["x", undefined] }),
          createHash("sha256").update('{"a":["x",null],"b":1}').digest("hex")
        )
        const itself: Array<unknown> = []
        itself.push(itself)
        assert.isUndefined(yield* key(itself))
      })
    )
  )

  it("refuses impossible bounds by name", () => {
    assert.throws(
      () => Cache.layerStoreMemory({ maxEntries: 0 }),
      /maxEntries must be a whole number of at least 1, got 0/
    )
    assert.throws(() => Cache.layerStoreMemory({ maxBytes: 1.5 }), /maxBytes must be a whole number/)
  })
})

describe("a store that is slow", () => {
  it.effect("costs a caller 50 milliseconds, then is left alone, and is asked again by one a second later", () =>
    Effect.gen(function* () {
      const { calls, layer, mode } = yield* flaky
      yield* within(
        Effect.gen(function* () {
          const events = yield* recorder
          const cache = yield* Cache.Cache
          yield* cache.write([["key", entry("kept")]], minute, 1000)
          yield* Ref.set(mode, "slow")
          const before = yield* calls
          for (let n = 0; n < 3; n++) {
            const reading = yield* Effect.forkChild(cache.read(["key"]))
            yield* TestClock.adjust("49 millis")
            assert.isUndefined(reading.pollUnsafe())
            yield* TestClock.adjust("1 millis")
            assert.deepStrictEqual(yield* Fiber.join(reading), [undefined])
          }
          for (let n = 0; n < 100; n++) assert.deepStrictEqual(yield* cache.read(["key"]), [undefined])
          assert.strictEqual((yield* calls) - before, 3)

          yield* Ref.set(mode, "well")
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* cache.read(["key"]))[0]?.answer, "kept")
          assert.deepStrictEqual(
            (yield* events.of("CacheStoreChanged")).map(({ available, reason }) => [available, reason]),
            [
              [false, "no answer within 50ms"],
              [true, "it answers again"]
            ]
          )
        }),
        layer
      )
    })
  )

  it.effect("keeps no caller waiting for a write", () =>
    Effect.gen(function* () {
      const { calls, layer, mode } = yield* flaky
      yield* Ref.set(mode, "slow")
      yield* within(
        Effect.gen(function* () {
          const cache = yield* Cache.Cache
          // More than may be under way: those on top are let go.
          for (let n = 0; n < 1000; n++) yield* cache.write([[`key ${n}`, entry(n)]], minute, 1000)
          assert.strictEqual(yield* calls, 64)
        }),
        layer
      )
    })
  )
})

describe("a store that fails", () => {
  it.effect.each(["broken", "mad"] as const)("because it is %s is as good as empty, and one event says so", (how) =>
    Effect.gen(function* () {
      const { layer, mode } = yield* flaky
      yield* Ref.set(mode, how)
      yield* within(
        Effect.gen(function* () {
          const events = yield* recorder
          const cache = yield* Cache.Cache
          yield* cache.write([["key", entry("lost")]], minute, 1000)
          for (let n = 0; n < 10; n++)
            assert.deepStrictEqual(yield* cache.read(["key", "other"]), [undefined, undefined])
          assert.deepStrictEqual(
            (yield* events.of("CacheStoreChanged")).map(({ available }) => available),
            [false]
          )
        }),
        layer
      )
    })
  )
})
