/**
 * Shares what one instance learns with the others of its fleet: circuits that open and close, cool-downs, and whose turn it
 * is to probe. Every decision stays local; what others say is advice with a maximum age, and none of it is waited for but
 * the leave to probe, and that for 50 milliseconds at most. A store that is away is an event: the instance goes on alone,
 * connects again by itself, and then says and hears what was missed.
 *
 * While nobody knows whether a provider is back, one call of the whole fleet finds out. Once such a probe has succeeded,
 * every instance whose circuit is open lets one call of its own see for itself.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as EventBus from "./EventBus.ts"
import * as advices from "./internal/advices.ts"
import { type Circuit, restored } from "./internal/Circuit.ts"
import type * as BreakerState from "./internal/BreakerState.ts"
import * as Lane from "./Lane.ts"
import * as Limits from "./Limits.ts"
import { type Kept, type Session, SharingStore, StoreAway } from "./SharingStore.ts"

export interface Options {
  /** The longest a call waits for leave to probe. Default 50 milliseconds. */
  readonly leaveTimeout?: Duration.Input | undefined
  /** The longest that anything else of the store may take, for which nobody waits. Default 1 second. */
  readonly timeout?: Duration.Input | undefined
  /** Connecting, with all there is to say and hear then, takes no longer. Default 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** Advice is followed no longer than this, whatever it says. Default 5 minutes. */
  readonly maxAge?: Duration.Input | undefined
  /** Between two looks at what the store keeps: they find what was missed, and that the store is away. Default 5 seconds. */
  readonly lookEvery?: Duration.Input | undefined
  /** What a probe does while the store is away. `probe` (the default): it goes. `refuse`: it does not, until the store is back. */
  readonly whenAway?: "probe" | "refuse" | undefined
}

export interface Snapshot {
  /** The name of this instance among the others. */
  readonly instance: string
  readonly state: "shared" | "local"
  /** Why it is in that state, in a few words. */
  readonly reason: string
  /** Advices that changed something here. */
  readonly followed: number
  /** Notices that were not understood: of another version, or nonsense. */
  readonly ignored: number
}

export class Sharing extends Context.Service<
  Sharing,
  {
    readonly snapshot: Effect.Effect<Snapshot>
  }
>()("@holdfast/core/Sharing") {}

/** A leave that is not used by then is given back. */
const leaveMillis = 1000
/** While probes are refused because the store is away: how long until the next call may ask again. */
const awayMillis = 1000
/** A reason is a word or two; whoever writes more is cut short. */
const maxReason = 100
/** Notices on their way out. */
const outboxCapacity = 4096

/** Delays between two attempts to connect: from 100 ms up to 5 s, ± 20 %. */
const reconnecting = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("5 seconds")]).pipe(
  Schedule.jittered
)

/** A lease this instance holds, or may hold: the store was asked and has not answered. */
interface Held {
  readonly subject: string
  readonly until: number
  /** The probe under it is over. */
  isOver: boolean
}

interface Connection {
  readonly store: Session
  readonly scope: Scope.Closeable
  /** Done with the reason when it is lost. */
  readonly lost: Deferred.Deferred<string>
}

/** Joins the circuits and cool-downs of this process to the store's, until the scope closes. Connects in the background. */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<
  Sharing["Service"],
  never,
  SharingStore | CircuitBreaker.CircuitBreaker | Limits.Limits | EventBus.EventBus | Scope.Scope
