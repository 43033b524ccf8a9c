/** The data of a file in a prompt: where it is, or its bytes in base64. */
import type * as Prompt from "effect/ai/Prompt"
import * as Base64 from "effect/encoding/Base64"

export type FileData =
  | { readonly _tag: "Url"; readonly url: string }
  | { readonly _tag: "Base64"; readonly base64: string; readonly mediaType: string }

export const of = (part: Prompt.FilePart): FileData => {
  // The wildcard names no type; every provider takes JPEG, and reads the real type from the bytes.
  const mediaType = part.mediaType === "image/*" ? "image/jpeg" : part.mediaType
  if (part.data instanceof Uint8Array) return { _tag: "Base64", base64: Base64.encode(part.data), mediaType }
  const text = part.data instanceof URL ? part.data.href : part.data
  const inline = /^data:([^;,]+)(?:;[^,]*)?;base64,(.*)$/s.exec(text)
  if (inline?.[1] !== undefined && inline[2] !== undefined) {
    return { _tag: "Base64", base64: inline[2], mediaType: inline[1] }
  }
  return part.data instanceof URL || /^[a-z][a-z0-9+.-]*:/i.test(text)
    ? { _tag: "Url", url: text }
    : { _tag: "Base64", base64: text, mediaType }
}
