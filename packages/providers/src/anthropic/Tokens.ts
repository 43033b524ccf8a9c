/** The tokens of a Messages answer. What was read from the cache or written to it comes beside the input. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Piece from "../internal/Piece.ts"

export interface Tokens {
  readonly input: number | undefined
  readonly cacheRead: number | undefined
  readonly cacheWrite: number | undefined
  readonly output: number | undefined
  readonly thinking: number | undefined
}

const Usage = Schema.Struct({
  input_tokens: Schema.optional(Schema.Unknown),
  cache_read_input_tokens: Schema.optional(Schema.Unknown),
  cache_creation_input_tokens: Schema.optional(Schema.Unknown),
  output_tokens: Schema.optional(Schema.Unknown),
  output_tokens_details: Schema.optional(Schema.Unknown)
})
const Details = Schema.Struct({ thinking_tokens: Schema.optional(Schema.Unknown) })

const decodeUsage = Schema.decodeUnknownOption(Usage)
const decodeDetails = Schema.decodeUnknownOption(Details)

/** The counts of a `usage` over those known before: a later event of a stream repeats only what has changed. */
export const read = (value: unknown, before?: Tokens): Tokens | undefined => {
  const usage = Option.getOrUndefined(decodeUsage(value))
  if (usage === undefined) return before
  const details = Option.getOrUndefined(decodeDetails(usage.output_tokens_details))
  return {
    input: Piece.count(usage.input_tokens) ?? before?.input,
    cacheRead: Piece.count(usage.cache_read_input_tokens) ?? before?.cacheRead,
    cacheWrite: Piece.count(usage.cache_creation_input_tokens) ?? before?.cacheWrite,
    output: Piece.count(usage.output_tokens) ?? before?.output,
    thinking: Piece.count(details?.thinking_tokens) ?? before?.thinking
  }
}

export const pieces = (tokens: Tokens | undefined): ReadonlyArray<Piece.Piece> => {
  if (tokens === undefined) return []
  const { cacheRead, cacheWrite, input, output, thinking } = tokens
  return [
    {
      _tag: "Usage",
      usage: {
        inputTokens: {
          total: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
          uncached: input,
          cacheRead,
          cacheWrite
        },
        outputTokens: { total: output, text: Piece.less(output, thinking), reasoning: thinking }
      }
    }
  ]
}
