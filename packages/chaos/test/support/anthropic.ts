/** The official SDK of Anthropic and bare requests, pointed at an emulator. */
import Anthropic from "@anthropic-ai/sdk"
import { Effect } from "effect"
import type { Emulator } from "../../src/Emulator.ts"
import { ask } from "./raw.ts"

export const anthropic = (emulator: Emulator, apiKey = "sk-ant-test") =>
  new Anthropic({ baseURL: emulator.url, apiKey, maxRetries: 0, logLevel: "off" })

export const model = "claude-x"

export const question = "What holds a kelp to its rock?"

export const messages = [{ role: "user" as const, content: question }]

export const asking = { model, max_tokens: 1000, messages }

/** One message request by hand, with the headers of before unless told otherwise. */
export const post = (
  emulator: Emulator,
  body: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = { "x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01" }
) => ask(emulator, { path: "/v1/messages", body: { ...asking, ...body }, headers })

/** The error of a rejected request. */
export const errorOf = (
  emulator: Emulator,
  body: Readonly<Record<string, unknown>>,
  headers?: Readonly<Record<string, string>>
) =>
  Effect.map(post(emulator, body, headers), (seen): { readonly status: number; readonly message: string } => ({
    status: seen.status ?? 0,
    message: JSON.parse(seen.body).error?.message ?? ""
  }))

export const textOf = (content: ReadonlyArray<Anthropic.ContentBlock>) =>
  content.map((block) => (block.type === "text" ? block.text : "")).join("")

export const streamedText = (events: ReadonlyArray<Anthropic.MessageStreamEvent>) =>
  events
    .map((event) => (event.type === "content_block_delta" && event.delta.type === "text_delta" ? event.delta.text : ""))
    .join("")
