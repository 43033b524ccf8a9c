/** Where an answer came from: the lane, every attempt that led to it, and whether it is what the route would prefer. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Adaptation from "./Adaptation.ts"
import type * as Event from "./Event.ts"

/** One request to one provider. */
export interface Attempt {
  readonly lane: string
  readonly result: Event.Result
  /** How long it took, in milliseconds. */
  readonly durationMillis: number
  /** How long the operation waited right before it, in milliseconds: for a retry, a slot, or a lane to reopen. */
  readonly waitMillis: number
  /** It was sent beside another attempt that was slow. */
  readonly hedge?: true | undefined
}

export interface Provenance {
  readonly operation: string
  readonly route: string
  /** The lane that answered; absent when none did. */
  readonly lane: string | undefined
  /** The model that answered, as the lane names it. */
  readonly model: string | undefined
  /** Requests sent, the one that is still streaming included. */
  readonly sent: number
  /** The attempts that are over, in order. */
  readonly attempts: ReadonlyArray<Attempt>
  /** Another lane than the route's first answered, or none did: the answer is a stale one or the route's last resort. */
  readonly degraded: boolean
  /** The answer was given before, to an identical request; `lane` is the one that gave it then. */
  readonly cached: boolean
  /** It was no longer fresh, and was given because asking again failed. */
  readonly stale: boolean
  /** How long ago it was given, in milliseconds. */
  readonly ageMillis?: number | undefined
  /** The lanes that gave the beginning of a stream and failed, in order; `lane` went on. Absent: one attempt gave all of it. */
  readonly continuedFrom?: ReadonlyArray<string> | undefined
  /** What lanes changed in the meaning of the request to send it, those that failed included. Absent: nothing. */
  readonly adapted?: ReadonlyArray<Adaptation.Adapted> | undefined
  /** The attempts were made on behalf of an identical call that came before; they are not in `sent` and `attempts`. */
  readonly coalesced: boolean
}

/** A place for the pipeline to leave a provenance in. */
export interface Collector {
  /** Tells two collectors apart where equality is structural. */
  readonly token: symbol
  provenance: Provenance | undefined
}

/** An empty collector. */
export const collector = (): Collector => ({ token: Symbol("Provenance"), provenance: undefined })

/** Where the pipeline writes the provenance of the operations in this context. Absent: nobody asked. */
export const Sink = Context.Reference<Collector | undefined>("@holdfast/core/Provenance/Sink", {
  defaultValue: () => undefined
})

/**
 * The answer together with where it came from. Of several operations inside one effect it is the last one's; `undefined`
 * when there was none.
 */
export const of = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<[A, Provenance | undefined], E, R> =>
  Effect.suspend(() => {
    const sink = collector()
    return Effect.map(Effect.provideService(self, Sink, sink), (answer): [A, Provenance | undefined] => [
      answer,
      sink.provenance
    ])
  })

/**
 * The stream, and behind its last element one more: what `last` makes of where the others came from. A stream that fails
 * or is left has no such end.
 */
export const ofStream = <A, E, R, B>(
  self: Stream.Stream<A, E, R>,
  last: (provenance: Provenance | undefined) => B
): Stream.Stream<A | B, E, R> =>
  Stream.suspend(() => {
    const sink = collector()
    return Stream.concat(
      Stream.provideService(self, Sink, sink),
      Stream.sync(() => last(sink.provenance))
    )
  })
