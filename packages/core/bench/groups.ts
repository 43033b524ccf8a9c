/** What is measured: ours, the same work without guards (`bare`), and the peers that can do it. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { CircuitBreaker, Failure, Lane, Policy, Resilience } from "../src/index.ts"
import * as peers from "./peers.ts"
import type { Group, Work } from "./Rounds.ts"

const call = (): Promise<number> => Promise.resolve(1)
const lane = Lane.make({ provider: "acme", model: "anvil" })
const failure = Failure.make("InvalidRequest", {
  provider: "acme",
  model: "anvil",
  lane: lane.id,
  scope: "request",
  rule: "bench"
})
const broken: Promise<number> = Promise.reject(failure)
broken.catch(() => undefined)
const fail = (): Promise<number> => broken

/** Never trips, has room for all, and the standard clocks. */
const policy = Policy.standard.pipe(
  Policy.bulkhead({ maxConcurrent: peers.width, maxQueue: peers.width }),
  Policy.breaker({ consecutiveFailures: 10_000, rate: 0.99, minimumCalls: 10_000 })
)

/** One fiber that does it over and over. */
const inFiber =
  (self: Effect.Effect<unknown, unknown>): Work =>
  (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        for (let index = 0; index < n; index++) yield* self
      })
    )

const inLoop =
  (run: () => Promise<unknown>): Work =>
  async (n) => {
    for (let index = 0; index < n; index++) await run()
  }

/** A thousand at once, until it has been done `n` times. */
const wide =
  (self: Effect.Effect<unknown, unknown>): Work =>
  (n) =>
    Effect.runPromise(
      Effect.gen(function* () {
        for (let done = 0; done < n; done += peers.width) {
          const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
          for (let index = 0; index < Math.min(peers.width, n - done); index++) {
            fibers.push(yield* Effect.forkChild(self))
          }
          yield* Fiber.awaitAll(fibers)
        }
      })
    )

const wideLoop =
  (run: () => Promise<unknown>): Work =>
  async (n) => {
    for (let done = 0; done < n; done += peers.width) {
      await Promise.all(Array.from({ length: Math.min(peers.width, n - done) }, run))
    }
  }

const settled = (run: () => Promise<unknown>) => () => run().then(nothing, nothing)
const nothing = () => undefined

const twentyTokens = "twenty tokens of text, as a provider sends them in one chunk of its stream"

const endless: Iterable<string> = {
  *[Symbol.iterator]() {
    for (;;) yield twentyTokens
  }
}

const arriving = <A>(chunk: A): AsyncIterable<A> => ({
  async *[Symbol.asyncIterator]() {
    for (;;) yield chunk
  }
})

const event = new TextEncoder().encode(
  `data: ${JSON.stringify({ id: "x", choices: [{ index: 0, delta: { content: twentyTokens } }] })}\n\n`
)

/** Chunks that are there when they are asked for. */
const ready = Stream.fromIterable(endless, { chunkSize: 1 })
/** Chunks that have to be waited for. */
const awaited = Stream.suspend(() => Stream.fromAsyncIterable(arriving(twentyTokens), (cause) => cause)).pipe(
  Stream.orDie
)
/** Chunks as a client makes them: bytes that arrive, lines, JSON. */
const decoded = Stream.suspend(() => Stream.fromAsyncIterable(arriving(event), (cause) => cause)).pipe(
  Stream.orDie,
  Stream.decodeText,
  Stream.splitLines,
  Stream.filter((line) => line.startsWith("data: ")),
  Stream.map((line) => String(JSON.parse(line.slice(6))))
)

/** Builds the groups, with everything they share. */
export const groups: Effect.Effect<
  ReadonlyArray<Group>,
  never,
  Resilience.Resilience | CircuitBreaker.CircuitBreaker
