/** Requests as the pipeline makes them, and lanes to a host in memory. */
import type { Lane, TextModel } from "@holdfast/core"
import { Effect, Redacted, Stream } from "effect"
import { Prompt } from "effect/ai"
import type { HttpClient } from "effect/http"
import { Gemini, OpenAi, OpenAiCompatible } from "../src/index.ts"
import * as MemoryHost from "./MemoryHost.ts"

/** Looks like a key, and must never be seen again. */
export const canary = "sk-canary-4f1d0b77a2"

export const request = (
  prompt: Prompt.RawInput,
  options: Partial<Omit<TextModel.Request, "prompt">> = {}
): TextModel.Request => ({
  prompt: Prompt.make(prompt),
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {},
  ...options
})

export const hello = request("hello")

export const weather: TextModel.Tool = {
  name: "weather",
  description: "The weather of a city",
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  strict: true
}

export const clock: TextModel.Tool = { name: "clock", parameters: { type: "object", properties: {} } }

export type Kind = "openai" | "compatible" | "gemini"

type LaneOptions = Pick<
  OpenAiCompatible.Options,
  "apiKey" | "capabilities" | "onBadEvent" | "price" | "streamUsage" | "topK"
> & {
  readonly baseUrl?: string
  readonly model?: string
}

export const lane = (
  kind: Kind,
  { baseUrl = "http://host.test", model = "model-x", ...rest }: LaneOptions = {}
): Effect.Effect<Lane.Lane, never, HttpClient.HttpClient> =>
  Effect.orDie(
    {
      openai: () => OpenAi.lane(model, { apiKey: Redacted.make(canary), baseUrl, ...rest }),
      compatible: () => OpenAiCompatible.lane({ provider: "local", model, baseUrl, ...rest }),
      gemini: () => Gemini.lane(model, { apiKey: Redacted.make(canary), baseUrl, ...rest })
    }[kind]()
  )

export const laneTo = (host: MemoryHost.MemoryHost, kind: Kind, options?: LaneOptions): Effect.Effect<Lane.Lane> =>
  Effect.provide(lane(kind, options), host.layer)

/** Sends a request to a host that answers with `reply`; the body that was sent. */
export const sentBody = (kind: Kind, request: TextModel.Request, options?: LaneOptions) =>
  Effect.gen(function* () {
    const host = MemoryHost.make({ body: {} })
    const lane = yield* laneTo(host, kind, options)
    const failure = yield* Effect.flip(lane.text!.generate(request))
    return { body: host.sent[0]?.body, failure, requests: host.sent.length }
  })

export const generate = (kind: Kind, reply: MemoryHost.Reply, asked = hello) =>
  Effect.flatMap(laneTo(MemoryHost.make(reply), kind), (lane) => lane.text!.generate(asked))

export const stream = (kind: Kind, reply: MemoryHost.Reply, options?: LaneOptions) =>
  Stream.unwrap(Effect.map(laneTo(MemoryHost.make(reply), kind, options), (lane) => lane.text!.stream(hello)))

/** The parts a stream gives out, and the failure it ends with, if it fails. */
export const collect = <A, E>(stream: Stream.Stream<A, E>) =>
  Effect.gen(function* () {
    const parts: Array<A> = []
    const failure = yield* stream.pipe(
      Stream.runForEach((part) => Effect.sync(() => void parts.push(part))),
      Effect.flip,
      Effect.orElseSucceed(() => undefined)
    )
    return { parts, failure }
  })
