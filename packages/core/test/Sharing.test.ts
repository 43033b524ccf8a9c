import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import { SharingStore } from "@holdfast/core"
import { faulty } from "./FaultyStore.ts"
import { callAll, cool, fleet, instance, type Instance, lane, outcomes, Provider, unavailable } from "./SharingFleet.ts"

const down = () => new Provider(Effect.fail(unavailable))

/** Lets everything happen that is due now. */
const settle = TestClock.adjust(0)

/** Opens the circuit of an instance by what it meets itself. */
const open = Effect.fnUntraced(function* (one: Instance) {
  const provider = down()
  yield* Effect.exit(one.call(provider))
  yield* Effect.exit(one.call(provider))
  assert.strictEqual(provider.calls, 2)
  yield* settle
})

const states = (all: ReadonlyArray<Instance>) => Effect.forEach(all, ({ state }) => state)
const changes = (one: Instance) =>
  Effect.map(one.events.of("SharingChanged"), (events) => events.map(({ reason, to }) => `${to}: ${reason}`))

describe("a fleet that shares", () => {
  it.effect("opens a circuit everywhere when it opens at one, for as long as there", () =>
    Effect.gen(function* () {
      const all = yield* fleet(3, yield* SharingStore.memory)
      yield* settle
      yield* open(all[0]!)
      assert.deepStrictEqual(yield* states(all), ["open", "open", "open"])
      const provider = down()
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(yield* outcomes(yield* callAll(all, provider)), ["Failure", "Failure", "Failure"])
      assert.strictEqual(provider.calls, 0)
      const [opened] = yield* all[1]!.events.of("CircuitChanged")
      assert.deepInclude(opened, { to: "open", advisedBy: (yield* all[0]!.sharing.snapshot).instance })
      assert.strictEqual((yield* all[1]!.sharing.snapshot).followed, 1)
      // Nobody repeats what it was told.
      assert.strictEqual((yield* all[0]!.sharing.snapshot).followed, 0)
    })
  )

  it.effect("tells whoever comes later, with the time that is left", () =>
    Effect.gen(function* () {
      const store = yield* SharingStore.memory
      const first = yield* instance(store)
      yield* settle
      yield* open(first)
      yield* TestClock.adjust("20 seconds")
      const second = yield* instance(store)
      yield* settle
      const { retryAfter, state } = yield* second.snapshot
      assert.strictEqual(state, "open")
      assert.deepStrictEqual(retryAfter, yield* Effect.map(first.snapshot, ({ retryAfter }) => retryAfter))
    })
  )

  it.effect("cools a lane everywhere when its provider asks one for a wait", () =>
    Effect.gen(function* () {
      const [first, second] = yield* fleet(2, yield* SharingStore.memory)
      yield* settle
      yield* cool(first!)
      yield* settle
      assert.strictEqual(yield* second!.limits.waitMillis(lane), 30_000)
      assert.lengthOf(yield* second!.events.of("LaneCooling"), 1)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* second!.limits.waitMillis(lane), 20_000)
    })
  )

  it.effect("follows no advice longer than the maximum age", () =>
    Effect.gen(function* () {
      const store = yield* SharingStore.memory
      const first = yield* instance(store)
      const second = yield* instance(store, { maxAge: "5 seconds" })
      yield* settle
      yield* open(first)
      assert.strictEqual(yield* second.state, "open")
      // Met again and again in what the store keeps, it is still the same advice.
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* second.breaker.waitMillis(lane.id), 0)
      assert.strictEqual(yield* first.breaker.waitMillis(lane.id), 30_000)
    })
  )

  it.effect("probes once among twenty at the same instant, and once one has succeeded all see for themselves", () =>
    Effect.gen(function* () {
      const all = yield* fleet(20, yield* SharingStore.memory)
      yield* settle
      yield* open(all[0]!)
      yield* TestClock.adjust("60 seconds")
      const answered = Deferred.makeUnsafe<string>()
      const provider = new Provider(Deferred.await(answered))
      const fibers = yield* callAll(all, provider)
      yield* settle
      assert.strictEqual(provider.calls, 1)
      // As many as you like while it is out.
      yield* TestClock.adjust("1 second")
      yield* callAll(all, provider)
      yield* settle
      assert.strictEqual(provider.calls, 1)
      yield* Deferred.succeed(answered, "hello")
      const ends = yield* outcomes(fibers)
      assert.strictEqual(ends.filter((end) => end === "Success").length, 1)
      yield* settle
      assert.deepStrictEqual(yield* outcomes(yield* callAll(all, provider)), Array(20).fill("Success"))
      yield* settle
      assert.deepStrictEqual(yield* states(all), Array(20).fill("closed"))
    })
  )

  it.effect("keeps everybody waiting by one probe that has failed", () =>
    Effect.gen(function* () {
      const all = yield* fleet(5, yield* SharingStore.memory)
      yield* settle
      yield* open(all[0]!)
      yield* TestClock.adjust("60 seconds")
      const provider = down()
      yield* outcomes(yield* callAll(all, provider))
      yield* settle
      yield* outcomes(yield* callAll(all, provider))
      assert.strictEqual(provider.calls, 1)
      assert.deepStrictEqual(yield* states(all), Array(5).fill("open"))
    })
  )

  it.effect("gives the turn on when the caller of a probe leaves", () =>
    Effect.gen(function* () {
      const [first, second] = yield* fleet(2, yield* SharingStore.memory)
      yield* settle
      yield* open(first!)
      yield* TestClock.adjust("60 seconds")
      const provider = new Provider(Effect.never)
      const probe = yield* Effect.forkChild(first!.call(provider))
      yield* settle
      assert.strictEqual(yield* first!.state, "half-open")
      assert.strictEqual((yield* Effect.exit(second!.call(provider)))._tag, "Failure")
      yield* Fiber.interrupt(probe)
      yield* settle
      provider.answer = Effect.succeed("hello")
      assert.strictEqual(yield* second!.call(provider), "hello")
    })
  )

  it.effect("gives the turn on when the caller leaves while it asks for it", () =>
    Effect.gen(function* () {
      const { control, store } = yield* faulty
      const [first, second] = yield* fleet(2, store, { lookEvery: "1 hour" })
      yield* settle
      yield* open(first!)
      yield* TestClock.adjust("60 seconds")
      control.mode = "slow"
      const provider = new Provider(Effect.succeed("hello"))
      const asking = yield* Effect.forkChild(first!.call(provider))
      yield* TestClock.adjust("10 millis")
      yield* Fiber.interrupt(asking)
      yield* TestClock.adjust("10 millis")
      control.mode = "well"
      // The lease is there, and nobody to use it.
      assert.strictEqual((yield* Effect.exit(second!.call(provider)))._tag, "Failure")
      assert.deepInclude(yield* first!.bulkhead.snapshot(lane.id), { running: 0, waiting: 0 })
      assert.strictEqual(provider.calls, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* second!.call(provider), "hello")
    })
  )

  it.effect("gives the turn on when an instance with a probe closes", () =>
    Effect.gen(function* () {
      const [first, second] = yield* fleet(2, yield* SharingStore.memory)
      yield* settle
      yield* open(first!)
      yield* TestClock.adjust("60 seconds")
      const provider = new Provider(Effect.never)
      yield* Effect.forkChild(first!.call(provider))
      yield* settle
      yield* first!.close
      provider.answer = Effect.succeed("hello")
      assert.strictEqual(yield* second!.call(provider), "hello")
    })
  )

  it.effect("takes the turn back from a probe that never reports", () =>
    Effect.gen(function* () {
      const store = yield* SharingStore.memory
      const session = yield* store.connect
      const one = yield* instance(store)
      yield* settle
      yield* open(one)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* session.acquire(`circuit:${lane.id}`, "a crashed instance", 10_000), 0)
      const provider = new Provider(Effect.succeed("hello"))
      assert.strictEqual((yield* Effect.exit(one.call(provider)))._tag, "Failure")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* one.call(provider), "hello")
    })
  )

  it.effect("is not held open by an instance that alone cannot reach the provider", () =>
    Effect.gen(function* () {
      const all = yield* fleet(4, yield* SharingStore.memory)
      const [broken, ...well] = all
      yield* settle
      yield* open(broken!)
      yield* TestClock.adjust("60 seconds")
      const provider = new Provider(Effect.succeed("hello"))
      yield* outcomes(yield* callAll(well, provider))
      yield* settle
      yield* outcomes(yield* callAll(well, provider))
      // It fails again, for an hour, and says so; the others know better.
      const nowhere = down()
      for (let minute = 0; minute < 60; minute++) {
        yield* Effect.exit(broken!.call(nowhere))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* states(well), ["closed", "closed", "closed"])
      }
      assert.isAbove(nowhere.calls, 10)
    })
  )

  it.effect("ignores nonsense and what a later version says, and counts it", () =>
    Effect.gen(function* () {
      const store = yield* SharingStore.memory
      const session = yield* store.connect
      const one = yield* instance(store)
      yield* settle
      const notice = { _tag: "Opened", id: "x-1", from: "x", circuit: lane.id, isFresh: true, reason: "Timeout" }
      const texts = [
        "",
        "nonsense",
        "{}",
        "null",
        JSON.stringify({ ...notice, version: 2, forMillis: 1000 }),
        JSON.stringify({ ...notice, version: 1, forMillis: -1 }),
        JSON.stringify({ ...notice, version: 1, forMillis: "1000" }),
        JSON.stringify({ ...notice, version: 1, forMillis: 1e308, _tag: "Exploded" })
      ]
      for (const text of texts) yield* session.publish({ subject: "s", text })
      yield* settle
      assert.deepInclude(yield* one.sharing.snapshot, { ignored: texts.length, followed: 0, state: "shared" })
      yield* session.publish({ subject: "s", text: JSON.stringify({ ...notice, version: 1, forMillis: 1000 }) })
      yield* settle
      assert.strictEqual(yield* one.state, "open")
    })
  )

  it.effect("never lets two calls at a provider that is down, whatever the callers do", () =>
    Effect.gen(function* () {
      const all = yield* fleet(8, yield* SharingStore.memory)
      yield* settle
      yield* open(all[0]!)
      // Probes that fail, that hang until they are called off, and callers that leave.
      const provider = new Provider(
        Effect.flatMap(Random.nextIntBetween(0, 2), (kind) =>
          kind === 0 ? Effect.never : Effect.delay(Effect.fail(unavailable), `${kind * 700} millis`)
        )
      )
      for (let step = 0; step < 400; step++) {
        const one = all[yield* Random.nextIntBetween(0, all.length - 1)]!
        const patience = yield* Random.nextIntBetween(1, 40_000)
        yield* Effect.forkChild(Effect.exit(Effect.timeoutOption(one.call(provider), patience)))
        yield* TestClock.adjust(yield* Random.nextIntBetween(0, 5000))
      }
      assert.isAbove(provider.calls, 10)
      assert.strictEqual(provider.peak, 1)
    }).pipe(Random.withSeed("one probe"))
  )
})

