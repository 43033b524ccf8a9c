/**
 * What instances tell each other, as text. Nothing in it is an instant: clocks differ, so whoever is told counts from when
 * it was told. A version that is not known here is not understood, and not an error.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Failure from "../Failure.ts"

const millis = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

const base = {
  version: Schema.Literal(1),
  /** Unique over instances: a notice that is met twice is heeded once. */
  id: Schema.NonEmptyString,
  /** The instance that says so. */
  from: Schema.NonEmptyString
}

const Message = Schema.Union([
  Schema.TaggedStruct("Opened", {
    ...base,
    circuit: Schema.NonEmptyString,
    forMillis: millis,
    isFresh: Schema.Boolean,
    reason: Schema.String
  }),
  Schema.TaggedStruct("Closed", { ...base, circuit: Schema.NonEmptyString }),
  /** A probe is over, whatever came of it. */
  Schema.TaggedStruct("Released", { ...base, circuit: Schema.NonEmptyString }),
  Schema.TaggedStruct("Cooling", {
    ...base,
    lane: Schema.NonEmptyString,
    provider: Schema.NonEmptyString,
    model: Schema.NonEmptyString,
    credential: Schema.NonEmptyString,
    reason: Failure.Class,
    forMillis: millis
  })
])
export type Message = typeof Message.Type

/** A message before it says who sends it. */
export type Draft = Message extends infer One ? (One extends Message ? Omit<One, keyof typeof base> : never) : never

export type Cooling = Extract<Draft, { readonly _tag: "Cooling" }>

const Text = Schema.fromJsonString(Message)
const decodeText = Schema.decodeUnknownOption(Text)

/** The message, if it is one. */
export const decode = (text: string): Message | undefined => Option.getOrUndefined(decodeText(text))

export const encode: (message: Message) => string = Schema.encodeSync(Text)

/** What a store keeps one message about. */
export const subjectOf = (draft: Draft): string =>
  draft._tag === "Cooling"
    ? `cooling:${draft.provider}/${draft.credential}/${draft.model}`
    : circuitSubject(draft.circuit)

export const circuitSubject = (circuit: string): string => `circuit:${circuit}`

const maxSubject = 300

/** Whether every store can take it: a name of any length and of any characters is not worth the trouble. */
export const isShareable = (subject: string): boolean => subject.length <= maxSubject && !subject.includes("\0")

/** How long a store keeps it: a closing ends what was said before, the end of a probe says nothing about that. */
export const keepMillisOf = (draft: Draft): number | undefined => {
  switch (draft._tag) {
    case "Opened":
    case "Cooling":
      return Math.ceil(draft.forMillis)
    case "Closed":
      return 0
    case "Released":
      return undefined
  }
}
