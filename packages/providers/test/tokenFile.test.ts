import { assert, describe, it } from "@effect/vitest"
import { Prompt } from "effect/ai"
import { Base64 } from "effect/encoding"
import * as ImageSize from "../src/internal/imageSize.ts"
import * as TokenFile from "../src/internal/tokenFile.ts"
import * as Media from "../src/tokens/media.ts"
import * as Tokens from "../src/Tokens.ts"

const bytes = (...parts: ReadonlyArray<number | string>): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : Array.from(part, (char) => char.charCodeAt(0))))
  )

const padded = (head: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(Math.max(64, head.length))
  whole.set(head)
  return whole
}

const be16 = (value: number) => [value >> 8, value & 0xff] as const
const le16 = (value: number) => [value & 0xff, value >> 8] as const

const png = (width: number, height: number) =>
  padded(bytes(0x89, "PNG\r\n", 0x1a, "\n", 0, 0, 0, 13, "IHDR", 0, 0, ...be16(width), 0, 0, ...be16(height), 8, 6))

/** With metadata of that many bytes before the frame header, and a filler byte before its marker. */
const jpeg = (width: number, height: number, metadata: number) =>
  padded(
    bytes(
      0xff,
      0xd8,
      0xff,
      0xe1,
      ...be16(metadata + 2),
      "\0".repeat(metadata),
      0xff,
      0xc4,
      0,
      3,
      0,
      0xff,
      0xff,
      0xc2,
      0,
      17,
      8,
      ...be16(height),
      ...be16(width),
      3
    )
  )

const file = (mediaType: string, data: string | Uint8Array | URL, options: Prompt.FilePart["options"] = {}) =>
  Prompt.makePart("file", { mediaType, data, options })

const claude = Media.of("claude-4.7", "claude-opus-5-5")
const gpt6 = Media.of("o200k", "gpt-6-astra")

describe("the size of an image", () => {
  it("is read from the head of every format the providers take", () => {
    assert.deepStrictEqual(ImageSize.read(png(640, 480)), { width: 640, height: 480 })
    assert.deepStrictEqual(ImageSize.read(jpeg(4032, 3024, 0)), { width: 4032, height: 3024 })
    assert.deepStrictEqual(ImageSize.read(jpeg(300, 200, 30_000)), { width: 300, height: 200 })
    assert.deepStrictEqual(ImageSize.read(padded(bytes("GIF89a", ...le16(17), ...le16(9)))), { width: 17, height: 9 })
    const webp = (chunk: string, ...rest: ReadonlyArray<number>) =>
      ImageSize.read(padded(bytes("RIFF", 0, 0, 0, 0, "WEBP", chunk, 0, 0, 0, 0, ...rest)))
    assert.deepStrictEqual(webp("VP8 ", 0, 0, 0, 0x9d, 0x01, 0x2a, ...le16(550), ...le16(368)), {
      width: 550,
      height: 368
    })
    assert.deepStrictEqual(webp("VP8L", 0x2f, 0x8f, 0xc1, 0x63, 0x00), { width: 400, height: 400 })
    assert.deepStrictEqual(webp("VP8X", 0, 0, 0, 0, 0xff, 0x0f, 0, 0xff, 0x0b, 0), { width: 4096, height: 3072 })
  })

  it("is not made up where the head does not say it", () => {
    for (const head of [
      new Uint8Array(0),
      new Uint8Array(64),
      png(0, 480),
      png(640, 480).subarray(0, 20),
      jpeg(300, 200, 30_000).subarray(0, 1000),
      padded(bytes(0xff, 0xd8, 0xff, 0xe1, 0, 0, 0xff)),
      padded(bytes("RIFF", 0, 0, 0, 0, "WAVE"))
    ]) {
      assert.isUndefined(ImageSize.read(head))
    }
  })
})

