import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Schema, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Event, EventBus } from "@holdfast/core"

const alone = Effect.provide(EventBus.layer)

const draft = (n: number): Event.Draft => ({
  _tag: "FailedOver",
  operation: String(n),
  route: "chat",
  from: "a/b",
  to: "c/d",
  reason: "Timeout"
})
const numbers = (events: ReadonlyArray<Event.Event>) =>
  events.map((event) => (event._tag === "FailedOver" ? Number(event.operation) : Number.NaN))

/** Ids are counted; what an id costs shows that somebody got an event. */
const sequence = (id: string) => Number.parseInt(id.split("-")[2] ?? "", 36)

const publish = (from: number, to: number) =>
  EventBus.EventBus.use((bus) =>
    Effect.forEach(
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
      (n) => bus.publish(draft(n))
    )
  )

describe("the bus", () => {
  it.effect("carries events in order, each with an id of its own and its instant", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const subscription = yield* bus.subscribe()
      yield* publish(1, 2)
      yield* TestClock.adjust("7 seconds")
      yield* publish(3, 3)
      const events = yield* subscription.take(10)
      assert.deepStrictEqual(numbers(events), [1, 2, 3])
      assert.deepStrictEqual(
        events.map((event) => event.at),
        [0, 0, 7000]
      )
      assert.strictEqual(new Set(events.map((event) => event.id)).size, 3)
    }).pipe(alone)
  )

  it.effect("gives every subscriber the same events with the same ids", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const [one, two] = [yield* bus.subscribe(), yield* bus.subscribe()]
      yield* publish(1, 5)
      assert.deepStrictEqual(yield* one.take(10), yield* two.take(10))
    }).pipe(alone)
  )

  it.effect("takes from a slow subscriber its own oldest, counts them, and leaves the others alone", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const slow = yield* bus.subscribe({ capacity: 3 })
      const quick = yield* bus.subscribe()
      yield* publish(1, 10)
      assert.deepStrictEqual(numbers(yield* slow.take(10)), [8, 9, 10])
      assert.strictEqual(yield* slow.dropped, 7)
      assert.deepStrictEqual(numbers(yield* quick.take(10)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      assert.strictEqual(yield* quick.dropped, 0)
      assert.strictEqual(yield* bus.dropped, 7)
      yield* publish(11, 13)
      assert.deepStrictEqual(numbers(yield* slow.take(10)), [11, 12, 13])
      assert.strictEqual(yield* slow.dropped, 7)
    }).pipe(alone)
  )

  it.effect("loses nothing of a subscriber that keeps up, however small its room", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const subscription = yield* bus.subscribe({ capacity: 1 })
      for (let n = 1; n <= 5; n++) {
        yield* publish(n, n)
        assert.deepStrictEqual(numbers(yield* subscription.take(1)), [n])
      }
      assert.strictEqual(yield* bus.dropped, 0)
    }).pipe(alone)
  )

  it.effect("waits for an event, and then takes no more than asked for", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const subscription = yield* bus.subscribe()
      const waiting = yield* Effect.forkChild(subscription.take(2))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      yield* publish(1, 3)
      const first = yield* Fiber.join(waiting)
      const rest = yield* subscription.take(2)
      assert.deepStrictEqual(numbers([...first, ...rest]), [1, 2, 3])
      assert.isAtMost(first.length, 2)
    }).pipe(alone)
  )

  it.effect("shows only what came after the subscription", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      yield* publish(1, 2)
      const subscription = yield* bus.subscribe()
      yield* publish(3, 3)
      assert.deepStrictEqual(numbers(yield* subscription.take(10)), [3])
    }).pipe(alone)
  )

  it.effect("gives ids to nobody's events: without subscribers publishing does nothing", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const before = yield* bus.nextId
      yield* publish(1, 1000)
      const after = yield* bus.nextId
      assert.strictEqual(sequence(after) - sequence(before), 1)
    }).pipe(alone)
  )

  it.effect("makes ids that two buses of the same instant do not share", () =>
    Effect.gen(function* () {
      const ids = new Set<string>()
      for (let n = 0; n < 50; n++) {
        const bus = yield* EventBus.make
        for (let m = 0; m < 50; m++) ids.add(yield* bus.nextId)
      }
      assert.strictEqual(ids.size, 2500)
    })
  )

  it.effect("ends a subscription with its scope, after what was still there", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const scope = yield* Scope.make()
      const subscription = yield* Scope.provide(bus.subscribe(), scope)
      yield* publish(1, 2)
      const reader = yield* Effect.forkChild(Stream.runCollect(subscription.stream))
      yield* TestClock.adjust(0)
      yield* publish(3, 3)
      yield* Scope.close(scope, Exit.void)
      yield* publish(4, 4)
      assert.deepStrictEqual(numbers(yield* Fiber.join(reader)), [1, 2, 3])
      assert.deepStrictEqual(yield* subscription.take(10), [])
    }).pipe(alone)
  )

  it.effect("forgets whoever has left: nothing is kept or counted for them", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      yield* Effect.scoped(bus.subscribe({ capacity: 1 }))
      const before = yield* bus.nextId
      yield* publish(1, 100)
      assert.strictEqual(yield* bus.dropped, 0)
      assert.strictEqual(sequence(yield* bus.nextId) - sequence(before), 1)
    }).pipe(alone)
  )

  it.effect("tells a listener of every event before whoever publishes goes on, until its scope closes", () =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      assert.isFalse(bus.isHeard())
      const scope = yield* Scope.make()
      const heard: Array<Event.Event> = []
      yield* Scope.provide(
        bus.listen((event) => heard.push(event)),
        scope
      )
      assert.isTrue(bus.isHeard())
      for (let n = 1; n <= 10_000; n += 1) {
        bus.publishUnsafe(n, draft(n))
        assert.strictEqual(heard.length, n)
      }
      yield* Scope.close(scope, Exit.void)
      assert.isFalse(bus.isHeard())
      yield* publish(1, 1)
      assert.strictEqual(heard.length, 10_000)
    }).pipe(alone)
  )

  it.effect.each([0, -1, 1.5, Number.NaN])("refuses room for %d events", (capacity) =>
    Effect.gen(function* () {
      const bus = yield* EventBus.EventBus
      const exit = yield* Effect.exit(Effect.scoped(bus.subscribe({ capacity })))
      assert.include(String(exit), `capacity must be a whole number of at least 1, got ${capacity}`)
    }).pipe(alone)
  )
})

describe("an event", () => {
  it.prop(
    "survives JSON",
    [Event.Event],
    ([event]) => {
      const Json = Schema.fromJsonString(Schema.toCodecJson(Event.Event))
      const json = Schema.encodeSync(Json)(event)
      // JSON has no negative zero and no `undefined`, so the second trip is the one to compare with.
      const back = Schema.decodeSync(Json)(json)
      assert.strictEqual(back._tag, event._tag)
      assert.strictEqual(back.id, event.id)
      assert.deepStrictEqual(Schema.decodeSync(Json)(Schema.encodeSync(Json)(back)), back)
      assert.deepStrictEqual(JSON.parse(Schema.encodeSync(Json)(back)), JSON.parse(json))
    },
    { arbitrary: { runs: 300 } }
  )
})
