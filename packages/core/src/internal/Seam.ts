/**
 * Where the continuation of a text joins what was delivered of it. A model that goes on may say the end of it once more, or
 * all of it from its beginning: what was delivered is dropped, so that the two together are one text. What cannot be
 * joined is told, never glued. Pure.
 *
 * How a continuation may begin depends on how it was asked for:
 *
 * - `prefill`: with what follows. Some hosts take the beginning they are given for a turn of the past, and answer anew.
 * - `instruction`: with the last words, which it was told to repeat, or with the answer from its beginning. Without either
 *   nobody could tell whether a blank belongs in between, or whether it is a continuation at all.
 */
export type Form = "prefill" | "instruction"

export interface Seam {
  readonly form: Form
  /** What was delivered, without the blanks it ends with. */
  readonly body: string
  /** Those blanks: a model may make them again, or not. */
  readonly blanks: string
  /** What came of the continuation while it was not clear where it joins. */
  readonly held: string
  /** Where in the body the continuation may have begun, in order. `undefined`: it has joined. */
  readonly starts: ReadonlyArray<number> | undefined
}

/** The next piece of the text, which may be empty; or `undefined` where the continuation does not fit. */
type Joined = string | undefined

/** Begins a seam behind what was delivered. */
export const begin = (delivered: string, form: Form): Seam => {
  const body = delivered.trimEnd()
  const blanks = delivered.slice(body.length)
  return { form, body, blanks, held: "", starts: startsOf(body, form) }
}

/** Takes a piece of the continuation. */
export const push = (seam: Seam, piece: string): readonly [Seam, Joined] => {
  if (seam.starts === undefined) return [seam, piece]
  return join({ ...seam, held: seam.held + piece }, seam.starts, false)
}

/** Takes its end. */
export const end = (seam: Seam): readonly [Seam, Joined] =>
  seam.starts === undefined ? [seam, ""] : join(seam, seam.starts, true)

/** The words that a model is told to repeat: a few whole ones at the end of the text, long enough to be told apart. */
export const lastWords = (delivered: string): string => delivered.trimEnd().slice(anchorOf(delivered.trimEnd()))

/** As many words, and as many characters, make an anchor. */
const anchorWords = 5
const anchorLength = 24

const anchorOf = (body: string): number => {
  let words = 0
  for (let at = body.length - 1; at > 0; at--) {
    if (!isBoundary(body, at)) continue
    words += 1
    if (words >= anchorWords && body.length - at >= anchorLength) return at
  }
  return 0
}

/** How far behind its beginning a repeated end may begin, in characters. */
const reach = 4000
/** So much has to be the same before an answer is taken for the old one told anew, in another way. */
const sameStart = 40

const startsOf = (body: string, form: Form): ReadonlyArray<number> => {
  const first = body.length - body.trimStart().length
  if (form === "prefill") return [first]
  const anchor = anchorOf(body)
  const starts = [first]
  for (let at = Math.max(first + 1, body.length - reach); at < body.length; at++) {
    // Behind the anchor only whole words with letters in them count: digits, brackets and marks repeat by themselves.
    if (at <= anchor || (isBoundary(body, at) && /\p{L}{2}/u.test(body.slice(at)))) starts.push(at)
  }
  return starts
}

/** Whether a word may begin here. */
const isBoundary = (text: string, at: number): boolean =>
  !/\s/u.test(text.charAt(at)) && !(isWord(text.charAt(at - 1)) && isWord(text.charAt(at)))
const isWord = (character: string): boolean => /[\p{L}\p{N}\p{M}\p{Cs}]/u.test(character)

const join = (seam: Seam, starts: ReadonlyArray<number>, isEnd: boolean): readonly [Seam, Joined] => {
  const { blanks, body, form, held } = seam
  const said = held.slice((form === "prefill" ? /^\s*/ : /^[\s"'“”‘’«»„…]*(?:\.\.\.\s*)?/).exec(held)?.[0].length)
  if (said === "" && !isEnd) return [seam, ""]

  const possible = starts.filter((at) => body.startsWith(said, at) || said.startsWith(body.slice(at)))
  const isOpen = possible.some((at) => body.length - at > said.length)
  if (isOpen && !isEnd) return [{ ...seam, starts: possible }, ""]

  const start = possible.find((at) => {
    // Where blanks came behind the words that are said again, they come again.
    const next = said.charAt(body.length - at)
    return body.length - at <= said.length && (blanks === "" || next === "" || /\s/.test(next))
  })
  let rest: string
  if (start !== undefined) rest = said.slice(body.length - start)
  else if (form === "prefill" && (isEnd || sharedLength(body.trimStart(), said) < sameStart)) rest = held
  else return [seam, undefined]

  const again = sharedLength(blanks, rest)
  if (again === rest.length && again < blanks.length && !isEnd) return [{ ...seam, starts: possible }, ""]
  return [{ ...seam, held: "", starts: undefined }, rest.slice(again)]
}

const sharedLength = (a: string, b: string): number => {
  let length = 0
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length += 1
  return length
}
