/** A document is cut into passages: what is embedded, found and shown as a source. */
import { Schema } from "effect"

export const Document = Schema.Struct({
  /** Yours. A document with the same id is replaced. */
  id: Schema.NonEmptyString,
  title: Schema.NonEmptyString,
  text: Schema.String.check(Schema.isPattern(/\S/, { message: "expected some text" }))
})
export type Document = typeof Document.Type

export const Passage = Schema.Struct({
  document: Schema.String,
  title: Schema.String,
  text: Schema.String
})
export type Passage = typeof Passage.Type

/** A passage is a paragraph. */
export const cut = (text: string): ReadonlyArray<string> =>
  text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "")
