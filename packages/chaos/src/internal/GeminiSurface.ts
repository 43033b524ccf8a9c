/** Gemini's paths: `models` and their methods, under `/v1` and `/v1beta`. */
import * as GeminiAnswer from "./GeminiAnswer.ts"
import * as GeminiFailure from "./GeminiFailure.ts"
import * as GeminiRequest from "./GeminiRequest.ts"
import * as Json from "./Json.ts"
import type { Reading, Request, Surface } from "./Surface.ts"
import * as Read from "./Read.ts"

const modelsPath = /^\/(?:v1|v1beta)\/models(?:\/([^/:]+)(?::(\w+))?)?$/

const read = (request: Request): Reading => {
  const path = modelsPath.exec(request.path)
  const [, name, method] = path ?? []
  const base = Read.base(request, keyOf(request))
  if (request.method === "GET" && path !== null && method === undefined) {
    return name === undefined
      ? { ...base, operation: "models", respond: GeminiAnswer.models }
      : { ...base, operation: "models", model: name, respond: () => GeminiAnswer.model(name) }
  }
  const posted =
    request.method === "POST" && name !== undefined ? methodOf(name, method, request, base.body) : undefined
  if (posted === undefined || name === undefined) {
    return { ...base, respond: Read.failing(surface, request, { _tag: "UnknownPath" }) }
  }
  const contents = Json.list(base.body, "contents")
  return {
    ...base,
    ...posted,
    model: name,
    messageCount: contents.length,
    lastRole: contents.length === 0 ? undefined : (Json.text(contents.at(-1), "role") ?? "user")
  }
}

const methodOf = (
  name: string,
  method: string | undefined,
  request: Request,
  body: unknown
): Pick<Reading, "operation" | "stream" | "respond"> | undefined => {
  const decoding = Read.decoding(surface, request, body)
  switch (method) {
    case "generateContent":
      return {
        operation: "chat",
        stream: false,
        respond: decoding(GeminiRequest.Generate, GeminiAnswer.generate(name, "whole"))
      }
    case "streamGenerateContent": {
      const stream = request.query.get("alt") === "sse"
      const delivery = stream ? "events" : "array"
      return {
        operation: "chat",
        stream,
        respond: decoding(GeminiRequest.Generate, GeminiAnswer.generate(name, delivery))
      }
    }
    case "embedContent":
      return {
        operation: "embeddings",
        stream: false,
        respond: decoding(GeminiRequest.Embed, GeminiAnswer.embed(name))
      }
    case "batchEmbedContents":
      return {
        operation: "embeddings",
        stream: false,
        respond: decoding(GeminiRequest.BatchEmbed, GeminiAnswer.batchEmbed(name))
      }
    case "countTokens":
      return {
        operation: "tokens",
        stream: false,
        respond: decoding(GeminiRequest.Count, GeminiAnswer.count)
      }
    default:
      return undefined
  }
}

const keyOf = (request: Request): string | undefined =>
  request.headers["x-goog-api-key"] ?? request.query.get("key") ?? undefined

export const surface: Surface = {
  provider: "gemini",
  basePath: "",
  defaultModels: ["emulated-chat", "emulated-embedding"],
  read,
  fail: GeminiFailure.fail,
  event: GeminiAnswer.event
}
