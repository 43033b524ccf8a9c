/** The Anthropic wire format at one host. */
import * as Redacted from "effect/Redacted"
import type { Protocol } from "../internal/Protocol.ts"
import * as Settings from "../internal/Settings.ts"
import * as MessageAnswer from "./MessageAnswer.ts"
import { MessageEvents } from "./MessageEvents.ts"
import * as MessagesRequest from "./MessagesRequest.ts"

/** Throws a `RangeError` if the base URL is none. */
export const makeUnsafe = (baseUrl: string, target: MessagesRequest.Target): Protocol => {
  const url = `${Settings.baseUrlUnsafe(baseUrl)}/v1`
  return {
    format: "anthropic",
    text: {
      url: `${url}/messages`,
      streamUrl: `${url}/messages`,
      encode: (request, isStream) => MessagesRequest.encode(request, target, isStream),
      readWhole: MessageAnswer.readWhole,
      eventReader: () => {
        const events = new MessageEvents()
        return (data, event) => events.read(data, event)
      }
    },
    modelsUrl: `${url}/models`
  }
}

export const headers = (
  key: Redacted.Redacted,
  auth: "bearer" | "x-api-key",
  version: string
): Redacted.Redacted<{ readonly [name: string]: string }> => {
  const value = Redacted.value(key)
  return Redacted.make({
    "anthropic-version": version,
    ...(auth === "bearer" ? { authorization: `Bearer ${value}` } : { "x-api-key": value })
  })
}
