/** The OpenAI wire format at one host, with chat completions or responses for text. */
import * as Redacted from "effect/Redacted"
import type { Protocol } from "../internal/Protocol.ts"
import * as Settings from "../internal/Settings.ts"
import * as ChatAnswer from "./ChatAnswer.ts"
import * as ChatRequest from "./ChatRequest.ts"
import type { Dialect } from "./Dialect.ts"
import * as Embeddings from "./Embeddings.ts"
import * as ResponsesAnswer from "./ResponsesAnswer.ts"
import * as ResponsesEvents from "./ResponsesEvents.ts"
import * as ResponsesRequest from "./ResponsesRequest.ts"

/** Throws a `RangeError` if the base URL is none. Texts come as responses where their settings are given. */
export const makeUnsafe = (
  baseUrl: string,
  model: string,
  dialect: Dialect,
  responses?: ResponsesRequest.Settings
): Protocol => {
  const url = Settings.baseUrlUnsafe(baseUrl)
  return {
    format: "openai",
    text: responses === undefined ? chat(url, model, dialect) : response(url, model, responses),
    embed: {
      url: `${url}/embeddings`,
      encode: (request) => Embeddings.encode(request, { model, dialect }),
      read: Embeddings.read
    },
    modelsUrl: `${url}/models`
  }
}

const chat = (url: string, model: string, dialect: Dialect): Protocol["text"] => ({
  url: `${url}/chat/completions`,
  streamUrl: `${url}/chat/completions`,
  encode: (request, isStream) => ChatRequest.encode(request, { model, dialect, isStream }),
  readWhole: ChatAnswer.readWhole,
  eventReader: () => ChatAnswer.readChunk
})

const response = (url: string, model: string, settings: ResponsesRequest.Settings): Protocol["text"] => ({
  url: `${url}/responses`,
  streamUrl: `${url}/responses`,
  encode: (request, isStream) => ResponsesRequest.encode(request, { model, settings, isStream }),
  readWhole: ResponsesAnswer.readWhole(settings.lane),
  eventReader: () => ResponsesEvents.reader(settings.lane)
})

export const headers = (
  key: Redacted.Redacted | undefined,
  others: { readonly [name: string]: string | undefined }
): Redacted.Redacted<{ readonly [name: string]: string }> => {
  const headers: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(others)) if (value !== undefined) headers[name] = value
  if (key !== undefined) headers["authorization"] = `Bearer ${Redacted.value(key)}`
  return Redacted.make(headers)
}
