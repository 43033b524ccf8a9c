/** A key that looks like none, so that nothing but knowing it takes it out, with characters that texts write otherwise. */
import { assert } from "@effect/vitest"

export const canary = 'kelp/canary+of"the-rock='

/** As it is, in JSON, in a URL, and in the header that carries it. */
const writings = [
  canary,
  JSON.stringify(canary).slice(1, -1),
  encodeURIComponent(canary),
  Buffer.from(canary).toString("base64").replaceAll("=", "")
]

export const assertNoCanary = (text: string): void => {
  for (const writing of writings) {
    const at = text.indexOf(writing)
    assert.strictEqual(at, -1, at < 0 ? "" : `it says …${text.slice(Math.max(0, at - 120), at + 60)}…`)
  }
}
