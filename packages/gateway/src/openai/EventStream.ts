/** Server-sent events that stay alive while there is nothing to say. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** A comment, which every reader of server-sent events leaves out. */
export const comment = (text: string): string => `: ${text}\n\n`

/**
 * The events, and a comment wherever there has been none for as long as `every`, or up to twice that. Proxies and callers
 * cut connections that are silent.
 */
export const keptAlive = <E, R>(
  events: Stream.Stream<string, E, R>,
  every: Duration.Duration
): Stream.Stream<string, E, R> =>
  Stream.suspend(() => {
    let isSilent = false
    const beats = Stream.fromEffectRepeat(
      Effect.andThen(
        Effect.sleep(every),
        Effect.sync(() => {
          const beat = isSilent ? comment("keep-alive") : ""
          isSilent = true
          return beat
        })
      )
    )
    const heard = Stream.map(events, (event) => {
      isSilent = false
      return event
    })
    return Stream.filter(Stream.merge(heard, beats, { haltStrategy: "left" }), (event) => event !== "")
  })
