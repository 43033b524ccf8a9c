/**
 * What a lane changes in the meaning of a request in order to send it: what its provider has no place for, moved, told in
 * words, or left out. What cannot be changed without harm is refused instead, and another lane is asked. Names and forms of
 * a wire format are no adaptations.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"

/** Each kind of adaptation, by a code that does not change, in a sentence. */
export const meanings = {
  "continued-by-instruction": "The model was told in words to go on with the beginning of the answer.",
  "continued-by-prefill": "The answer was begun in the model's own turn, for it to go on.",
  "effort-approximated": "No reasoning was asked for; the model reasons between calls of tools all the same.",
  "effort-as-budget": "The reasoning effort went as a budget of tokens.",
  "messages-joined": "Neighbouring messages of one role became one.",
  "output-limit-added":
    "The API wants a limit of output tokens and none was asked for: it is that of the smallest models.",
  "reasoning-dropped": "Reasoning in the history was left out: another lane made it, or the API takes none back.",
  "schema-told": "Constraints of a JSON schema that the API cannot hold the model to were told to it in words.",
  "signature-replaced": "Calls of tools that another provider's model made carry a placeholder for its signature.",
  "strict-dropped": "A tool is not held strictly to its schema.",
  "system-moved": "A system message from the middle of the conversation stands in front of it.",
  "task-dropped": "Whether a text to embed is a query or a document was left out.",
  "tool-error-told": "That a tool failed is said in its result."
} as const

export type Code = keyof typeof meanings
export const Code: Schema.Codec<Code> = Schema.Literals(Struct.keys(meanings))

/** Adaptations that one lane made. */
export interface Adapted {
  readonly lane: string
  readonly what: ReadonlyArray<Code>
}

/**
 * Whom a lane's client tells what it adapts in a request, before it is sent. The pipeline sets it for each attempt on a lane
 * that `adapts`; elsewhere nobody listens.
 */
export const Listener = Context.Reference<((what: Iterable<Code>) => void) | undefined>(
  "@holdfast/core/Adaptation/Listener",
  { defaultValue: () => undefined }
)

/** Tells whoever listens. */
export const tell = (what: Iterable<Code>): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    fiber.getRef(Listener)?.(what)
    return Effect.void
  })
