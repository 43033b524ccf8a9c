/** Everything the bus has carried since the test began to listen. */
import { Effect, Option } from "effect"
import { type Event, EventBus } from "@holdfast/core"

export const recorder = Effect.gen(function* () {
  const bus = yield* EventBus.EventBus
  const subscription = yield* bus.subscribe({ capacity: 1_000_000 })
  const seen: Array<Event.Event> = []
  const all: Effect.Effect<ReadonlyArray<Event.Event>> = Effect.gen(function* () {
    // What is there is taken at once; a clock of zero ends the wait for more.
    const more = yield* Effect.timeoutOption(subscription.take(1_000_000), 0)
    if (Option.isSome(more)) seen.push(...more.value)
    return seen
  })
  const of = <Tag extends Event.Event["_tag"]>(tag: Tag) =>
    Effect.map(all, (events) =>
      events.filter((event): event is Extract<Event.Event, { readonly _tag: Tag }> => event._tag === tag)
    )
  return { all, of, tags: Effect.map(all, (events) => events.map((event) => event._tag)) }
})
