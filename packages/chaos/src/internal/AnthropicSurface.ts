/** Anthropic's paths: messages, their token counts and models under `/v1`. */
import * as AnthropicAnswer from "./AnthropicAnswer.ts"
import * as AnthropicChecks from "./AnthropicChecks.ts"
import * as AnthropicFailure from "./AnthropicFailure.ts"
import * as AnthropicRequest from "./AnthropicRequest.ts"
import * as Json from "./Json.ts"
import * as Read from "./Read.ts"
import type { Reading, Request, Surface } from "./Surface.ts"

const modelPath = /^GET \/v1\/models\/(.+)$/

const read = (request: Request): Reading => {
  const route = `${request.method} ${request.path}`
  const base = Read.base(request, keyOf(request))
  const decoding = Read.decoding(surface, request, base.body)
  const model = Json.text(base.body, "model")
  const messages = Json.list(base.body, "messages")
  const asked = { model, messageCount: messages.length, lastRole: Json.text(messages.at(-1), "role") }
  switch (route) {
    case "POST /v1/messages":
      return {
        ...base,
        ...asked,
        operation: "chat",
        stream: Json.field(base.body, "stream") === true,
        respond: versioned(request, (version) =>
          decoding(AnthropicRequest.Create, (create, occasion) => {
            const message = AnthropicChecks.objection(create, version)
            return message === undefined
              ? AnthropicAnswer.create(create, occasion)
              : invalid(request, message)(occasion)
          })
        )
      }
    case "POST /v1/messages/count_tokens":
      return {
        ...base,
        ...asked,
        operation: "tokens",
        respond: versioned(request, () => decoding(AnthropicRequest.Count, AnthropicAnswer.count))
      }
    case "GET /v1/models":
      return { ...base, operation: "models", respond: versioned(request, () => AnthropicAnswer.models) }
  }
  const name = modelPath.exec(route)?.[1]
  if (name === undefined) return { ...base, respond: Read.failing(surface, request, { _tag: "UnknownPath" }) }
  return {
    ...base,
    operation: "models",
    model: name,
    respond: versioned(request, () => (occasion) => AnthropicAnswer.model(name, occasion))
  }
}

const versions = new Set(["2023-06-01", "2026-10-21"])

/** Every request must say which version of the API it speaks. */
const versioned = (request: Request, respond: (version: string) => Reading["respond"]): Reading["respond"] => {
  const version = request.headers["anthropic-version"]
  if (version === undefined) return invalid(request, "anthropic-version: header is required")
  return versions.has(version)
    ? respond(version)
    : invalid(request, `anthropic-version: "${version}" is not a valid version`)
}

const invalid = (request: Request, message: string): Reading["respond"] =>
  Read.failing(surface, request, { _tag: "Unreadable", message, param: undefined })

/** Of two keys the older header counts. */
const keyOf = (request: Request): string | undefined =>
  request.headers["x-api-key"] ?? /^Bearer\s+(\S+)$/i.exec(request.headers["authorization"] ?? "")?.[1]

export const surface: Surface = {
  provider: "anthropic",
  basePath: "",
  defaultModels: ["emulated-chat", "emulated-chat-small"],
  read,
  fail: AnthropicFailure.fail,
  event: AnthropicAnswer.event
}
