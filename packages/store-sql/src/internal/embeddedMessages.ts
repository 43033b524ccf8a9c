/** What is said between the thread that runs PGlite and the one that started it. */
import * as Schema from "effect/Schema"

export const Start = Schema.Struct({
  /** Where the data is; in memory without it. */
  directory: Schema.optional(Schema.String),
  /** Where to listen. */
  socketPath: Schema.String
})
export type Start = typeof Start.Type

export const Report = Schema.Union([
  Schema.TaggedStruct("Ready", {}),
  Schema.TaggedStruct("Failed", { message: Schema.String })
])
export type Report = typeof Report.Type
