import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Seam from "../../src/internal/Seam.ts"

/** What comes of a continuation in pieces; `undefined` when it does not fit. */
const joined = (delivered: string, form: Seam.Form, pieces: ReadonlyArray<string>): string | undefined => {
  let seam = Seam.begin(delivered, form)
  let text = ""
  for (const step of [...pieces.map((piece) => (one: Seam.Seam) => Seam.push(one, piece)), Seam.end]) {
    const [next, piece] = step(seam)
    if (piece === undefined) return undefined
    seam = next
    text += piece
  }
  return text
}

/** The text in pieces of the given lengths, over and over. */
const cutInto = (text: string, lengths: ReadonlyArray<number>): ReadonlyArray<string> => {
  const pieces: Array<string> = []
  for (let at = 0, n = 0; at < text.length; n++) {
    const length = lengths[n % lengths.length] ?? 1
    pieces.push(text.slice(at, at + length))
    at += length
  }
  return pieces
}

const kelp = "A holdfast is the part of a kelp that grips the rock beneath it. It bends, and keeps its place."

describe("a continuation behind a beginning given as the model's own turn", () => {
  it.each([
    ["goes on at once", "A holdfast is the pa", "rt of a kelp", "rt of a kelp"],
    ["goes on with a blank", "A holdfast", " is", " is"],
    ["makes the blanks again that were left out", "A holdfast \n", " \n is", " is"],
    ["makes fewer of them", "A holdfast \n", " is", "is"],
    ["makes none of them", "A holdfast ", "is", "is"],
    ["makes others", "A holdfast ", "\nis", "\nis"],
    ["says what the end says", "no no ", "no, never", "no, never"],
    ["begins anew", "A holdfast is", "A holdfast is the part", " the part"],
    ["begins anew, with a blank in front", "A holdfast is", "\n A holdfast is the part", " the part"],
    ["begins anew behind blanks", "A holdfast ", "A holdfast is", "is"],
    ["says nothing", "A holdfast", "", ""]
  ])("%s", (_, delivered, continuation, expected) => {
    for (const lengths of [[1], [2, 5], [100]]) {
      assert.strictEqual(joined(delivered, "prefill", cutInto(continuation, lengths)), expected)
    }
  })

  it("does not fit when it tells the same beginning in another way", () => {
    const other = `${kelp.slice(0, 50)} or of another plant`
    assert.isUndefined(joined(kelp.slice(0, 80), "prefill", cutInto(other, [3])))
  })
})

describe("a continuation behind an instruction", () => {
  it.each([
    ["repeats the words it was told", kelp.slice(0, 32), `${Seam.lastWords(kelp.slice(0, 32))}${kelp.slice(32)}`],
    ["repeats fewer", kelp.slice(0, 17), `the${kelp.slice(17)}`],
    ["repeats more", kelp.slice(0, 60), kelp.slice(20)],
    ["repeats a word that was cut", kelp.slice(0, 7), kelp.slice(2)],
    ["begins anew", kelp.slice(0, 60), kelp],
    ["puts dots or quotes in front", kelp.slice(0, 32), `…"${Seam.lastWords(kelp.slice(0, 32))}${kelp.slice(32)}`],
    ["repeats the end of figures", "x = [0, 0, ", "x = [0, 0, 0, 1]", "0, 1]"]
  ])("%s", (_, delivered, continuation, expected = kelp.slice(delivered.length)) => {
    for (const lengths of [[1], [2, 5], [200]]) {
      assert.strictEqual(joined(delivered, "instruction", cutInto(continuation, lengths)), expected)
    }
  })

  it.each([
    ["goes on without a word that was delivered", kelp.slice(0, 32), kelp.slice(32)],
    ["has something to say first", kelp.slice(0, 32), `Sure! ${Seam.lastWords(kelp.slice(0, 32))}${kelp.slice(32)}`],
    ["tells it in another way", kelp.slice(0, 60), "A holdfast is an organ of the kelp."],
    ["ends before it is where the other was", kelp.slice(0, 60), kelp.slice(0, 30)],
    ["repeats figures only, which repeat by themselves", "It is 1, 1, ", "1, 1, 1"],
    ["goes on with a word where a blank was", "A ", "Another plant"],
    ["says nothing", kelp.slice(0, 60), ""]
  ])("does not fit when it %s", (_, delivered, continuation) => {
    for (const lengths of [[1], [2, 5], [200]]) {
      assert.isUndefined(joined(delivered, "instruction", cutInto(continuation, lengths)))
    }
  })

  it("is told a few whole words to repeat, and all there are when they are few", () => {
    assert.strictEqual(Seam.lastWords(`${kelp} `), "bends, and keeps its place.")
    assert.strictEqual(Seam.lastWords("A hold"), "A hold")
    assert.strictEqual(Seam.lastWords("x".repeat(100)), "x".repeat(100))
  })
})

