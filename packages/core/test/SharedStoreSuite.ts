/** What every store that instances share must do, whichever it is: on real sockets, in real time. */
import { assert, layer } from "@effect/vitest"
import { Clock, Deferred, Effect, type Layer, Queue, type Scope, Stream } from "effect"
import type { SharingStore } from "@holdfast/core"
import { callAll, cool, fleet, instance, type Instance, lane, outcomes, Provider, unavailable } from "./SharingFleet.ts"
import { tcpProxy } from "./TcpProxy.ts"

export interface Server {
  readonly host: string
  readonly port: number
  /** An empty store, over a server that is reached at another port of the loopback. */
  readonly storeAt: (port: number) => SharingStore.SharingStore["Service"]
}

/** Generous where nothing is measured: the machine may be busy. */
const calm = { leaveTimeout: "5 seconds", timeout: "10 seconds", connectTimeout: "10 seconds" } as const

const eventually = (what: string, claim: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.sleep("5 millis").pipe(
    Effect.andThen(claim),
    Effect.repeat({ until: (isSo) => isSo }),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(new Error(`not in time: ${what}`)) }),
    Effect.asVoid
  )

const isIn = (all: ReadonlyArray<Instance>, state: "shared" | "local") =>
  Effect.map(
    Effect.forEach(all, ({ sharing }) => sharing.snapshot),
    (snapshots) => snapshots.every((snapshot) => snapshot.state === state)
  )

const are = (all: ReadonlyArray<Instance>, state: "open" | "closed") =>
  Effect.map(
    Effect.forEach(all, (one) => one.state),
    (states) => states.every((one) => one === state)
  )

const open = Effect.fnUntraced(function* (one: Instance) {
  const provider = new Provider(Effect.fail(unavailable))
  yield* Effect.exit(one.call(provider))
  yield* Effect.exit(one.call(provider))
  assert.strictEqual(yield* one.state, "open")
})

const isReady = (all: ReadonlyArray<Instance>) =>
  Effect.map(
    Effect.forEach(all, ({ breaker }) => breaker.waitMillis(lane.id)),
    (waits) => waits.every((wait) => wait === 0)
  )

