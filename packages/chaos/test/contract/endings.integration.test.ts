import type Anthropic from "@anthropic-ai/sdk"
import { NodeHttpClient } from "@effect/platform-node"
import { BlockedReason, FinishReason } from "@google/genai"
import { assert, describe, it } from "@effect/vitest"
import type { Failure } from "@holdfast/core"
import { Effect, Stream } from "effect"
import type { Response } from "effect/ai"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type OpenAI from "openai"
import { ask } from "./Scene.ts"
import { type Subject, subjects } from "./Subject.ts"

/** How an answer ends for the caller: the reason it finishes with, or the class it fails with. */
type Ending = Response.FinishReason | Failure.Class

/** What the SDKs' own types list; leaving one out does not compile. */
const geminiEndings: { readonly [Reason in FinishReason]: Ending } = {
  [FinishReason.FINISH_REASON_UNSPECIFIED]: "other",
  [FinishReason.STOP]: "stop",
  [FinishReason.MAX_TOKENS]: "length",
  [FinishReason.CONTINUATION]: "pause",
  [FinishReason.SAFETY]: "ContentPolicy",
  [FinishReason.RECITATION]: "ContentPolicy",
  [FinishReason.BLOCKLIST]: "ContentPolicy",
  [FinishReason.PROHIBITED_CONTENT]: "ContentPolicy",
  [FinishReason.SPII]: "ContentPolicy",
  [FinishReason.IMAGE_SAFETY]: "ContentPolicy",
  [FinishReason.IMAGE_PROHIBITED_CONTENT]: "ContentPolicy",
  [FinishReason.IMAGE_RECITATION]: "ContentPolicy",
  [FinishReason.LANGUAGE]: "InvalidResponse",
  [FinishReason.OTHER]: "InvalidResponse",
  [FinishReason.MALFORMED_FUNCTION_CALL]: "InvalidResponse",
  [FinishReason.UNEXPECTED_TOOL_CALL]: "InvalidResponse",
  [FinishReason.TOO_MANY_TOOL_CALLS]: "InvalidResponse",
  [FinishReason.MALFORMED_RESPONSE]: "InvalidResponse",
  [FinishReason.NO_IMAGE]: "InvalidResponse",
  [FinishReason.IMAGE_OTHER]: "InvalidResponse"
}

const anthropicEndings: { readonly [Reason in Anthropic.StopReason]: Ending } = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tool-calls",
  pause_turn: "pause",
  refusal: "ContentPolicy"
}

const chatEndings: { readonly [Reason in OpenAI.ChatCompletion.Choice["finish_reason"]]: Ending } = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "ContentPolicy"
}

type Incomplete = NonNullable<OpenAI.Responses.Response.IncompleteDetails["reason"]>

const incompleteEndings: { readonly [Reason in Incomplete]: Ending } = {
  max_output_tokens: "length",
  max_messages: "other",
  steered: "other",
  content_filter: "ContentPolicy"
}

const errorEndings: { readonly [Code in OpenAI.Responses.ResponseError["code"]]: Ending } = {
  server_error: "ServiceUnavailable",
  vector_store_timeout: "Timeout",
  rate_limit_exceeded: "RateLimit",
  data_residency_mismatch: "PermissionDenied",
  // The prompt was flagged.
  invalid_prompt: "ContentPolicy",
  bio_policy: "ContentPolicy",
  misalignment_policy_violation: "ContentPolicy",
  image_content_policy_violation: "ContentPolicy",
  invalid_image: "InvalidRequest",
  invalid_image_format: "InvalidRequest",
  invalid_base64_image: "InvalidRequest",
  invalid_image_url: "InvalidRequest",
  invalid_image_mode: "InvalidRequest",
  image_too_large: "InvalidRequest",
  image_too_small: "InvalidRequest",
  image_parse_error: "InvalidRequest",
  image_file_too_large: "InvalidRequest",
  image_file_not_found: "InvalidRequest",
  unsupported_image_media_type: "InvalidRequest",
  empty_image_file: "InvalidRequest",
  failed_to_download_image: "InvalidRequest"
}

