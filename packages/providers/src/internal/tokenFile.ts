/** The tokens of a file in a prompt, by the rules of `tokens/media.ts`. The file itself is not decoded. */
import type * as Prompt from "effect/ai/Prompt"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Media from "../tokens/media.ts"
import * as ImageSize from "./imageSize.ts"
import * as requestChecks from "./requestChecks.ts"

export interface Counted {
  readonly tokens: number
  /** Tokens that the count may be off by, either way. */
  readonly slack: number
}

export const estimate = (part: Prompt.FilePart, media: Media.Media): Counted => {
  const type = part.mediaType.toLowerCase()
  if (type.startsWith("image/")) return image(part, media)
  const bytes = byteLength(part)
  if (type === "application/pdf") return guess(media.pdfPage * Math.ceil((bytes ?? 1) / Media.bytesPerPdfPage))
  if (type.startsWith("audio/")) return guess((media.audioSecond * (bytes ?? 0)) / Media.bytesPerAudioSecond)
  if (type.startsWith("video/")) return guess((media.videoSecond * (bytes ?? 0)) / Media.bytesPerVideoSecond)
  return guess((bytes ?? 0) / Media.bytesPerTextToken)
}

const guess = (tokens: number): Counted => counted(tokens, Media.guessMargin)

const counted = (tokens: number, margin: number): Counted => ({
  tokens: Math.ceil(tokens),
  slack: Math.ceil(tokens) * margin
})

const image = (part: Prompt.FilePart, media: Media.Media): Counted => {
  const isLow = requestChecks.option(part.options, "openai", "imageDetail") === "low"
  const size = sizeOf(part)
  const { height, width } = size ?? { width: Media.assumedEdge, height: Media.assumedEdge }
  const known = size !== undefined || media.image._tag === "Flat"
  return counted(imageTokens(media.image, width, height, isLow), known ? media.imageMargin : Media.guessMargin)
}

/** Tokens of an image of that many pixels. */
export const imageTokens = (rule: Media.ImageRule, width: number, height: number, isLow: boolean): number => {
  switch (rule._tag) {
    case "Flat":
      return rule.tokens
    case "Crops":
      return width <= rule.small && height <= rule.small
        ? rule.tokens
        : Math.ceil(width / rule.edge) * Math.ceil(height / rule.edge) * rule.tokens
    case "Tiles": {
      if (isLow) return rule.base
      const fit = Math.min(1, 2048 / Math.max(width, height))
      const scale = fit * Math.min(1, 768 / (Math.min(width, height) * fit))
      return rule.base + rule.perTile * Math.ceil((width * scale) / 512) * Math.ceil((height * scale) / 512)
    }
    case "Patches": {
      const longer = Math.max(width, height)
      const fit = Math.min(1, Math.min(rule.maxEdge ?? longer, isLow ? 512 : longer) / longer)
      const [across, down] = [(width * fit) / rule.edge, (height * fit) / rule.edge]
      const shrink =
        Math.ceil(across) * Math.ceil(down) <= rule.maxPatches ? 1 : Math.sqrt(rule.maxPatches / (across * down))
      return Math.min(rule.maxPatches, Math.ceil(across * shrink) * Math.ceil(down * shrink)) * rule.factor
    }
  }
}

/** The bytes of the file, where it is in the prompt. */
const byteLength = ({ data }: Prompt.FilePart): number | undefined => {
  if (data instanceof Uint8Array) return data.byteLength
  const base64 = base64Of(data)
  return base64 === undefined ? undefined : Math.floor((base64.length * 3) / 4)
}

/** Base64 is four characters for three bytes: enough for the head of a PNG, and for the metadata before a JPEG's size. */
const shortHead = 64
const longHead = 64 * 1024

const sizeOf = ({ data }: Prompt.FilePart): ImageSize.Size | undefined => {
  if (data instanceof Uint8Array) return ImageSize.read(data.subarray(0, longHead))
  const base64 = base64Of(data)
  if (base64 === undefined) return undefined
  const head = decode(base64, shortHead)
  return head !== undefined && ImageSize.isJpeg(head)
    ? ImageSize.read(decode(base64, longHead) ?? head)
    : head && ImageSize.read(head)
}

const decode = (base64: string, length: number): Uint8Array | undefined =>
  Result.getOrUndefined(Base64.decode(base64.slice(0, length)))

const base64Of = (data: string | URL): string | undefined => {
  const text = typeof data === "string" ? data : data.href
  const inline = /^data:[^,]{0,256};base64,/.exec(text)
  if (inline !== null) return text.slice(inline[0].length)
  return typeof data === "string" && !/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : undefined
}
