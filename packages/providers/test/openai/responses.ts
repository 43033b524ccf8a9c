/** Lanes that ask for responses, to a host in memory. */
import type { TextModel } from "@holdfast/core"
import { Effect, Redacted, Stream } from "effect"
import { OpenAi } from "../../src/index.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { canary, hello } from "../requests.ts"

type Options = Omit<OpenAi.Options, "api" | "apiKey"> & { readonly model?: string }

export const laneTo = (host: MemoryHost.MemoryHost, { model = "gpt-5.4", ...options }: Options = {}) =>
  OpenAi.lane(model, {
    api: "responses",
    apiKey: Redacted.make(canary),
    baseUrl: "http://host.test",
    ...options
  }).pipe(Effect.provide(host.layer), Effect.orDie)

/** Sends a request; the body that was sent, and the failure that a host without an answer is. */
export const sent = (request: TextModel.Request, options?: Options) =>
  Effect.gen(function* () {
    const host = MemoryHost.make({ body: {} })
    const lane = yield* laneTo(host, options)
    const failure = yield* Effect.flip(lane.text!.generate(request))
    return { body: host.sent[0]?.body, failure, requests: host.sent.length, url: host.sent[0]?.url }
  })

export const generate = (reply: MemoryHost.Reply, options?: Options) =>
  Effect.flatMap(laneTo(MemoryHost.make(reply), options), (lane) => lane.text!.generate(hello))

export const stream = (reply: MemoryHost.Reply, options?: Options) =>
  Stream.unwrap(Effect.map(laneTo(MemoryHost.make(reply), options), (lane) => lane.text!.stream(hello)))

/** Events as the API frames them: each under its type, and numbered. */
export const events = (
  ...values: ReadonlyArray<{ readonly type: string; readonly [field: string]: unknown }>
): string =>
  values
    .map((value, sequence_number) => `event: ${value.type}\ndata: ${JSON.stringify({ ...value, sequence_number })}\n\n`)
    .join("")
