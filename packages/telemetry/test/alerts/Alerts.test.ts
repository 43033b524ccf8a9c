import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Ref, Scope } from "effect"
import { TestClock } from "effect/testing"
import { type Event, EventBus } from "@holdfast/core"
import { AlertRules, Alerts, AlertStore, Delivery, type Notification } from "@holdfast/telemetry"
import { attempt, circuit, operation, route } from "./Events.ts"

const routes = [route("chat", "acme/a", "zeta/c")]

type Send = (notification: Notification.Notification) => Effect.Effect<void, Delivery.Undelivered>

/** A delivery that remembers what it took, one line per message. */
const recorder = (name: string, atLeast: AlertRules.Severity = "info", send: Send = () => Effect.void) => {
  const taken: Array<string> = []
  const delivery: Delivery.Delivery = {
    name,
    kind: "webhook",
    atLeast,
    send: (notification) =>
      Effect.map(send(notification), () => {
        taken.push(notification.items.map(({ alert, change }) => `${change} ${alert}`).join(" + "))
      })
  }
  return { delivery, taken }
}

/** Alerts in a scope of their own, over one store: closing it and starting again is a restart. */
const start = Effect.fnUntraced(function* (
  store: AlertStore.AlertStore["Service"],
  deliveries: ReadonlyArray<Delivery.Delivery>,
  options: Partial<Alerts.Options> = {}
) {
  const scope = yield* Scope.make()
  // What waits for a clock when it closes has one that moves.
  const stop = Effect.gen(function* () {
    const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
    yield* TestClock.adjust("10 seconds")
    yield* Fiber.join(closing)
  })
  yield* Effect.addFinalizer(() => stop)
  const context = yield* Layer.buildWithScope(
    Alerts.layer({ routes, deliveries, ...options }).pipe(
      Layer.provideMerge(EventBus.layer),
      Layer.provide(Layer.succeed(AlertStore.AlertStore, store))
    ),
    scope
  )
  const bus = Context.get(context, EventBus.EventBus)
  const heard: Array<Event.Event> = []
  const subscription = yield* Scope.provide(bus.subscribe(), scope)
  yield* Effect.forkIn(
    Effect.forever(Effect.map(subscription.take(100), (events) => void heard.push(...events))),
    scope
  )
  return {
    alerts: Context.get(context, Alerts.Alerts),
    heard,
    /** Publishes at the present instant. */
    say: (event: Event.Event) => Effect.andThen(bus.publish(event), TestClock.adjust(0)),
    stop
  }
})

const memory = Effect.map(Layer.build(AlertStore.layerMemory), (context) => Context.get(context, AlertStore.AlertStore))

const down = circuit(0, "acme/a", "open")
const up = circuit(0, "acme/a", "closed")

