/** The tokens of a text by tokenx, with the rates of a family for what tokenx has no rule for. */
import { estimateTokenCount, type LanguageConfig } from "tokenx"
import type { Family, Rates } from "../tokens/families.ts"

/** Checked in this order: the first that a word matches prices the whole of it. */
const patterns: ReadonlyArray<readonly [keyof Rates, RegExp]> = [
  ["dense", /^(?=\D*\d)(?=.*[A-Za-z])[A-Za-z\d]{4,}$|^[A-Za-z\d]{24,}$/],
  ["digits", /^\d+$/],
  ["cyrillic", /[\u0400-\u052F]/],
  ["greek", /[\u0370-\u03FF]/],
  ["semitic", /[\u0590-\u07FF]/],
  ["indic", /[\u0900-\u0DFF]/],
  ["southeastAsian", /[\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF]/],
  ["rare", /[\u0530-\u058F\u10A0-\u10FF\u1200-\u139F]/],
  ["vietnamese", /[\u1EA0-\u1EFF]/],
  ["hangul", /[\uAC00-\uD7AF]/],
  ["kana", /[\u3040-\u30FF]/],
  ["hanzi", /[\u3400-\u9FFF]/],
  ["latinExtended", /[\u0100-\u024F]/],
  ["latinAccented", /[\u00C0-\u00FF]/],
  ["foreign", /^[A-Za-z]{4,}$/]
]

type Rules = { readonly [Kind in "plain" | "scripts" | "foreign"]: Array<LanguageConfig> }

/** The rules of a family: for ASCII, for any script, and for any script where Latin words are not English. */
const rulesOf = ({ rates, scale }: Family): Rules => {
  const rules = patterns.flatMap(([script, pattern]) => {
    const rate = rates[script]
    return rate === undefined ? [] : [{ script, rule: { pattern, averageCharsPerToken: rate * scale } }]
  })
  const only = (includes: (script: keyof Rates) => boolean) =>
    rules.filter(({ script }) => includes(script)).map(({ rule }) => rule)
  return {
    plain: only((script) => script === "dense" || script === "digits"),
    scripts: only((script) => script !== "foreign"),
    foreign: only(() => true)
  }
}

const memo = new WeakMap<Family, Rules>()

const rulesFor = (family: Family): Rules => {
  const known = memo.get(family)
  if (known !== undefined) return known
  const rules = rulesOf(family)
  memo.set(family, rules)
  return rules
}

/** Longer texts are counted by this many pieces of them, so that none takes more than a millisecond. */
const pieces = 8
const pieceLength = 1024

/**
 * Estimates the tokens of texts. Takes time in proportion to their length up to 8192 characters in all, and hardly more
 * beyond.
 */
export const estimate = (texts: ReadonlyArray<string>, family: Family): number => {
  let length = 0
  for (const text of texts) length += text.length
  if (length > pieces * pieceLength) return sample(texts.join(" "), family)
  let tokens = 0
  for (const text of texts) tokens += Math.ceil(count(text, family))
  return tokens
}

const sample = (text: string, family: Family): number => {
  const stride = (text.length - pieceLength) / (pieces - 1)
  let tokens = 0
  for (let piece = 0; piece < pieces; piece++) {
    const start = Math.floor(piece * stride)
    tokens += count(text.slice(start, start + pieceLength), family)
  }
  return Math.ceil((tokens / (pieces * pieceLength)) * text.length)
}

const count = (text: string, family: Family): number => {
  const rules = rulesFor(family)
  const languageConfigs = isForeign(text) ? rules.foreign : isAscii(text) ? rules.plain : rules.scripts
  // tokenx counts no space between words, which is right for one and not for the gaps of a table.
  const gaps = text.match(/\S {2,}(?=\S)/g)?.length ?? 0
  return family.scale * (gaps + estimateTokenCount(text, { languageConfigs }))
}

const isAscii = (text: string): boolean => !/[\u0080-\uffff]/.test(text)

/** Prose in Latin letters with hardly any of the words that no English text does without. */
const isForeign = (text: string): boolean => {
  const start = text.slice(0, 2000)
  const letters = start.match(/[A-Za-z\u00C0-\u024F\s]/g)?.length ?? 0
  if (letters < start.length * 0.93) return false
  const words = start.match(/[A-Za-z\u00C0-\u024F]+/g)?.length ?? 0
  const english = start.match(/\b(?:the|and|of|to|in|is|it|for|that|with|on|as|be|are|you)\b/gi)?.length ?? 0
  return english < words * 0.08
}
