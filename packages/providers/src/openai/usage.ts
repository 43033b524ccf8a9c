/** Token counts as both of OpenAI's APIs give them, under different names for input and output. */
import * as Piece from "../internal/Piece.ts"

interface Counts<Details> {
  readonly total: unknown
  readonly details: Details | null | undefined
}

/** The counts that are counts; cached input and reasoning are part of the totals. */
export const usagePiece = (
  input: Counts<{ readonly cached_tokens?: unknown; readonly cache_write_tokens?: unknown }>,
  output: Counts<{ readonly reasoning_tokens?: unknown }>
): Piece.Piece => {
  const total = Piece.count(input.total)
  const cacheRead = Piece.count(input.details?.cached_tokens)
  const cacheWrite = Piece.count(input.details?.cache_write_tokens)
  const produced = Piece.count(output.total)
  const reasoning = Piece.count(output.details?.reasoning_tokens)
  return {
    _tag: "Usage",
    usage: {
      inputTokens: { total, uncached: Piece.less(total, cacheRead), cacheRead, cacheWrite },
      outputTokens: { total: produced, text: Piece.less(produced, reasoning), reasoning }
    }
  }
}
