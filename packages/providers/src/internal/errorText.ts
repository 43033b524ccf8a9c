/**
 * A provider's message, made safe to match: cut to a bound, lower case, one string per sentence, with everything that
 * may come from the user (quoted parts, JSON, addresses, identifiers) replaced by `¤` and numbers by `#`. One pass.
 */

/** Characters of a message that are read for wording. */
const maxText = 2000
const maxSentences = 16
/** Characters of one sentence; no pattern reaches further. */
const maxSentence = 400
/** A colon ends a sentence only as a prefix ("Invalid prompt: your prompt was flagged"), not deep inside one. */
const maxPrefix = 60

const rate = /^[a-z]+\/(?:s|sec|second|min|minute|h|hour|day|week|month|year)$/

const quote = 34
const apostrophe = 39
const curlyApostrophe = 0x2019

const isSpace = (code: number): boolean => code <= 32 || code === 0xa0
const isDigit = (code: number): boolean => code >= 48 && code <= 57
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90)

/** Marks that make a word an identifier when they stand inside it: `_ / @ : . =` */
const isMark = (code: number): boolean =>
  code === 95 || code === 47 || code === 64 || code === 58 || code === 46 || code === 61

/** Punctuation around a word: `( [ { * • -` before it. */
const isBefore = (code: number): boolean => code === 40 || code === 91 || code === 42 || code === 45 || code === 0x2022

/** `. , : ; ! ? ) ] } ' * / =` after it. */
const isAfter = (code: number): boolean =>
  code === 46 ||
  code === 44 ||
  code === 58 ||
  code === 59 ||
  code === 33 ||
  code === 63 ||
  code === 41 ||
  code === 93 ||
  code === 125 ||
  code === apostrophe ||
  code === 42 ||
  code === 47 ||
  code === 61

/** What closes a quote that this opens, or 0. `"`, a backtick, curly quotes, guillemets, a brace, a single quote. */
const closerOf = (code: number): number => {
  switch (code) {
    case quote:
    case apostrophe:
    case 96:
      return code
    case 0x201c:
      return 0x201d
    case 0x2018:
      return curlyApostrophe
    case 0xab:
      return 0xbb
    case 123:
      return 125
    default:
      return 0
  }
}

/** Where a quote that opens at `start` ends, or -1. A single quote closes before something that is not a word. */
const closeOf = (text: string, start: number, closer: number): number => {
  for (let at = start + 1; at < text.length; at++) {
    if (text.charCodeAt(at) !== closer) continue
    if (closer !== apostrophe) return at
    const next = text.charCodeAt(at + 1)
    if (!isLetter(next) && !isDigit(next)) return at
  }
  return -1
}

/** The sentences of a message, at most 16, of at most 2000 characters altogether. */
export const sentences = (message: string): ReadonlyArray<string> => {
  const text = message.length > maxText ? message.slice(0, maxText) : message
  const found: Array<string> = []
  // Closers known not to come any more, so that stray quotes cost one look each.
  let missing: Set<number> | undefined
  let sentence = ""
  let at = 0
  while (at < text.length && found.length < maxSentences) {
    const code = text.charCodeAt(at)
    if (isSpace(code)) {
      if (code === 10 && sentence !== "") {
        found.push(sentence.slice(0, maxSentence))
        sentence = ""
      }
      at++
      continue
    }
    const closer = closerOf(code)
    if (closer !== 0) {
      const close = missing?.has(closer) === true ? -1 : closeOf(text, at, closer)
      if (close === -1) {
        missing = (missing ?? new Set()).add(closer)
        at++
      } else {
        sentence += sentence === "" ? "¤" : " ¤"
        at = close + 1
      }
      continue
    }
    // A word: everything up to the next space or opening quote, without the punctuation around it.
    let start = at
    let last = at
    while (last < text.length) {
      const next = text.charCodeAt(last)
      if (isSpace(next) || (next !== apostrophe && next !== 0x2018 && closerOf(next) !== 0)) break
      last++
    }
    at = last
    while (start < last - 1 && isBefore(text.charCodeAt(start)) && !isDigit(text.charCodeAt(start + 1))) start++
    let end = last
    while (end > start && isAfter(text.charCodeAt(end - 1))) end--
    const word = end > start ? read(text, start, end) : text.slice(start, last) === "/" ? "/" : ""
    if (word !== "") sentence += sentence === "" ? word : ` ${word}`
    if (endsSentence(text, end, last, sentence.length) && sentence !== "") {
      found.push(sentence.slice(0, maxSentence))
      sentence = ""
    }
  }
  if (sentence !== "" && found.length < maxSentences) found.push(sentence.slice(0, maxSentence))
  return found
}

const endsSentence = (text: string, from: number, to: number, length: number): boolean => {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code === 46 || code === 33 || code === 63) return true
    if (code === 58 && length <= maxPrefix) return true
  }
  return false
}

/** One word: a number, an identifier, or itself in lower case. */
const read = (text: string, start: number, end: number): string => {
  let digits = 0
  let letters = 0
  let marks = 0
  let hyphens = 0
  let curly = false
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (isLetter(code)) letters++
    else if (isDigit(code)) digits++
    else if (isMark(code)) marks++
    else if (code === 45) hyphens++
    else if (code === curlyApostrophe) curly = true
  }
  if (letters === 0 && digits > 0) {
    if (end - start === 1 && text.charCodeAt(start) === 48) return "0"
    return text.charCodeAt(start) === 45 ? "-#" : "#"
  }
  if (digits > 3 || (digits > 0 && hyphens > 0)) return "¤"
  const word = text.slice(start, end).toLowerCase()
  if (marks > 0) return rate.test(word) ? word.replace("/", " / ") : "¤"
  return curly ? word.replace("’", "'") : word
}
