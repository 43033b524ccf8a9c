/** Lanes to a model of Claude on a host in memory, and events as the Messages API sends them. */
import type { Lane, TextModel } from "@holdfast/core"
import { Effect, Redacted, Stream } from "effect"
import type { HttpClient } from "effect/http"
import { Anthropic } from "../../src/index.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { canary, hello } from "../requests.ts"

export type Options = Omit<Anthropic.Options, "apiKey"> & { readonly model?: string }

export const lane = ({ model = "model-x", ...rest }: Options = {}): Effect.Effect<
  Lane.Lane,
  never,
  HttpClient.HttpClient
> => Effect.orDie(Anthropic.lane(model, { apiKey: Redacted.make(canary), baseUrl: "http://host.test", ...rest }))

export const laneTo = (host: MemoryHost.MemoryHost, options?: Options): Effect.Effect<Lane.Lane> =>
  Effect.provide(lane(options), host.layer)

/** Sends a request to a host that answers with nonsense; the body that was sent, and the failure. */
export const sentBody = (request: TextModel.Request, options?: Options) =>
  Effect.gen(function* () {
    const host = MemoryHost.make({ body: {} })
    const lane = yield* laneTo(host, options)
    const failure = yield* Effect.flip(lane.text!.generate(request))
    return { body: host.sent[0]?.body, failure, requests: host.sent.length }
  })

export const generate = (reply: MemoryHost.Reply, options?: Options) =>
  Effect.flatMap(laneTo(MemoryHost.make(reply), options), (lane) => lane.text!.generate(hello))

export const stream = (reply: MemoryHost.Reply, options?: Options) =>
  Stream.unwrap(Effect.map(laneTo(MemoryHost.make(reply), options), (lane) => lane.text!.stream(hello)))

/** Named server-sent events, as the API frames them. */
export const events = (...values: ReadonlyArray<{ readonly type: string }>): string =>
  values.map((value) => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`).join("")

export const messageStart = (usage: object = { input_tokens: 20, output_tokens: 1 }) => ({
  type: "message_start",
  message: {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-5-5",
    content: [],
    stop_reason: null,
    usage
  }
})
export const blockStart = (index: number, content_block: object) => ({
  type: "content_block_start",
  index,
  content_block
})
export const delta = (index: number, delta: object) => ({ type: "content_block_delta", index, delta })
export const text = (index: number, text: string) => delta(index, { type: "text_delta", text })
export const json = (index: number, partial_json: string) => delta(index, { type: "input_json_delta", partial_json })
export const blockStop = (index: number) => ({ type: "content_block_stop", index })
export const messageDelta = (stop_reason: string, usage: object = { output_tokens: 30 }) => ({
  type: "message_delta",
  delta: { stop_reason, stop_sequence: null },
  usage
})
export const messageStop = { type: "message_stop" }
export const ping = { type: "ping" }