describe("for any text, cut anywhere, continued in any pieces", () => {
  const word = Schema.Literals([
    "the",
    "kelp",
    "a",
    "rock,",
    "und",
    "füür",
    "海带",
    "2",
    "—",
    "**so**",
    "x1",
    "👩‍🚀",
    "it's",
    "if(x){"
  ])
  const gap = Schema.Literals([" ", " ", " ", " ", "\n", "\n\n", "  "])
  const Text = Schema.Array(Schema.Tuple([word, gap])).check(Schema.isMinLength(2), Schema.isMaxLength(40))
  const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
  const Lengths = Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))).check(
    Schema.isMaxLength(4)
  )
  const textOf = (words: typeof Text.Type) =>
    words
      .map(([word, gap]) => word + gap)
      .join("")
      .trimEnd()
  /** Never within a character. */
  const cutAt = (text: string, share: number) => {
    const characters = Array.from(text)
    return characters.slice(0, 1 + Math.floor(share * (characters.length - 1))).join("").length
  }
  /** Where a model begins to repeat: with a word. */
  const starts = (text: string) => [...text.matchAll(/(?<!\S)\S/gu)].map(({ index }) => index)
  const options = { arbitrary: { runs: 3000, size: 40, seed: "seam" } } as const

  it.prop(
    "what a model goes on with in its own turn is the rest, or all",
    [Text, Share, Lengths, Schema.Boolean],
    ([words, share, lengths, isAnew]) => {
      const text = textOf(words)
      const at = cutAt(text, share)
      const [delivered, rest] = [text.slice(0, at), text.slice(at)]
      // What begins as all of it did can be either, for anybody.
      if (!isAnew && rest.trimStart().startsWith(delivered.trim())) return
      const sent = delivered.trimEnd()
      assert.strictEqual(joined(delivered, "prefill", cutInto(isAnew ? text : text.slice(sent.length), lengths)), rest)
    },
    options
  )

  it.prop(
    "what a model goes on with as it was told has its last words in front, or more of them, or all",
    [Text, Share, Share, Lengths],
    ([words, share, more, lengths]) => {
      const text = textOf(words)
      const at = cutAt(text, share)
      const delivered = text.slice(0, at)
      const body = delivered.trimEnd()
      const anchor = body.length - Seam.lastWords(delivered).length
      const possible = [anchor, ...starts(text).filter((start) => start < anchor)]
      const from = possible[Math.floor(more * (possible.length - 1))] ?? anchor
      // A text that repeats itself across the cut can be joined in two ways, for anybody.
      const isTwofold = starts(text).some((start) => start < from && text.startsWith(body.slice(start), from))
      if (isTwofold) return
      assert.strictEqual(joined(delivered, "instruction", cutInto(text.slice(from), lengths)), text.slice(at))
    },
    options
  )

  it.prop(
    "what is no continuation adds nothing, or what it says: never a part of it",
    [Text, Text, Lengths, Schema.Literals(["prefill", "instruction"])],
    ([words, others, lengths, form]) => {
      const [delivered, other] = [textOf(words), textOf(others)]
      const text = joined(delivered, form, cutInto(other, lengths))
      if (text === undefined) return
      assert.isTrue(other.endsWith(text.trimStart()))
      // Whatever was dropped had been delivered.
      assert.isTrue(delivered.includes(other.slice(0, other.length - text.length).trim()))
    },
    options
  )
})