> {
  const store = yield* SharingStore
  const breaker = yield* CircuitBreaker.CircuitBreaker
  const limits = yield* Limits.Limits
  const bus = yield* EventBus.EventBus
  const scope = yield* Effect.scope
  const whenAway = options.whenAway ?? "probe"
  const leaveTimeout = positive("leaveTimeout", options.leaveTimeout ?? "50 millis")
  const timeout = positive("timeout", options.timeout ?? "1 second")
  const connectTimeout = positive("connectTimeout", options.connectTimeout ?? "5 seconds")
  const lookEvery = positive("lookEvery", options.lookEvery ?? "5 seconds")
  const maxAgeMillis = Duration.toMillis(positive("maxAge", options.maxAge ?? "5 minutes"))
  /** A lease outlives the probe under it, however late that began. */
  const graceMillis = leaveMillis + Duration.toMillis(leaveTimeout)

  const instance = (yield* Random.nextIntBetween(36 ** 9, 36 ** 10)).toString(36)
  let sequence = 0
  const nextId = (): string => {
    sequence += 1
    return `${instance}-${sequence.toString(36)}`
  }

  let connection: Connection | undefined
  let state: Snapshot["state"] | undefined
  let reason = "not connected yet"
  let followed = 0
  let ignored = 0

  const turn = (to: Snapshot["state"], why: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (state === to) return Effect.void
      state = to
      reason = why
      return bus.publish({ _tag: "SharingChanged", to, reason: why })
    })

  /** Gives a connection up: from now on this instance is alone, until the next one. */
  const drop = (lost: Connection, why: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      Deferred.doneUnsafe(lost.lost, Exit.succeed(why))
      if (connection !== lost) return Effect.void
      connection = undefined
      return turn("local", why)
    })

  // What is told.

  const notice = (draft: advices.Draft) => ({
    subject: advices.subjectOf(draft),
    text: advices.encode({ ...draft, version: 1, id: nextId(), from: instance }),
    keepMillis: advices.keepMillisOf(draft)
  })

  const outbox = yield* Queue.sliding<(store: Session) => Effect.Effect<void, StoreAway>>(outboxCapacity)
  /** Nothing is kept for a store that is away: what still holds is said when it is back. */
  const send = (what: (store: Session) => Effect.Effect<void, StoreAway>): void => {
    if (connection !== undefined) Queue.offerUnsafe(outbox, what)
  }
  const tell = (draft: advices.Draft): void => {
    if (advices.isShareable(advices.subjectOf(draft))) send((to) => to.publish(notice(draft)))
  }

  yield* Queue.take(outbox).pipe(
    Effect.flatMap((what) => {
      const to = connection
      return to === undefined
        ? Effect.void
        : within(what(to.store), timeout).pipe(Effect.catch((away) => drop(to, away.reason)))
    }),
    Effect.forever,
    Effect.forkScoped
  )

  const changed = (circuit: Circuit, before: BreakerState.State, now: number): void => {
    if (circuit.mode === "observe") return
    const { because, key, state: after } = circuit
    if (after._tag === "Closed") tell({ _tag: "Closed", circuit: key })
    if (after._tag === "Open") {
      tell({
        _tag: "Opened",
        circuit: key,
        forMillis: Math.max(0, after.until - now),
        isFresh: before._tag === "Closed" && because !== restored,
        reason: because.slice(0, maxReason)
      })
    }
  }

  /** The cool-downs this instance was told of itself, by their subject. */
  const cooling = new Map<string, { readonly draft: advices.Cooling; readonly until: number }>()
  const { stream: events } = yield* bus.subscribe()
  yield* events.pipe(
    Stream.runForEach((event) =>
      Effect.sync(() => {
        if (event._tag !== "LaneCooling" || event.advisedBy !== undefined) return
        const { at, credential, lane, model, provider, reason, untilMillis: until } = event
        const draft: advices.Cooling = {
          _tag: "Cooling",
          lane,
          provider,
          model,
          credential,
          reason,
          forMillis: until - at
        }
        for (const [subject, known] of cooling) if (known.until <= at) cooling.delete(subject)
        cooling.set(advices.subjectOf(draft), { draft, until })
        tell(draft)
      })
    ),
    Effect.forkScoped
  )

  // Whose turn it is to probe.

  const held = new Map<string, Held>()

  const release =
    (token: string, { subject }: Held) =>
    (to: Session): Effect.Effect<void, StoreAway> =>
      Effect.tap(to.release(subject, token), () => Effect.sync(() => held.delete(token)))

  const giveBack = ({ key }: Circuit, token: string): void => {
    const lease = held.get(token)
    if (lease === undefined) return
    lease.isOver = true
    send(release(token, lease))
    tell({ _tag: "Released", circuit: key })
  }

  /** Milliseconds until the leave is there: 0 when it is. `undefined` while the store is away. */
  const acquire = Effect.fnUntraced(function* (subject: string, token: string, millis: number) {
    if (!advices.isShareable(subject)) return 0
    const from = connection
    if (from === undefined) return undefined
    held.set(token, { subject, until: (yield* Clock.currentTimeMillis) + millis, isOver: false })
    const wait = yield* within(from.store.acquire(subject, token, millis), leaveTimeout).pipe(
      Effect.catch((away) => Effect.as(drop(from, away.reason), undefined))
    )
    if (wait !== undefined && wait > 0) held.delete(token)
    return wait
  })

  const decide = Effect.fnUntraced(function* (circuit: Circuit, probeMillis: number) {
    const token = nextId()
    const leaseMillis = Math.ceil(probeMillis + graceMillis)
    const wait = yield* acquire(advices.circuitSubject(circuit.key), token, leaseMillis)
    const now = yield* Clock.currentTimeMillis
    const denied = wait ?? (whenAway === "refuse" ? awayMillis : 0)
    if (denied > 0) {
      // It may have been given all the same, and the answer been lost.
      giveBack(circuit, token)
      return circuit.denied(now, now + Math.min(denied, leaseMillis))
    }
    circuit.granted(token, now + leaveMillis)
    yield* Effect.sleep(leaveMillis).pipe(
      Effect.andThen(
        Effect.sync(() => {
          if (circuit.probing.revoke(token)) giveBack(circuit, token)
        })
      ),
      Effect.forkIn(scope)
    )
  })

  /** One question per circuit, however many ask it. Whoever leaves does not stop it. */
  const asked = new Map<string, Fiber.Fiber<void>>()
  const askLeave = (circuit: Circuit, probeMillis: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { key } = circuit
      const known = asked.get(key)
      if (known !== undefined) return Effect.asVoid(Fiber.await(known))
      return Effect.flatMap(Effect.forkIn(decide(circuit, probeMillis), scope, { startImmediately: true }), (fiber) => {
        asked.set(key, fiber)
        fiber.addObserver(() => asked.delete(key))
        return Effect.asVoid(Fiber.await(fiber))
      })
    })

  // What is heard.

  /** The last notice about each subject: what the store keeps is met again and again, and heeded once. */
  const heard = new Map<string, string>()

  const follow = Effect.fnUntraced(function* (message: advices.Message, ageBound: number) {
    switch (message._tag) {
      case "Opened": {
        const { circuit, forMillis, from: by, isFresh, reason } = message
        const millis = Math.min(forMillis, ageBound)
        return yield* breaker.advise(circuit, {
          _tag: "Opened",
          by,
          millis,
          isFresh,
          reason: reason.slice(0, maxReason)
        })
      }
      case "Closed":
        return yield* breaker.advise(message.circuit, { _tag: "Closed", by: message.from })
      case "Released":
        return yield* breaker.advise(message.circuit, { _tag: "Released" })
      case "Cooling": {
        const { credential, lane: id, model, provider, reason } = message
        const millis = Math.min(message.forMillis, ageBound)
        const now = yield* Clock.currentTimeMillis
        if (!limits.coolUnsafe(Lane.make({ id, provider, model, credential }), millis, now)) return false
        bus.publishUnsafe(now, {
          _tag: "LaneCooling",
          lane: id,
          provider,
          model,
          credential,
          reason,
          untilMillis: now + millis,
          advisedBy: message.from
        })
        return true
      }
    }
  })

  const hear = (text: string, leftMillis = Number.POSITIVE_INFINITY): Effect.Effect<void> =>
    Effect.suspend(() => {
      const message = advices.decode(text)
      if (message === undefined) {
        ignored += 1
        return Effect.void
      }
      if (message.from === instance) return Effect.void
      const subject = advices.subjectOf(message)
      if (heard.get(subject) === message.id) return Effect.void
      if (heard.size >= outboxCapacity) heard.clear()
      if (message._tag !== "Released") heard.set(subject, message.id)
      return Effect.map(follow(message, Math.min(leftMillis, maxAgeMillis)), (isFollowed) => {
        if (isFollowed) followed += 1
      })
    })

  /** Looks at what the store keeps. What it keeps of this instance and is no longer so is taken back. */
  const look = Effect.fnUntraced(function* (from: Session) {
    const kept: ReadonlyArray<Kept> = yield* from.kept
    for (const { leftMillis, text } of kept) {
      const message = advices.decode(text)
      if (message?.from !== instance || message._tag !== "Opened") {
        yield* hear(text, leftMillis)
      } else if ((yield* breaker.snapshot(message.circuit)).state === "closed") {
        yield* from.publish(notice({ _tag: "Closed", circuit: message.circuit }))
      }
    }
  })

  // Connecting.

  /** Says everything that is so, then hears what others have said. */
  const catchUp = Effect.fnUntraced(function* (to: Session) {
    for (const { circuit, holds, reason = "probe", retryAfter, state } of yield* breaker.list) {
      if (state !== "open" || reason === "advice" || holds.some(({ mode }) => mode === "observe")) continue
      const forMillis = Duration.toMillis(retryAfter)
      if (forMillis === 0 || !advices.isShareable(advices.circuitSubject(circuit))) continue
      yield* to.publish(notice({ _tag: "Opened", circuit, forMillis, isFresh: false, reason }))
    }
    const now = yield* Clock.currentTimeMillis
    for (const { draft, until } of cooling.values()) {
      if (until > now) yield* to.publish(notice({ ...draft, forMillis: until - now }))
    }
    for (const [token, lease] of held) {
      if (lease.until <= now) held.delete(token)
      else if (lease.isOver) yield* release(token, lease)(to)
    }
    yield* look(to)
  })

  const dispose = ({ scope }: Pick<Connection, "scope">): Effect.Effect<void> =>
    Effect.ignore(within(Scope.close(scope, Exit.void), timeout))

  const connect: Effect.Effect<Connection, StoreAway> = Effect.suspend(() => {
    const scope = Scope.makeUnsafe()
    return Effect.gen(function* () {
      const opened = yield* Scope.provide(store.connect, scope)
      const made: Connection = { store: opened, scope, lost: Deferred.makeUnsafe() }
      yield* opened.notices.pipe(
        Stream.runForEach((text) => hear(text)),
        Effect.matchEffect({
          onFailure: (away) => drop(made, away.reason),
          onSuccess: () => drop(made, "it sends nothing any more")
        }),
        Effect.forkIn(scope)
      )
      yield* catchUp(opened)
      return made
    }).pipe(Effect.onError(() => dispose({ scope })))
  })

  const serve = Effect.fnUntraced(function* (made: Connection) {
    connection = made
    yield* turn("shared", "connected")
    const looks = Effect.sleep(lookEvery).pipe(
      Effect.andThen(within(look(made.store), timeout)),
      Effect.forever,
      Effect.catch((away) => drop(made, away.reason))
    )
    yield* Effect.raceFirst(Effect.asVoid(Deferred.await(made.lost)), looks)
    // It may have been lost before anybody could use it.
    yield* drop(made, yield* Deferred.await(made.lost))
    yield* Effect.sleep(yield* Random.nextIntBetween(50, 150))
  })

  yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      restore(
        within(connect, connectTimeout).pipe(
          Effect.tapError((away) => turn("local", away.reason)),
          Effect.retry(reconnecting)
        )
      ),
      (made) => Effect.ensuring(restore(serve(made)), dispose(made))
    )
  ).pipe(Effect.forever, Effect.forkScoped)

  // Runs before the connection closes: nobody has to wait for a lease whose holder is gone.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      const to = connection
      if (to === undefined) return Effect.void
      const all = Effect.forEach(held, ([token, lease]) => release(token, lease)(to.store), { discard: true })
      return Effect.ignore(within(all, leaveTimeout))
    })
  )
  yield* breaker.share({ askLeave, changed, giveBack })

  return Sharing.of({
    snapshot: Effect.sync(() => ({ instance, state: state ?? "local", reason, followed, ignored }))
  })
})