interface Answer {
  readonly whole: object
  readonly events: ReadonlyArray<object>
}

/** Answers as JSON or in events, as the request asks. */
const serving = ({ events, whole }: Answer) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>>((resume) => {
      const server = createServer((request, response) => {
        const isStream = request.headers.accept === "text/event-stream"
        const type = isStream ? "text/event-stream" : "application/json"
        const body = isStream
          ? events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")
          : JSON.stringify(whole)
        request.resume().on("end", () => response.writeHead(200, { "content-type": type }).end(body))
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

const ends = (what: string, subject: Subject, answer: Answer, ending: Ending) =>
  it.live(`${what}: ${ending}, whole and streamed`, () =>
    Effect.gen(function* () {
      const { text } = yield* subject.lane(yield* serving(answer))
      for (const call of [text!.generate(ask), Stream.runCollect(text!.stream(ask))]) {
        const result = yield* Effect.result(call as Effect.Effect<ReadonlyArray<Response.PartEncoded>, Failure.Failure>)
        if (result._tag === "Failure") assert.strictEqual(result.failure._tag, ending, result.failure.rule)
        else {
          const last = result.success.at(-1)
          assert.strictEqual(last?.type === "finish" ? last.reason : undefined, ending)
        }
      }
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

const said = "A holdfast"

describe("Gemini ends an answer with", () => {
  for (const [finishReason, ending] of Object.entries(geminiEndings)) {
    const body = { candidates: [{ content: { role: "model", parts: [{ text: said }] }, finishReason }] }
    ends(finishReason, subjects.v1beta, { whole: body, events: [body] }, ending)
  }
})

describe("Gemini blocks a prompt for", () => {
  for (const blockReason of Object.values(BlockedReason)) {
    const body = { promptFeedback: { blockReason } }
    ends(blockReason, subjects.v1beta, { whole: body, events: [body] }, "ContentPolicy")
  }
})

describe("Anthropic ends an answer with", () => {
  for (const [stop_reason, ending] of Object.entries(anthropicEndings)) {
    const base = { id: "msg_1", type: "message", role: "assistant", model: "m", usage: { input_tokens: 1 } }
    const block = { type: "text", text: said }
    ends(
      stop_reason,
      subjects.bearer,
      {
        whole: { ...base, content: [block], stop_reason },
        events: [
          { type: "message_start", message: { ...base, content: [], stop_reason: null } },
          { type: "content_block_start", index: 0, content_block: { ...block, text: "" } },
          { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: said } },
          { type: "content_block_stop", index: 0 },
          { type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 2 } },
          { type: "message_stop" }
        ]
      },
      ending
    )
  }
})

describe("OpenAI ends a chat completion with", () => {
  for (const [finish_reason, ending] of Object.entries(chatEndings)) {
    const choice = (content: object) => ({ id: "c", model: "m", choices: [{ index: 0, finish_reason, ...content }] })
    const message = { role: "assistant", content: said }
    ends(finish_reason, subjects.chat, { whole: choice({ message }), events: [choice({ delta: message })] }, ending)
  }
})

const response = (status: string, more: object) => {
  const item = { id: "msg_1", type: "message", role: "assistant", content: [{ type: "output_text", text: said }] }
  const response = { id: "resp_1", object: "response", model: "m", status, output: [item], ...more }
  return {
    whole: response,
    events: [
      { type: "response.created", response: { id: "resp_1", model: "m", status: "in_progress" } },
      { type: "response.output_item.done", output_index: 0, item },
      { type: `response.${status}`, response }
    ]
  }
}

describe("OpenAI leaves a response incomplete for", () => {
  for (const [reason, ending] of Object.entries(incompleteEndings)) {
    ends(reason, subjects.responses, response("incomplete", { incomplete_details: { reason } }), ending)
  }
})

describe("OpenAI fails a response with", () => {
  for (const [code, ending] of Object.entries(errorEndings)) {
    const error = { code, message: "The response could not be made." }
    ends(code, subjects.responses, response("failed", { error }), ending)
  }
})
