/** The token numbers of OpenAI's models by gpt-tokenizer, whose tables are loaded when they are first needed. */
import type * as Prompt from "effect/ai/Prompt"
import type * as Families from "../tokens/families.ts"

/** Encodes text; what looks like a special token in it is text, as in a request. */
export interface Encoder {
  readonly encode: (text: string) => ReadonlyArray<number>
  /** What comes before a message of that role, and after it. */
  readonly frame: (role: Prompt.Message["role"]) => readonly [ReadonlyArray<number>, ReadonlyArray<number>]
  /** What starts the answer. */
  readonly answer: ReadonlyArray<number>
}

/** Takes some 0.4 s and 100 MB the first time. */
export const load = async (encoding: ReturnType<typeof Families.encodingOf>): Promise<Encoder> => {
  const { encode, ImEnd, ImSep, ImStart } =
    encoding === "cl100k_base"
      ? await import("gpt-tokenizer/encoding/cl100k_base")
      : await import("gpt-tokenizer/encoding/o200k_base")
  const special = (token: string) => encode(token, { allowedSpecial: new Set([token]) })
  const [start, separator, end] = [special(ImStart), special(ImSep), special(ImEnd)]
  const asText = { disallowedSpecial: new Set<string>() }
  return {
    encode: (text) => cut(text).flatMap((piece) => encode(piece, asText)),
    frame: (role) => [[...start, ...encode(role), ...separator], end],
    answer: [...start, ...encode("assistant"), ...separator]
  }
}

/**
 * The time to encode a run of letters, of marks or of spaces grows with the square of its length: ten minutes for 200,000
 * Chinese characters without a stop. No text worth a prompt has runs of 256; where one does, it is cut there, which can
 * add a token each time.
 */
const run = /[\p{L}\p{M}]{256}|[^\s\p{L}\p{N}]{256}|\s{256}/gu

const cut = (text: string): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  let from = 0
  for (const match of text.matchAll(run)) {
    const to = match.index + match[0].length
    pieces.push(text.slice(from, to))
    from = to
  }
  pieces.push(text.slice(from))
  return pieces
}