/** See `make`. Throws a `RangeError` that names an impossible option. */
export const layer = (
  options: Options = {}
): Layer.Layer<Sharing, never, SharingStore | CircuitBreaker.CircuitBreaker | Limits.Limits | EventBus.EventBus> =>
  Layer.effect(Sharing, make(options))

/** The answer, or `StoreAway` when it does not come in time: what hangs is told to stop and not waited for. */
const within = <A>(self: Effect.Effect<A, StoreAway>, duration: Duration.Duration): Effect.Effect<A, StoreAway> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDetach(self, { startImmediately: true }), (fiber) =>
      Fiber.join(fiber).pipe(
        Effect.timeoutOrElse({
          duration,
          orElse: () => Effect.fail(new StoreAway({ reason: `no answer within ${Duration.format(duration)}` }))
        }),
        restore,
        // What a client says when it breaks may hold the address with its password.
        Effect.catchDefect(() => Effect.fail(new StoreAway({ reason: "its client is broken" }))),
        Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe()))
      )
    )
  )

const positive = (option: string, input: Duration.Input): Duration.Duration => {
  const duration = Duration.fromInputUnsafe(input)
  if (Duration.toMillis(duration) > 0) return duration
  throw new RangeError(`Sharing: ${option} must be above zero, got ${Duration.format(duration)}`)
}
