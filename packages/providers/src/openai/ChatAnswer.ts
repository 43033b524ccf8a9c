/**
 * A chat completion, whole or in chunks, as pieces. The schemas ask for no more than what is needed to read the answer:
 * hosts of this wire format leave out and add a good deal.
 */
import type * as Response from "effect/ai/Response"
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"
import * as Trouble from "../internal/Trouble.ts"
import { usagePiece } from "./usage.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Message = Schema.Struct({
  /** Some hosts send a list of parts. */
  content: nullish(Schema.Union([Schema.String, Schema.Array(Schema.Struct({ text: nullish(Schema.String) }))])),
  refusal: nullish(Schema.String),
  /** Two names under which hosts show the reasoning. */
  reasoning_content: Schema.Unknown.pipe(Schema.optional),
  reasoning: Schema.Unknown.pipe(Schema.optional),
  tool_calls: nullish(
    Schema.Array(
      Schema.Struct({
        index: nullish(Schema.Finite),
        id: nullish(Schema.String),
        function: nullish(
          Schema.Struct({
            name: nullish(Schema.String),
            /** JSON text; some hosts send the object itself. */
            arguments: Schema.optional(Schema.Unknown)
          })
        )
      })
    )
  )
})

const Completion = Schema.Struct({
  id: Schema.optional(Schema.Unknown),
  model: Schema.optional(Schema.Unknown),
  created: Schema.optional(Schema.Unknown),
  choices: nullish(
    Schema.Array(
      Schema.Struct({
        index: nullish(Schema.Finite),
        message: nullish(Message),
        delta: nullish(Message),
        finish_reason: nullish(Schema.String),
        error: Schema.optional(Schema.Unknown)
      })
    )
  ),
  usage: Schema.optional(Schema.Unknown)
})
type Completion = typeof Completion.Type

const Usage = Schema.Struct({
  prompt_tokens: Schema.optional(Schema.Unknown),
  completion_tokens: Schema.optional(Schema.Unknown),
  prompt_tokens_details: nullish(
    Schema.Struct({
      cached_tokens: Schema.optional(Schema.Unknown),
      cache_write_tokens: Schema.optional(Schema.Unknown)
    })
  ),
  completion_tokens_details: nullish(Schema.Struct({ reasoning_tokens: Schema.optional(Schema.Unknown) }))
})

const decodeCompletion = Schema.decodeUnknownOption(Completion)
const decodeUsage = Schema.decodeUnknownOption(Usage)

type Pieces = Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble>

/** The pieces of a whole completion. */
export const readWhole = (body: unknown): Pieces => {
  if (isError(body)) return Result.fail(Trouble.wrongShape(body, "the answer is an error"))
  const completion = Option.getOrUndefined(decodeCompletion(body))
  const choice = completion?.choices?.[0]
  if (completion === undefined || choice?.message === undefined || choice.message === null) {
    return Result.fail(Trouble.wrongShape(body, "there is no choice with a message"))
  }
  const stop = badStop(choice, { kind: "response-200", body })
  if (stop !== undefined) return Result.fail(stop)
  const reason = finishReason(choice.finish_reason) ?? "unknown"
  return Result.succeed([...meta(completion), ...message(choice.message, true), ...usage(completion), finish(reason)])
}

/** The pieces of one chunk of a streamed completion. */
export const readChunk = (data: unknown, event: string): Pieces => {
  const evidence: Trouble.Evidence = { kind: "stream", body: data, event }
  if (isError(data)) return Result.fail({ evidence })
  const completion = Option.getOrUndefined(decodeCompletion(data))
  const hasUsage = completion?.usage !== undefined && completion.usage !== null
  if (completion === undefined || ((completion.choices ?? undefined) === undefined && !hasUsage)) {
    return Result.fail(Trouble.badEvent("an event is no chunk of a completion"))
  }
  const choice = completion.choices?.find((choice) => (choice.index ?? 0) === 0)
  if (choice === undefined) return Result.succeed([...meta(completion), ...usage(completion)])
  const stop = badStop(choice, evidence)
  if (stop !== undefined) return Result.fail(stop)
  const content = choice.delta ?? choice.message
  const reason = finishReason(choice.finish_reason)
  return Result.succeed([
    ...meta(completion),
    ...(content === undefined || content === null ? [] : message(content, false)),
    ...usage(completion),
    ...(reason === undefined ? [] : [finish(reason)])
  ])
}