describe("an image in a prompt", () => {
  it("costs what was counted by the providers for one of its size", () => {
    const counted = (rule: Media.ImageRule, width: number, height: number) =>
      Math.ceil(TokenFile.imageTokens(rule, width, height, false))
    // Published counts, less what the same prompt takes without the image.
    for (const [width, height, gpt, anthropic] of [
      [256, 256, 77, 100],
      [512, 512, 308, 361],
      [1024, 1024, 1229, 1369],
      [1920, 1080, 2448, 2691],
      [4032, 3024, 14_364, 4784]
    ] as const) {
      assert.strictEqual(counted(gpt6.image, width, height), gpt)
      assert.strictEqual(counted(claude.image, width, height), anthropic)
    }
    assert.strictEqual(counted(Media.of("claude", "").image, 4032, 3024), 1568)
    const gpt4o = Media.of("o200k", "gpt-4o").image
    assert.strictEqual(counted(gpt4o, 1024, 1024), 765)
    assert.strictEqual(counted(gpt4o, 2048, 4096), 1105)
    assert.strictEqual(TokenFile.imageTokens(gpt4o, 4096, 8192, true), 85)
    assert.strictEqual(counted(Media.of("gemini", "gemini-2.5-pro").image, 384, 200), 258)
    assert.strictEqual(counted(Media.of("gemini", "gemini-2.5-pro").image, 1000, 700), 516)
    assert.strictEqual(counted(Media.of("gemini", "gemini-3.8-flash").image, 9000, 9000), 1120)
  })

  it("is measured in every form a prompt may hold it in", () => {
    const data = jpeg(1920, 1080, 20_000)
    const base64 = Base64.encode(data)
    for (const part of [
      file("image/jpeg", data),
      file("image/jpeg", base64),
      file("image/*", `data:image/jpeg;base64,${base64}`),
      file("image/jpeg", new URL(`data:image/jpeg;base64,${base64}`))
    ]) {
      assert.strictEqual(TokenFile.estimate(part, claude).tokens, 2691)
    }
    assert.strictEqual(TokenFile.estimate(file("image/png", png(256, 256)), claude).tokens, 100)
  })

  it("counts as one of 1024 pixels where it is elsewhere, and may then be twice that or nothing", () => {
    const { slack, tokens } = TokenFile.estimate(file("image/png", "https://example.test/a.png"), claude)
    assert.strictEqual(tokens, 1369)
    assert.strictEqual(slack, tokens)
  })

  it("is a guess for models of makers whose rules are not known", () => {
    const { slack, tokens } = TokenFile.estimate(file("image/png", png(512, 512)), Media.of("other", "llama-4"))
    assert.isAbove(tokens, 0)
    assert.strictEqual(slack, tokens)
  })

  it("costs less at low detail", () => {
    const part = (detail: string) => file("image/png", png(2000, 1500), { openai: { imageDetail: detail } })
    assert.isBelow(TokenFile.estimate(part("low"), gpt6).tokens, 300)
    assert.isAbove(TokenFile.estimate(part("high"), gpt6).tokens, 3000)
  })

  it("widens the margin of a prompt by its share of the tokens", () => {
    const target = { provider: "anthropic", model: "claude-opus-5-5" }
    const text = "word ".repeat(2000)
    const alone = Tokens.estimate(text, target)
    const both = Tokens.estimate(
      [
        {
          role: "user",
          content: [
            { type: "text", text },
            { type: "file", mediaType: "image/png", data: new URL("https://example.test/a.png") }
          ]
        }
      ],
      target
    )
    assert.strictEqual(both.tokens, alone.tokens + 1369)
    assert.approximately(both.margin, (alone.tokens * alone.margin + 1369) / both.tokens, 1e-9)
  })
})

describe("another file in a prompt", () => {
  it("goes by its bytes, and costs nothing where it is elsewhere and its kind says nothing", () => {
    const data = new Uint8Array(160_000)
    const gemini = Media.of("gemini", "gemini-3.8-flash")
    const tokens = (mediaType: string, from: string | Uint8Array | URL = data) =>
      TokenFile.estimate(file(mediaType, from), gemini).tokens
    assert.strictEqual(tokens("application/pdf"), 4 * 560)
    assert.strictEqual(tokens("application/pdf", "https://example.test/a.pdf"), 560)
    assert.strictEqual(tokens("audio/mp3"), 320)
    assert.strictEqual(tokens("video/mp4"), Math.ceil(102 * 1.28))
    assert.strictEqual(tokens("text/csv"), 40_000)
    assert.strictEqual(tokens("text/csv", "aGVsbG8="), 2)
    assert.strictEqual(tokens("text/csv", new URL("https://example.test/a.csv")), 0)
  })
})
