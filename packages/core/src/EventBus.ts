/**
 * One bounded bus for all events. Publishing waits for nobody but listeners, who are told at once: a subscriber that falls behind loses its own oldest events, and
 * a counter says how many; nobody else notices. The subscriptions belong to this layer.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "./Event.ts"

export interface Subscription {
  /** The events since the subscription began, in order. Ends when its scope closes, after what is still there. */
  readonly stream: Stream.Stream<Event.Event>
  /** Waits for at least one event and takes up to `max` that are there; none once its scope has closed. */
  readonly take: (max: number) => Effect.Effect<ReadonlyArray<Event.Event>>
  /** How many events this subscriber has lost by being slow. */
  readonly dropped: Effect.Effect<number>
}

export interface SubscribeOptions {
  /** Events kept for a slow subscriber. Default 4096. */
  readonly capacity?: number | undefined
}

export class EventBus extends Context.Service<
  EventBus,
  {
    /** A new id, unique over processes and restarts, for an operation. */
    readonly nextId: Effect.Effect<string>
    readonly nextIdUnsafe: () => string
    /** Gives the event its id and instant and hands it to every subscriber. Costs next to nothing without any. */
    readonly publish: (draft: Event.Draft) => Effect.Effect<void>
    /** The same for code that cannot wait: `now` is the instant it gets. */
    readonly publishUnsafe: (now: number, draft: Event.Draft) => void
    /** Whether anybody would see an event: what builds one may be skipped where nobody does. */
    readonly isHeard: () => boolean
    /**
     * Tells `listener` of every event as it is published, before whoever publishes goes on, until the scope closes: it has
     * to be quick, and must not throw. For what must never miss one.
     */
    readonly listen: (listener: (event: Event.Event) => void) => Effect.Effect<void, never, Scope.Scope>
    /** A subscription that ends with the scope it was made in. */
    readonly subscribe: (options?: SubscribeOptions) => Effect.Effect<Subscription, never, Scope.Scope>
    /** Events lost by slow subscribers since the bus was made, over all of them. */
    readonly dropped: Effect.Effect<number>
  }
>()("@holdfast/core/EventBus") {}

interface Subscriber {
  readonly queue: Queue.Queue<Event.Event, Cause.Done>
  readonly capacity: number
  dropped: number
}

/** A bus whose ids begin with a random instance name, so that two processes never share one. */
export const make: Effect.Effect<EventBus["Service"]> = Effect.gen(function* () {
  const instance = (yield* Random.nextIntBetween(0, 36 ** 6)).toString(36).padStart(6, "0")
  const bootedAt = (yield* Clock.currentTimeMillis).toString(36)
  const subscribers = new Set<Subscriber>()
  const listeners = new Set<(event: Event.Event) => void>()
  let sequence = 0
  let dropped = 0

  const nextId = (): string => {
    sequence += 1
    return `${bootedAt}-${instance}-${sequence.toString(36)}`
  }

  const isHeard = (): boolean => subscribers.size > 0 || listeners.size > 0

  const publishUnsafe = (now: number, draft: Event.Draft): void => {
    if (!isHeard()) return
    const event: Event.Event = { ...draft, id: nextId(), at: now }
    for (const listener of listeners) listener(event)
    for (const subscriber of subscribers) {
      if (Queue.sizeUnsafe(subscriber.queue) >= subscriber.capacity) {
        subscriber.dropped += 1
        dropped += 1
      }
      Queue.offerUnsafe(subscriber.queue, event)
    }
  }

  const publish = (draft: Event.Draft): Effect.Effect<void> =>
    Effect.clockWith((clock) => Effect.succeed(publishUnsafe(clock.currentTimeMillisUnsafe(), draft)))

  const subscribe = Effect.fnUntraced(function* (options?: SubscribeOptions) {
    const capacity = options?.capacity ?? 4096
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`EventBus capacity must be a whole number of at least 1, got ${capacity}`)
    }
    const queue = yield* Queue.sliding<Event.Event, Cause.Done>(capacity)
    const subscriber: Subscriber = { queue, capacity, dropped: 0 }
    yield* Effect.acquireRelease(
      Effect.sync(() => subscribers.add(subscriber)),
      () =>
        Effect.suspend(() => {
          subscribers.delete(subscriber)
          return Queue.end(queue)
        })
    )
    return {
      stream: Stream.fromQueue(queue),
      take: (max: number) => Pull.catchDone(Queue.takeBetween(queue, 1, max), () => Effect.succeed([])),
      dropped: Effect.sync(() => subscriber.dropped)
    }
  })

  return EventBus.of({
    nextId: Effect.sync(nextId),
    nextIdUnsafe: nextId,
    publish,
    publishUnsafe,
    isHeard,
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => void listeners.add(listener)),
        () => Effect.sync(() => listeners.delete(listener))
      ),
    subscribe,
    dropped: Effect.sync(() => dropped)
  })
})

export const layer: Layer.Layer<EventBus> = Layer.effect(EventBus, make)
