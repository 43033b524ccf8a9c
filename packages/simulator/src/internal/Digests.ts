/**
 * Digests for the keys of a simulated cache, at once: those of Web Crypto come from another thread, while virtual time would
 * pass. They tell requests apart and keep no secret.
 */
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Digest from "effect/crypto/Digest"

/** FNV-1a of 32 bits, once for each four bytes with another beginning. */
const hash = (length: number, data: Uint8Array): Uint8Array => {
  const out = new DataView(new ArrayBuffer(length))
  for (let word = 0; word + 4 <= length; word += 4) {
    let state = (2_166_136_261 ^ Math.imul(word + 1, 2_654_435_761)) >>> 0
    for (const byte of data) state = Math.imul(state ^ byte, 16_777_619)
    out.setUint32(word, state)
  }
  return new Uint8Array(out.buffer)
}

export const layer: Layer.Layer<Digest.Digest> = Layer.succeed(Digest.Digest, {
  digest: ({ outputLength }, data) => Effect.sync(() => hash(outputLength, data)),
  digestHex: ({ outputLength }, data) => Effect.sync(() => Hex.encode(hash(outputLength, data)))
})
