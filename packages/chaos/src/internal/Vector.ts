/**
 * Embeddings that know nothing of meaning but behave: equal texts of one model give equal vectors, different texts
 * different ones, texts with words in common are near one another, two models have nothing in common, length 1.
 */
import { createHash } from "node:crypto"

/**
 * The unit vector of a text: the sum of its words' directions, short words next to nothing, and of a smaller one of the
 * text itself, so that no two texts are the same. Entries are rounded to 32 bits, so the base64 form carries the same
 * numbers.
 */
export const embed = (text: string, dimensions: number, model = ""): ReadonlyArray<number> => {
  const sum = noise(`${model}:${text}`, dimensions).map((value) => value * textWeight)
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const weight = word.length > 3 ? 1 : 0.1
    // Feature hashing (Weinberger et al., 2009): a few places per word, with a sign each.
    const digest = createHash("sha256").update(`${model}:${word}`).digest()
    for (let at = 0; at < digest.length; at += 4) {
      const draw = digest.readUInt32LE(at)
      const place = (draw >>> 1) % dimensions
      sum[place] = (sum[place] ?? 0) + (draw % 2 === 0 ? weight : -weight)
    }
  }
  const length = Math.hypot(...sum)
  return sum.map((value) => Math.fround(value / length))
}

/** How much of a vector is the text itself: a quarter of what one word is. */
const textWeight = Math.SQRT2 / 2

/** A unit vector that depends on every character: the words of SHA-256 over `n:text`, spread over (−1, 1), none of them 0. */
const noise = (text: string, dimensions: number): Array<number> => {
  const raw: Array<number> = []
  for (let block = 0; raw.length < dimensions; block++) {
    const digest = createHash("sha256").update(`${block}:${text}`).digest()
    for (let at = 0; at < digest.length && raw.length < dimensions; at += 4) {
      raw.push((digest.readUInt32LE(at) + 0.5) / 2 ** 31 - 1)
    }
  }
  const length = Math.hypot(...raw)
  return raw.map((value) => value / length)
}

/** Little-endian 32-bit floats in base64: OpenAI's `encoding_format: "base64"`. */
export const toBase64 = (vector: ReadonlyArray<number>): string => {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, n) => bytes.writeFloatLE(value, n * 4))
  return bytes.toString("base64")
}
