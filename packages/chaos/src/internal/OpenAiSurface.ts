/** OpenAI's paths: chat completions, responses, embeddings and models under `/v1`. */
import * as Json from "./Json.ts"
import * as OpenAiAnswer from "./OpenAiAnswer.ts"
import * as OpenAiFailure from "./OpenAiFailure.ts"
import * as OpenAiRequest from "./OpenAiRequest.ts"
import * as OpenAiResponsesAnswer from "./OpenAiResponsesAnswer.ts"
import * as OpenAiResponsesRequest from "./OpenAiResponsesRequest.ts"
import * as Read from "./Read.ts"
import type { Reading, Request, Surface } from "./Surface.ts"

const modelPath = /^GET \/v1\/models\/(.+)$/

const read = (request: Request): Reading => {
  const route = `${request.method} ${request.path}`
  const base = Read.base(request, keyOf(request))
  const decoding = Read.decoding(surface, request, base.body)
  const model = Json.text(base.body, "model")
  switch (route) {
    case "POST /v1/chat/completions": {
      const messages = Json.list(base.body, "messages")
      return {
        ...base,
        operation: "chat",
        model,
        stream: Json.field(base.body, "stream") === true,
        messageCount: messages.length,
        lastRole: Json.text(messages.at(-1), "role"),
        respond: decoding(OpenAiRequest.Chat, OpenAiAnswer.chat)
      }
    }
    case "POST /v1/responses": {
      const { count, lastRole } = OpenAiResponsesRequest.history(base.body)
      return {
        ...base,
        operation: "chat",
        model,
        stream: Json.field(base.body, "stream") === true,
        messageCount: count,
        lastRole,
        respond: decoding(OpenAiResponsesRequest.Create, OpenAiResponsesAnswer.create)
      }
    }
    case "POST /v1/embeddings":
      return {
        ...base,
        operation: "embeddings",
        model,
        respond: decoding(OpenAiRequest.Embeddings, OpenAiAnswer.embeddings)
      }
    case "GET /v1/models":
      return { ...base, operation: "models", respond: OpenAiAnswer.models }
  }
  const name = modelPath.exec(route)?.[1]
  return name === undefined
    ? { ...base, respond: Read.failing(surface, request, { _tag: "UnknownPath" }) }
    : { ...base, operation: "models", model: name, respond: (occasion) => OpenAiAnswer.model(name, occasion) }
}

const keyOf = (request: Request): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(request.headers["authorization"] ?? "")?.[1]

export const surface: Surface = {
  provider: "openai",
  basePath: "/v1",
  defaultModels: ["emulated-chat", "emulated-embedding"],
  read,
  fail: OpenAiFailure.fail,
  event: OpenAiAnswer.event
}
