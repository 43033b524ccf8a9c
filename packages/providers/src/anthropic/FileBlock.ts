/** A file of a prompt as a block of a message: pictures, PDF and plain text are all the API takes. */
import type * as Prompt from "effect/ai/Prompt"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as FileData from "../internal/FileData.ts"
import * as Problem from "../internal/Problem.ts"

type Source =
  | { readonly type: "base64"; readonly media_type: string; readonly data: string }
  | { readonly type: "text"; readonly media_type: "text/plain"; readonly data: string }
  | { readonly type: "url"; readonly url: string }

export type FileBlock =
  | { readonly type: "image"; readonly source: Source }
  | { readonly type: "document"; readonly source: Source; readonly title?: string | undefined }

export const encode = (part: Prompt.FilePart): Result.Result<FileBlock, Problem.Problem> => {
  const data = FileData.of(part)
  const isImage = part.mediaType.startsWith("image/")
  if (data._tag === "Url") {
    if (!isImage && part.mediaType !== "application/pdf")
      return unsupported(`a URL to a file of type ${part.mediaType}`)
    if (!data.url.startsWith("https:")) return unsupported("a file behind a URL that is not https")
    const source = { type: "url", url: data.url } as const
    return Result.succeed(isImage ? { type: "image", source } : document(part, source))
  }
  if (isImage) return image(part, data.base64, data.mediaType)
  if (data.mediaType === "application/pdf") {
    return Result.succeed(document(part, { type: "base64", media_type: data.mediaType, data: data.base64 }))
  }
  if (data.mediaType !== "text/plain") return unsupported(`a file of type ${part.mediaType}`)
  return Result.mapBoth(Base64.decodeString(data.base64), {
    onFailure: (): Problem.Problem => ({ kind: "invalid", field: "prompt", why: "a file that is not base64" }),
    onSuccess: (text) => document(part, { type: "text", media_type: "text/plain", data: text })
  })
}

const unsupported = (why: string) => Problem.unsupported("prompt", why)

const document = (part: Prompt.FilePart, source: Source): FileBlock => ({
  type: "document",
  source,
  title: part.fileName
})

const image = (part: Prompt.FilePart, data: string, mediaType: string): Result.Result<FileBlock, Problem.Problem> => {
  // The API rejects a picture that is none of the type it is said to be; the wildcard says none.
  const media_type = part.mediaType === "image/*" ? (sniff(data) ?? mediaType) : mediaType
  return imageTypes.has(media_type)
    ? Result.succeed({ type: "image", source: { type: "base64", media_type, data } })
    : unsupported(`a file of type ${media_type}`)
}

const imageTypes = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"])

/** The type by the first bytes, as they stand in base64: `FF D8 FF`, `89 PNG`, `GIF8`, `RIFF`. */
const sniff = (base64: string): string | undefined =>
  [
    ["/9j/", "image/jpeg"],
    ["iVBOR", "image/png"],
    ["R0lGOD", "image/gif"],
    ["UklGR", "image/webp"]
  ].find(([start = ""]) => base64.startsWith(start))?.[1]
