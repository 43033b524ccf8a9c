/** Something that was asked for cannot be done; the command ends with 2. */
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

export class Refused extends Schema.TaggedError<Refused>()("Refused", { problem: Schema.String }) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return this.problem
  }
}

/** A scenario or a configuration that cannot be used ends the command like an option that cannot. */
export const refusing = <A, E extends { readonly message: string }, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, Refused, R> => Effect.mapError(self, ({ message }) => new Refused({ problem: message }))