> = Effect.gen(function* () {
  const resilience = yield* Resilience.Resilience
  const breaker = yield* CircuitBreaker.CircuitBreaker
  const shared = { route: "bench", policy, lanes: [lane] } as const
  const builtIns = yield* Effect.provide(peers.effect, peers.effectLayer)

  const ours = resilience.run({ ...shared, kind: "effect", call: () => Effect.promise(call) })
  const oursPromise = resilience.runPromise({ ...shared, kind: "effect", call })
  const oursFailing = resilience.runPromise({ ...shared, kind: "effect", call: fail })

  const held = Lane.make({ provider: "acme", model: "held" })
  const refusing = policy.pipe(
    Policy.fallback({ waitForReopening: false }),
    // Longer than the other groups take: a circuit that is due would let a probe through, which closes it.
    Policy.breaker({ open: "1 hour", openMax: "1 hour" })
  )
  yield* breaker.trip(held.id, refusing.breaker, { reason: "bench" })
  const oursOpen = resilience.runPromise({ ...shared, policy: refusing, lanes: [held], kind: "effect", call })

  const drain =
    (stream: Stream.Stream<string, unknown>): Work =>
    (n) =>
      Effect.runPromise(Effect.exit(Stream.runForEach(Stream.take(stream, n), () => Effect.void)))

  const streams = (name: string, chunks: Stream.Stream<string>): Group => ({
    name,
    cases: {
      ours: drain(resilience.runStream({ ...shared, call: () => chunks, commits: () => true })),
      bare: drain(chunks),
      effect: drain(Stream.timeout(chunks, "20 seconds"))
    }
  })

  const opossum = peers.opossum(call)
  const opossumFailing = peers.opossum(fail)
  const opossumOpen = peers.opossumOpen()
  const cockatiel = peers.cockatiel(true)
  const cockatielFailing = peers.cockatiel(false)
  const cockatielOpen = peers.cockatielOpen()
  const effectOpen = yield* Effect.scoped(Effect.provide(peers.effectOpen, peers.effectStore))

  return [
    {
      name: "pipeline/promise",
      cases: {
        ours: inFiber(oursPromise),
        bare: inFiber(Effect.promise(call)),
        cockatiel: inLoop(() => cockatiel.execute(call)),
        opossum: inLoop(() => opossum.fire()),
        effect: inFiber(builtIns(Effect.promise(call)))
      }
    },
    {
      name: "pipeline/effect",
      cases: {
        ours: inFiber(ours),
        bare: inFiber(Effect.promise(call)),
        cockatiel: inLoop(() => cockatiel.execute(call)),
        opossum: inLoop(() => opossum.fire()),
        effect: inFiber(builtIns(Effect.promise(call)))
      }
    },
    {
      name: "pipeline/failing",
      cases: {
        ours: inFiber(Effect.exit(oursFailing)),
        bare: inFiber(Effect.exit(Effect.tryPromise(fail))),
        cockatiel: inLoop(settled(() => cockatielFailing.execute(fail))),
        opossum: inLoop(settled(() => opossumFailing.fire())),
        effect: inFiber(Effect.exit(builtIns(Effect.tryPromise(fail), false)))
      }
    },
    {
      name: "pipeline/concurrent-1000",
      cases: {
        ours: wide(oursPromise),
        bare: wide(Effect.promise(call)),
        cockatiel: wideLoop(() => cockatiel.execute(call)),
        opossum: wideLoop(() => opossum.fire()),
        effect: wide(builtIns(Effect.promise(call)))
      }
    },
    {
      name: "reject/open",
      cases: {
        ours: inFiber(Effect.exit(oursOpen)),
        bare: inFiber(Effect.exit(Effect.fail(failure))),
        cockatiel: inLoop(settled(() => cockatielOpen.execute(call))),
        opossum: inLoop(settled(() => opossumOpen.fire())),
        effect: inFiber(Effect.exit(effectOpen.execute(Effect.promise(call), { key: "open" })))
      }
    },
    streams("stream/chunk", awaited),
    streams("stream/chunk-ready", ready),
    streams("stream/chunk-decoded", decoded)
  ]
})
