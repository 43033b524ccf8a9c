/** Hands every event of the bus to a function, off the path of calls; what is there when the scope closes, too. */
import type * as Event from "@holdfast/core/Event"
import * as EventBus from "@holdfast/core/EventBus"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

export interface Options {
  /** Events kept while the function is busy. Default 4096. */
  readonly capacity?: number | undefined
  /** Does what is to be done about them, in order. The next ones wait for it. */
  readonly take: (events: ReadonlyArray<Event.Event>) => Effect.Effect<void>
}

/** Events taken from the bus at once. */
const batchSize = 1024

export const consume = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<EventBus.Subscription, never, EventBus.EventBus | Scope.Scope> {
  const bus = yield* EventBus.EventBus
  // Closed first: the subscription then ends with what is still there, and the reader with it.
  const subscribed = yield* Scope.make()
  const subscription = yield* Scope.provide(bus.subscribe({ capacity: options.capacity }), subscribed)
  const read = Effect.gen(function* () {
    while (true) {
      const events = yield* subscription.take(batchSize)
      if (events.length === 0) return
      yield* options.take(events)
    }
  })
  const reader = yield* Effect.forkDetach(read)
  yield* Effect.addFinalizer(() => Effect.andThen(Scope.close(subscribed, Exit.void), Fiber.await(reader)))
  return subscription
})