describe("a store that is away", () => {
  it.effect("is an event, costs nobody anything, and heals by itself", () =>
    Effect.gen(function* () {
      const { control, store } = yield* faulty
      const [first, second] = yield* fleet(2, store)
      yield* settle
      control.mode = "fails"
      yield* open(first!)
      assert.deepStrictEqual(yield* changes(first!), ["shared: connected", "local: connection refused"])
      assert.deepStrictEqual(yield* states([first!, second!]), ["open", "closed"])
      // The other notices when it looks.
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(yield* changes(second!), ["shared: connected", "local: connection refused"])
      control.mode = "well"
      yield* TestClock.adjust("6 seconds")
      for (const one of [first!, second!]) assert.strictEqual((yield* changes(one)).at(-1), "shared: connected")
      // What was missed is said and heard.
      assert.deepStrictEqual(yield* states([first!, second!]), ["open", "open"])
      const waits = yield* Effect.forEach([first!, second!], ({ breaker }) => breaker.waitMillis(lane.id))
      assert.closeTo(waits[0]!, waits[1]!, 1)
    })
  )

  it.effect("may be away at the start", () =>
    Effect.gen(function* () {
      const { control, store } = yield* faulty
      control.mode = "fails"
      const one = yield* instance(store)
      yield* settle
      assert.deepStrictEqual(yield* changes(one), ["local: connection refused"])
      yield* open(one)
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* one.call(new Provider(Effect.succeed("hello"))), "hello")
      assert.strictEqual(yield* one.state, "closed")
      assert.lengthOf(yield* changes(one), 1)
      control.mode = "well"
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(yield* changes(one), ["local: connection refused", "shared: connected"])
    })
  )

  it.effect("keeps probes back until it is there again, where that is wanted", () =>
    Effect.gen(function* () {
      const { control, store } = yield* faulty
      const one = yield* instance(store, { whenAway: "refuse" })
      yield* settle
      yield* open(one)
      yield* TestClock.adjust("30 seconds")
      control.mode = "fails"
      yield* TestClock.adjust("5 minutes")
      const provider = new Provider(Effect.succeed("hello"))
      assert.strictEqual((yield* Effect.exit(one.call(provider)))._tag, "Failure")
      assert.strictEqual(provider.calls, 0)
      control.mode = "well"
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* one.call(provider), "hello")
    })
  )

  for (const mode of ["hangs", "hangs uninterruptibly"] as const) {
    it.effect(`that ${mode} keeps a probe for 50 milliseconds, once, and nobody else`, () =>
      Effect.gen(function* () {
        const { control, store } = yield* faulty
        const [first] = yield* fleet(2, store, { lookEvery: "1 hour" })
        yield* settle
        yield* open(first!)
        yield* TestClock.adjust("60 seconds")
        control.mode = mode
        const provider = down()
        const probe = yield* Effect.forkChild(Effect.exit(first!.call(provider)))
        yield* TestClock.adjust("49 millis")
        assert.strictEqual(provider.calls, 0)
        assert.isUndefined(probe.pollUnsafe())
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(provider.calls, 1)
        assert.strictEqual((yield* Fiber.join(probe))._tag, "Failure")
        assert.strictEqual((yield* changes(first!)).at(-1), "local: no answer within 50ms")
        // From now on it is not even asked.
        yield* TestClock.adjust("2 minutes")
        provider.answer = Effect.succeed("hello")
        assert.strictEqual(yield* first!.call(provider), "hello")
      })
    )
  }
})
