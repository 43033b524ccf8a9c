/** The Gemini wire format at one host. */
import type { Protocol } from "../internal/Protocol.ts"
import * as Settings from "../internal/Settings.ts"
import * as Embeddings from "./Embeddings.ts"
import * as GenerateAnswer from "./GenerateAnswer.ts"
import * as GenerateRequest from "./GenerateRequest.ts"

/** Throws a `RangeError` if the base URL is none. `model` may be a bare name, or a resource such as `tunedModels/a`. */
export const makeUnsafe = (baseUrl: string, apiVersion: string, model: string): Protocol => {
  const url = `${Settings.baseUrlUnsafe(baseUrl)}/${apiVersion}`
  const resource = model.includes("/") ? model : `models/${model}`
  return {
    format: "gemini",
    text: {
      url: `${url}/${resource}:generateContent`,
      streamUrl: `${url}/${resource}:streamGenerateContent?alt=sse`,
      encode: (request) => GenerateRequest.encode(request, model),
      readWhole: GenerateAnswer.readWhole,
      eventReader: () => GenerateAnswer.readEvent
    },
    embed: {
      url: `${url}/${resource}:batchEmbedContents`,
      encode: (request) => Embeddings.encode(request, resource),
      read: Embeddings.read
    },
    modelsUrl: `${url}/models`
  }
}
