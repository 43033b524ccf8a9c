/**
 * Embeddings that mean nothing but behave: equal texts give equal vectors, different texts different ones, length 1.
 */
import { createHash } from "node:crypto"

/**
 * The unit vector of a text: the words of SHA-256 over `n:text`, n = 0, 1, …, spread over (−1, 1), none of them 0, and
 * normalised. Entries are rounded to 32 bits, so the base64 form carries the same numbers.
 */
export const embed = (text: string, dimensions: number): ReadonlyArray<number> => {
  const raw: Array<number> = []
  for (let block = 0; raw.length < dimensions; block++) {
    const digest = createHash("sha256").update(`${block}:${text}`).digest()
    for (let at = 0; at < digest.length && raw.length < dimensions; at += 4) {
      raw.push((digest.readUInt32LE(at) + 0.5) / 2 ** 31 - 1)
    }
  }
  const length = Math.hypot(...raw)
  return raw.map((value) => Math.fround(value / length))
}

/** Little-endian 32-bit floats in base64: OpenAI's `encoding_format: "base64"`. */
export const toBase64 = (vector: ReadonlyArray<number>): string => {
  const bytes = Buffer.alloc(vector.length * 4)
  vector.forEach((value, n) => bytes.writeFloatLE(value, n * 4))
  return bytes.toString("base64")
}
