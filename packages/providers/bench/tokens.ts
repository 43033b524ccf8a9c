/**
 * What a pre-check of tokens costs per request beside counting exactly, on this repository's own sources and documents.
 * Run it with `node packages/providers/bench/tokens.ts`.
 *
 * The exact tokenizer remembers the words it has merged, so the second sight of a text is much cheaper than the first;
 * prompts are somewhere between. `estimate` remembers nothing and costs the same each time.
 */
import { readFileSync, globSync } from "node:fs"
import * as Prompt from "effect/ai/Prompt"
import * as TokenIds from "../src/internal/tokenIds.ts"
import * as Tokens from "../src/Tokens.ts"

const importing = process.hrtime.bigint()
await import("gpt-tokenizer/encoding/o200k_base")
const loaded = Number(process.hrtime.bigint() - importing) / 1e6
const encoder = await TokenIds.load("o200k_base")

const root = new URL("../../../", import.meta.url).pathname
const read = (pattern: string): string =>
  globSync(pattern, { cwd: root })
    .toSorted()
    .map((path) => readFileSync(root + path, "utf8"))
    .join("\n")
const corpora: ReadonlyArray<readonly [string, string]> = [
  ["code", read("packages/*/src/**/*.ts")],
  ["prose", read("docs/**/*.md") + read("*.md")],
  ["many languages", read("packages/providers/test/tokens/*.ts")]
]

/** Slices of a length that lie apart in a corpus, as many as fit, at most 64. */
const slices = (text: string, length: number): ReadonlyArray<string> => {
  const most = Math.max(1, Math.min(64, Math.floor(text.length / length)))
  const stride = Math.max(1, Math.floor((text.length - length) / most))
  return Array.from({ length: most }, (_, index) => text.slice(index * stride, index * stride + length))
}

const millisPer = (texts: ReadonlyArray<string>, count: (text: string) => unknown): number => {
  const start = process.hrtime.bigint()
  for (const text of texts) count(text)
  return Number(process.hrtime.bigint() - start) / 1e6 / texts.length
}

const median = (measure: () => number): number =>
  Array.from({ length: 9 }, measure).toSorted((a, b) => a - b)[4] ?? Number.NaN

const target = { provider: "openai", model: "gpt-5.4" }
const estimate = (text: string) => Tokens.estimate(text, target)
const lines = [
  `tables of the exact tokenizer: ${loaded.toFixed(0)} ms to load`,
  "text             characters    estimate   exact, first sight   exact, again   ratio first   ratio again"
]
for (const [name, text] of corpora) {
  for (const length of [1000, 4000, 16_000, 64_000, 256_000]) {
    if (text.length < length) continue
    const texts = slices(text, length)
    const first = millisPer(texts, encoder.encode)
    const again = median(() => millisPer(texts, encoder.encode))
    millisPer(texts, estimate)
    const cheap = median(() => millisPer(texts, estimate))
    const cells = [
      name.padEnd(16),
      String(length).padStart(10),
      `${cheap.toFixed(3)} ms`.padStart(11),
      `${first.toFixed(3)} ms`.padStart(20),
      `${again.toFixed(3)} ms`.padStart(14),
      (first / cheap).toFixed(1).padStart(13),
      (again / cheap).toFixed(1).padStart(13)
    ]
    lines.push(cells.join(" "))
  }
}
const turns = slices(corpora[0]?.[1] ?? "", 2000)
const chat = Prompt.make(turns.map((content) => ({ role: "user" as const, content })))
const cheap = median(() => millisPer(["all"], () => Tokens.estimate(chat, target)))
const exact = median(() => millisPer(turns, encoder.encode)) * turns.length
lines.push(
  `a chat of ${turns.length} messages of 2000 characters: ${cheap.toFixed(3)} ms estimated, ${exact.toFixed(1)} ms exact, ratio ${(exact / cheap).toFixed(0)}`
)
process.stdout.write(`${lines.join("\n")}\n`)