describe("alerts", () => {
  it.effect("are told once when they fire, once when they are over, and again while they go on", () =>
    Effect.gen(function* () {
      const { delivery, taken } = recorder("ops")
      const { alerts, heard, say } = yield* start(yield* memory, [delivery])
      yield* say(down)
      assert.deepStrictEqual(
        (yield* alerts.list).map(({ key, phase }) => [key, phase]),
        [["breakerOpen:acme/a", "pending"]]
      )
      yield* TestClock.adjust("75 seconds")
      assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a"])
      const [firing] = yield* alerts.list
      assert.deepInclude(firing, { phase: "firing", since: 0, firingSince: 60_000, isUnconfirmed: false })
      yield* TestClock.adjust("4 hours")
      yield* say(up)
      yield* TestClock.adjust("75 seconds")
      assert.deepStrictEqual(taken, [
        "firing breakerOpen:acme/a",
        "reminder breakerOpen:acme/a",
        "resolved breakerOpen:acme/a"
      ])
      assert.deepInclude((yield* alerts.list)[0], { phase: "resolved" })
      assert.deepStrictEqual(
        heard.flatMap((event) => (event._tag === "AlertChanged" ? [[event.to, event.alert, event.severity]] : [])),
        [
          ["firing", "breakerOpen:acme/a", "warning"],
          ["resolved", "breakerOpen:acme/a", "warning"]
        ]
      )
    })
  )

  it.effect("go to the deliveries for which they matter enough", () =>
    Effect.gen(function* () {
      const [all, pager] = [recorder("all"), recorder("pager", "critical")]
      const { say } = yield* start(yield* memory, [all.delivery, pager.delivery])
      yield* say(down)
      yield* say(attempt(0, "zeta/c", "Authentication"))
      yield* TestClock.adjust("75 seconds")
      assert.deepStrictEqual(all.taken, ["firing authenticationFailed:credential:zeta", "firing breakerOpen:acme/a"])
      assert.deepStrictEqual(pager.taken, ["firing authenticationFailed:credential:zeta"])
    })
  )

  it.effect("survive a restart in the middle: nothing is said twice, and what is over is said once", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const { delivery, taken } = recorder("ops")
      const first = yield* start(store, [delivery])
      yield* first.say(down)
      yield* TestClock.adjust("75 seconds")
      yield* first.stop
      yield* TestClock.adjust("1 minute")
      const second = yield* start(store, [delivery])
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude((yield* second.alerts.list)[0], { phase: "firing", since: 0, isUnconfirmed: true })
      yield* second.say(circuit(0, "acme/a", "open"))
      assert.deepInclude((yield* second.alerts.list)[0], { phase: "firing", since: 0, isUnconfirmed: false })
      yield* TestClock.adjust("20 minutes")
      assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a"])
      yield* second.stop
      const third = yield* start(store, [delivery])
      yield* third.say(attempt(0, "acme/a", "Success"))
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a", "resolved breakerOpen:acme/a"])
      yield* third.stop
      yield* start(store, [delivery])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(taken.length, 2)
    })
  )

  it.effect("that nobody sees again after a restart are over by themselves", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const { delivery, taken } = recorder("ops")
      const first = yield* start(store, [delivery])
      yield* first.say(down)
      yield* TestClock.adjust("75 seconds")
      yield* first.stop
      yield* start(store, [delivery])
      yield* TestClock.adjust("9 minutes")
      assert.strictEqual(taken.length, 1)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a", "resolved breakerOpen:acme/a"])
    })
  )

  it.effect("wait for a delivery that is away, in order, over a restart; that it is away is told by the others", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const isAway = yield* Ref.make(true)
      const flaky = recorder("flaky", "info", () =>
        Effect.flatMap(Ref.get(isAway), (away) =>
          away ? new Delivery.Undelivered({ class: "ServiceUnavailable", reason: "it answered 503" }) : Effect.void
        )
      )
      const sound = recorder("sound")
      const deliveries = [flaky.delivery, sound.delivery]
      const first = yield* start(store, deliveries)
      yield* first.say(down)
      yield* TestClock.adjust("3 minutes")
      yield* first.say(up)
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(flaky.taken, [])
      assert.deepStrictEqual(sound.taken, [
        "firing breakerOpen:acme/a",
        "firing deliveryFailing:flaky",
        "resolved breakerOpen:acme/a"
      ])
      const [status] = yield* first.alerts.deliveries
      assert.deepInclude(status, { name: "flaky", waiting: 2, sent: 0 })
      assert.strictEqual(status?.failing?.reason, "it answered 503")
      yield* first.stop
      yield* Ref.set(isAway, false)
      const second = yield* start(store, deliveries)
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(flaky.taken, ["firing breakerOpen:acme/a", "resolved breakerOpen:acme/a"])
      assert.deepStrictEqual(sound.taken.slice(3), ["resolved deliveryFailing:flaky"])
      assert.deepInclude((yield* second.alerts.deliveries)[0], {
        name: "flaky",
        waiting: 0,
        sent: 2,
        failing: undefined
      })
      assert.deepStrictEqual(
        [...first.heard, ...second.heard].flatMap((event) =>
          event._tag === "AlertDeliveryChanged" ? [[event.delivery, event.works]] : []
        ),
        [
          ["flaky", false],
          ["flaky", true]
        ]
      )
    })
  )

  it.effect("that a delivery refuses for good are given up, and the next is sent", () =>
    Effect.gen(function* () {
      let refusals = 0
      const { delivery, taken } = recorder("strict", "info", () => {
        refusals += 1
        return refusals === 1
          ? new Delivery.Undelivered({ class: "InvalidRequest", reason: "it answered 400", status: 400 })
          : Effect.void
      })
      const { alerts, say } = yield* start(yield* memory, [delivery])
      yield* say(down)
      yield* TestClock.adjust("2 minutes")
      yield* say(up)
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(taken, ["resolved breakerOpen:acme/a"])
      assert.deepInclude((yield* alerts.deliveries)[0], { sent: 1, dropped: 1, waiting: 0 })
    })
  )

  it.effect("wait for a delivery that hangs no longer than its clock, and hold up no other", () =>
    Effect.gen(function* () {
      const hung = recorder("hung", "info", () => Effect.never)
      const sound = recorder("sound")
      const { alerts, say } = yield* start(yield* memory, [hung.delivery, sound.delivery])
      yield* say(down)
      yield* TestClock.adjust("71 seconds")
      assert.deepStrictEqual(sound.taken, ["firing breakerOpen:acme/a"])
      yield* TestClock.adjust("3 minutes")
      assert.isDefined((yield* alerts.deliveries)[0]?.failing)
    })
  )

  it.effect("that are silenced are not told, and are listed with the silence", () =>
    Effect.gen(function* () {
      const { delivery, taken } = recorder("ops")
      const store = yield* memory
      const first = yield* start(store, [delivery])
      const silence = yield* first.alerts.silence({
        matcher: { provider: "acme" },
        duration: "1 hour",
        reason: "they move house",
        by: "somebody"
      })
      yield* first.say(down)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(taken, [])
      assert.deepInclude((yield* first.alerts.list)[0], { phase: "firing", silence })
      yield* first.stop
      const second = yield* start(store, [delivery])
      yield* second.say(circuit(0, "acme/a", "open"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* second.alerts.silences, [silence])
      assert.isTrue(yield* second.alerts.unsilence(silence.id))
      assert.isFalse(yield* second.alerts.unsilence(silence.id))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a"])
      const refused = yield* Effect.flip(
        second.alerts.silence({ matcher: {}, duration: "1 hour", reason: "all", by: "somebody" })
      )
      assert.include(refused.message, "at least one thing to match")
      const past = yield* Effect.flip(
        second.alerts.silence({ matcher: { route: "chat" }, duration: 0, reason: "none", by: "somebody" })
      )
      assert.include(past.message, "duration")
    })
  )

  it.effect("keep a silence that somebody puts before what was kept is read", () =>
    Effect.gen(function* () {
      const kept = yield* memory
      const first = yield* start(kept, [])
      const before = yield* first.alerts.silence({
        matcher: { provider: "acme" },
        duration: "1 hour",
        reason: "they move house",
        by: "somebody"
      })
      yield* first.stop
      const { alerts } = yield* start({ ...kept, load: Effect.delay(kept.load, "3 seconds") }, [])
      const putting = yield* Effect.forkChild(
        alerts.silence({ matcher: { route: "chat" }, duration: "1 hour", reason: "at night", by: "somebody" })
      )
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(yield* alerts.silences, [before, yield* Fiber.join(putting)])
    })
  )

  it.effect("begin anew where the store is away or holds something else, and are told all the same", () =>
    Effect.gen(function* () {
      const away: AlertStore.AlertStore["Service"] = {
        load: Effect.never,
        save: () => Effect.fail(new AlertStore.AlertStoreError({ reason: "away" }))
      }
      const odd: AlertStore.AlertStore["Service"] = {
        load: Effect.succeed(Option.some(`{"version":7}`)),
        save: () => Effect.never
      }
      for (const store of [away, odd]) {
        const { delivery, taken } = recorder("ops")
        const { say, stop } = yield* start(store, [delivery])
        yield* say(down)
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a"])
        yield* stop
      }
    })
  )

  it.effect("are saved before they are told: a crash in between tells them later, not never", () =>
    Effect.gen(function* () {
      const kept = yield* Ref.make(Option.none<string>())
      const saving = yield* Deferred.make<void>()
      const slow: AlertStore.AlertStore["Service"] = {
        load: Ref.get(kept),
        save: (document) =>
          document.includes(`"change":"firing"`)
            ? Effect.andThen(Ref.set(kept, Option.some(document)), Deferred.await(saving))
            : Ref.set(kept, Option.some(document))
      }
      const { delivery, taken } = recorder("ops")
      const first = yield* start(slow, [delivery])
      yield* first.say(down)
      yield* TestClock.adjust("71 seconds")
      assert.deepStrictEqual(taken, [])
      const atTheCrash = yield* Ref.get(kept)
      const second = yield* start({ load: Effect.succeed(atTheCrash), save: () => Effect.void }, [delivery])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(taken, ["firing breakerOpen:acme/a"])
      yield* second.stop
    })
  )

  it.effect("of a slow burn are told once, though the process restarts every hour", () =>
    Effect.gen(function* () {
      const store = yield* memory
      const { delivery, taken } = recorder("ops")
      for (let hour = 0; hour < 12; hour++) {
        const run = yield* start(store, [delivery], {
          settings: AlertRules.make({ repeat: Duration.days(1) }),
          lookEvery: Duration.minutes(1)
        })
        for (let minute = 0; minute < 60; minute++) {
          for (let n = 0; n < 4; n++) yield* run.say(operation(0, "chat", "Success", { lane: "acme/a" }))
          // One of 25 fails where one of 100 may: four times as fast as the budget allows, no reason to get up.
          if (minute % 5 === 0) yield* run.say(operation(0, "chat", "AllLanesFailed"))
          yield* TestClock.adjust("1 minute")
        }
        yield* run.stop
      }
      assert.deepStrictEqual(taken, ["firing sloBurn:chat (slow)"])
    })
  )

  it.effect("can be tested by one delivery or by all, and one that fails says why", () =>
    Effect.gen(function* () {
      const bad = recorder("bad", "critical", () =>
        Effect.fail(new Delivery.Undelivered({ class: "Authentication", reason: "it answered 401", status: 401 }))
      )
      const good = recorder("good")
      const { alerts } = yield* start(yield* memory, [bad.delivery, good.delivery])
      const outcomes = yield* alerts.test()
      assert.deepStrictEqual(
        outcomes.map(({ delivery, problem }) => [delivery, problem]),
        [
          ["bad", "it answered 401"],
          ["good", undefined]
        ]
      )
      assert.deepStrictEqual(good.taken, ["test test"])
      assert.strictEqual((yield* alerts.test("good")).length, 1)
      const unknown = yield* Effect.flip(alerts.test("other"))
      assert.strictEqual(unknown.message, "There is no delivery other (there is: bad, good)")
    })
  )
})

it.effect("two deliveries of one name are refused", () =>
  Effect.gen(function* () {
    const { delivery } = recorder("ops")
    const exit = yield* Effect.exit(start(yield* memory, [delivery, delivery]))
    assert.isTrue(Exit.hasDies(exit))
  })
)