export const sharedStoreSuite = <R, E>(
  name: string,
  services: Layer.Layer<R, E>,
  server: Effect.Effect<Server, never, R | Scope.Scope>
): void =>
  layer(services, { excludeTestServices: true, timeout: "60 seconds" })(`instances that share ${name}`, (it) => {
    const proxied = Effect.gen(function* () {
      const at = yield* server
      const proxy = yield* tcpProxy(at)
      return { proxy, store: at.storeAt(proxy.port) }
    })

    it.effect("tell everybody who is connected, and keep what they are asked to as long as they are asked to", () =>
      Effect.gen(function* () {
        const { store } = yield* proxied
        const [one, two] = [yield* store.connect, yield* store.connect]
        const seen = yield* Queue.unbounded<string>()
        yield* Effect.forkScoped(Stream.runForEach(two.notices, (text) => Queue.offer(seen, text)))
        const texts = ["a 'quoted' text", "two\nlines and $1", "für später"]
        for (const text of texts) yield* one.publish({ subject: "it's", text, keepMillis: 60_000 })
        yield* one.publish({ subject: "short", text: "soon over", keepMillis: 1 })
        yield* one.publish({ subject: "it's", text: "by the way" })
        for (const text of [...texts, "soon over", "by the way"]) assert.strictEqual(yield* Queue.take(seen), text)
        yield* eventually("the short one is over", Effect.orDie(Effect.map(two.kept, (kept) => kept.length === 1)))
        const [{ leftMillis, text } = { leftMillis: 0, text: "" }] = yield* two.kept
        assert.strictEqual(text, "für später")
        assert.isTrue(leftMillis > 0 && leftMillis <= 60_000)
        yield* two.publish({ subject: "it's", text: "over", keepMillis: 0 })
        assert.deepStrictEqual(yield* one.kept, [])
      })
    )

    it.effect("give a lease to one, until it is given back or over", () =>
      Effect.gen(function* () {
        const { store } = yield* proxied
        const sessions = [yield* store.connect, yield* store.connect]
        const attempts = Array.from({ length: 40 }, (_, n) => sessions[n % 2]!.acquire("a", `token ${n}`, 60_000))
        const waits = yield* Effect.all(attempts, { concurrency: "unbounded" })
        assert.strictEqual(waits.filter((wait) => wait === 0).length, 1)
        assert.isTrue(waits.every((wait) => wait <= 60_000))
        const [one, two] = [sessions[0]!, sessions[1]!]
        yield* two.release("a", "another's token")
        assert.isAbove(yield* two.acquire("a", "x", 1000), 0)
        yield* one.release("a", `token ${waits.indexOf(0)}`)
        assert.strictEqual(yield* two.acquire("a", "x", 1), 0)
        yield* eventually(
          "it is over by itself",
          Effect.orDie(Effect.map(one.acquire("a", "y", 60_000), (wait) => wait === 0))
        )
      })
    )

    it.effect("open a circuit and cool a lane everywhere, also where it comes later", () =>
      Effect.gen(function* () {
        const { store } = yield* proxied
        const all = yield* fleet(3, store, calm)
        yield* eventually("all connected", isIn(all, "shared"))
        yield* open(all[0]!)
        yield* cool(all[1]!)
        const late = yield* instance(store, calm)
        yield* eventually("all open", are([...all, late], "open"))
        for (const one of [all[0]!, all[2]!, late]) {
          yield* eventually(
            "cools",
            Effect.map(one.limits.waitMillis(lane), (wait) => wait > 0)
          )
        }
      })
    )

    it.effect("probe once among twenty, and heal together", () =>
      Effect.gen(function* () {
        const { store } = yield* proxied
        const all = yield* fleet(20, store, calm, "300 millis")
        yield* eventually("all connected", isIn(all, "shared"))
        yield* open(all[0]!)
        yield* eventually(
          "all open",
          Effect.map(
            Effect.forEach(all, ({ sharing }) => sharing.snapshot),
            (snapshots) => snapshots.slice(1).every(({ followed }) => followed > 0)
          )
        )
        yield* eventually("time to probe", isReady(all))
        const answered = Deferred.makeUnsafe<string>()
        const provider = new Provider(Deferred.await(answered))
        const fibers = yield* callAll(all, provider)
        // All but the probe are refused, and that at once.
        yield* eventually(
          "nineteen refused",
          Effect.sync(() => fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length === 19)
        )
        assert.strictEqual(provider.calls, 1)
        yield* Deferred.succeed(answered, "hello")
        assert.strictEqual((yield* outcomes(fibers)).filter((end) => end === "Success").length, 1)
        yield* eventually("all ready to see for themselves", isReady(all))
        assert.deepStrictEqual(yield* outcomes(yield* callAll(all, provider)), Array(20).fill("Success"))
        assert.isTrue(yield* are(all, "closed"))
      })
    )

    for (const fault of ["cut", "hang"] as const) {
      it.effect(
        `go on alone when the connection is ${fault === "cut" ? "cut" : "silent"}, and share again when it is back`,
        () =>
          Effect.gen(function* () {
            const { proxy, store } = yield* proxied
            const [first, second] = yield* fleet(
              2,
              store,
              { connectTimeout: "1 second", lookEvery: "1 second" },
              "300 millis"
            )
            const all = [first!, second!]
            yield* eventually("both connected", isIn(all, "shared"))
            yield* open(first!)
            yield* eventually("both open", are(all, "open"))
            yield* proxy[fault]
            yield* eventually("time to probe", isReady(all))
            const provider = new Provider(Effect.succeed("hello"))
            for (const one of all) {
              const startedAt = yield* Clock.currentTimeMillis
              assert.strictEqual(yield* one.call(provider), "hello")
              // The bound is 50 ms; the rest is for a busy machine.
              assert.isBelow((yield* Clock.currentTimeMillis) - startedAt, 550)
            }
            yield* eventually("both alone", isIn(all, "local"))
            for (const one of all) {
              const changes = yield* one.events.of("SharingChanged")
              assert.includeMembers(
                changes.map(({ to }) => to),
                ["shared", "local"]
              )
            }
            yield* cool(first!)
            yield* proxy.mend
            yield* eventually("both connected again", isIn(all, "shared"))
            yield* eventually(
              "what was missed has been heard",
              Effect.map(second!.limits.waitMillis(lane), (wait) => wait > 0)
            )
          })
      )
    }
  })