/** Errors come as `{error}`, in a list, or flat. */
export const isError = (body: unknown): boolean => {
  if (Array.isArray(body)) return body.length > 0 && isError(body[0])
  if (typeof body !== "object" || body === null) return false
  return (
    ("error" in body && body.error !== undefined && body.error !== null) ||
    ("object" in body && body.object === "error") ||
    ("type" in body && body.type === "error")
  )
}

type Choice = NonNullable<Completion["choices"]>[number]

/** Reasons to finish that mean the answer is none. */
const badStop = (choice: Choice, evidence: Trouble.Evidence): Trouble.Trouble | undefined => {
  if (choice.finish_reason === "content_filter") {
    return { evidence, verdict: { class: "ContentPolicy", rule: "wire/content-filter" } }
  }
  const hasError = choice.error !== undefined && choice.error !== null
  return hasError || choice.finish_reason === "error" || choice.finish_reason === "insufficient_system_resource"
    ? { evidence, verdict: { class: "ServiceUnavailable", rule: "wire/failed-choice" } }
    : undefined
}

/** `undefined` while the choice goes on; some hosts write that as an empty string. */
const finishReason = (reason: string | null | undefined): Response.FinishReason | undefined => {
  switch (reason) {
    case undefined:
    case null:
    case "":
      return undefined
    case "stop":
      return "stop"
    case "length":
      return "length"
    case "tool_calls":
    case "function_call":
      return "tool-calls"
    default:
      return "other"
  }
}

const finish = (reason: Response.FinishReason): Piece.Piece => ({ _tag: "Finish", reason })

const meta = (completion: Completion): ReadonlyArray<Piece.Piece> => {
  const id = text(completion.id)
  const modelId = text(completion.model)
  if (id === undefined && modelId === undefined) return []
  const seconds = completion.created
  const created = typeof seconds === "number" ? DateTime.make(seconds * 1000) : Option.none()
  return [{ _tag: "Meta", id, modelId, timestamp: Option.getOrUndefined(Option.map(created, DateTime.formatIso)) }]
}

const message = (message: typeof Message.Type, isWhole: boolean): ReadonlyArray<Piece.Piece> => {
  const pieces: Array<Piece.Piece> = []
  const reasoning = text(message.reasoning_content) ?? text(message.reasoning)
  if (reasoning !== undefined) pieces.push({ _tag: "Reasoning", text: reasoning })
  if (typeof message.content === "string") pieces.push({ _tag: "Text", text: message.content })
  else for (const part of message.content ?? []) pieces.push({ _tag: "Text", text: part.text ?? "" })
  if (text(message.refusal) !== undefined) pieces.push({ _tag: "Refusal", text: message.refusal ?? "" })
  for (const [position, call] of (message.tool_calls ?? []).entries()) {
    pieces.push({
      _tag: "ToolCall",
      index: isWhole ? position : (call.index ?? undefined),
      id: text(call.id),
      name: text(call.function?.name),
      params: params(call.function?.arguments),
      complete: false
    })
  }
  return pieces
}

const params = (value: unknown): string => {
  if (value === undefined || value === null) return ""
  return typeof value === "string" ? value : JSON.stringify(value)
}

/** A string that says something. */
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

const usage = (completion: Completion): ReadonlyArray<Piece.Piece> => {
  const usage = Option.getOrUndefined(decodeUsage(completion.usage))
  if (usage === undefined) return []
  return [
    usagePiece(
      { total: usage.prompt_tokens, details: usage.prompt_tokens_details },
      { total: usage.completion_tokens, details: usage.completion_tokens_details }
    )
  ]
}
