/** The answer of `generateContent`, which is also the shape of each event of its stream, as pieces. */
import type * as Response from "effect/ai/Response"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Piece from "../internal/Piece.ts"
import * as Trouble from "../internal/Trouble.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Part = Schema.Struct({
  text: nullish(Schema.String),
  thought: nullish(Schema.Boolean),
  thoughtSignature: nullish(Schema.String),
  functionCall: nullish(
    Schema.Struct({ id: nullish(Schema.String), name: Schema.String, args: Schema.optional(Schema.Unknown) })
  ),
  inlineData: nullish(Schema.Struct({ mimeType: Schema.String, data: Schema.String }))
})

const Candidate = Schema.Struct({
  index: nullish(Schema.Finite),
  content: nullish(Schema.Struct({ parts: nullish(Schema.Array(Part)) })),
  finishReason: nullish(Schema.String)
})

const Body = Schema.Struct({
  candidates: nullish(Schema.Array(Candidate)),
  promptFeedback: nullish(Schema.Struct({ blockReason: nullish(Schema.String) })),
  usageMetadata: Schema.optional(Schema.Unknown),
  modelVersion: Schema.optional(Schema.Unknown),
  responseId: Schema.optional(Schema.Unknown),
  error: Schema.optional(Schema.Unknown)
})
type Body = typeof Body.Type

const Usage = Schema.Struct({
  promptTokenCount: Schema.optional(Schema.Unknown),
  toolUsePromptTokenCount: Schema.optional(Schema.Unknown),
  cachedContentTokenCount: Schema.optional(Schema.Unknown),
  candidatesTokenCount: Schema.optional(Schema.Unknown),
  thoughtsTokenCount: Schema.optional(Schema.Unknown)
})

const decodeBody = Schema.decodeUnknownOption(Body)
const decodeUsage = Schema.decodeUnknownOption(Usage)

type Pieces = Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble>

/** The pieces of a whole answer. */
export const readWhole = (json: unknown): Pieces => {
  const evidence: Trouble.Evidence = { kind: "response-200", body: json }
  const body = Option.getOrUndefined(decodeBody(json))
  if (body === undefined) return Result.fail(Trouble.wrongShape(json, "the answer is none of generateContent"))
  const trouble = troubleIn(body, evidence)
  if (trouble !== undefined) return Result.fail(trouble)
  const candidate = first(body)
  if (candidate === undefined) return Result.fail(Trouble.wrongShape(json, "there is no candidate"))
  const reason = finishReason(candidate.finishReason) ?? "unknown"
  return Result.succeed([...meta(body), ...content(candidate), ...usage(body), finish(reason)])
}

/** The pieces of one event. Usage grows from event to event, so that of the last one counts. */
export const readEvent = (data: unknown, event: string): Pieces => {
  const evidence: Trouble.Evidence = { kind: "stream", body: data, event }
  if (Array.isArray(data) && data.length > 0) return Result.fail({ evidence, verdict: strange })
  const body = Option.getOrUndefined(decodeBody(data))
  if (body === undefined || Object.values(body).every((value) => value === undefined || value === null)) {
    return Result.fail(Trouble.badEvent("an event is no answer of generateContent"))
  }
  const trouble = troubleIn(body, evidence)
  if (trouble !== undefined) return Result.fail(trouble)
  const candidate = first(body)
  const reason = finishReason(candidate?.finishReason)
  return Result.succeed([
    ...meta(body),
    ...(candidate === undefined ? [] : content(candidate)),
    ...usage(body),
    ...(reason === undefined ? [] : [finish(reason)])
  ])
}

const strange: Trouble.Verdict = { class: "InvalidResponse", rule: "wire/bad-event", detail: "an event is a list" }

const first = (body: Body) => body.candidates?.find((candidate) => (candidate.index ?? 0) === 0)

/** Reasons to finish that mean a policy stopped the answer. */
const policy = new Set([
  "SAFETY",
  "RECITATION",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "IMAGE_SAFETY",
  "IMAGE_PROHIBITED_CONTENT",
  "IMAGE_RECITATION"
])

/** Reasons to finish that mean the model failed to answer. */
const broken = new Set([
  "LANGUAGE",
  "OTHER",
  "MALFORMED_FUNCTION_CALL",
  "UNEXPECTED_TOOL_CALL",
  "TOO_MANY_TOOL_CALLS",
  "MALFORMED_RESPONSE",
  "NO_IMAGE",
  "IMAGE_OTHER"
])

const troubleIn = (body: Body, evidence: Trouble.Evidence): Trouble.Trouble | undefined => {
  if (body.error !== undefined && body.error !== null) return { evidence }
  const reason = first(body)?.finishReason ?? ""
  if ((body.promptFeedback?.blockReason ?? "") !== "" || policy.has(reason)) {
    return { evidence, verdict: { class: "ContentPolicy", rule: "wire/content-filter" } }
  }
  return broken.has(reason)
    ? { evidence, verdict: { class: "InvalidResponse", rule: "wire/broken-answer", detail: `it ended with ${reason}` } }
    : undefined
}

/** `undefined` while the candidate goes on. Tool calls end with `STOP` too; the assembler sets that right. */
const finishReason = (reason: string | null | undefined): Response.FinishReason | undefined => {
  switch (reason) {
    case undefined:
    case null:
    case "":
      return undefined
    case "STOP":
      return "stop"
    case "MAX_TOKENS":
      return "length"
    case "CONTINUATION":
      return "pause"
    default:
      return "other"
  }
}

const finish = (reason: Response.FinishReason): Piece.Piece => ({ _tag: "Finish", reason })

const meta = (body: Body): ReadonlyArray<Piece.Piece> => {
  const id = text(body.responseId)
  const modelId = text(body.modelVersion)
  return id === undefined && modelId === undefined ? [] : [{ _tag: "Meta", id, modelId }]
}

const content = (candidate: typeof Candidate.Type): ReadonlyArray<Piece.Piece> => {
  const pieces: Array<Piece.Piece> = []
  for (const part of candidate.content?.parts ?? []) {
    const signature = text(part.thoughtSignature)
    const signed = signature === undefined ? {} : { thoughtSignature: signature }
    const metadata = signature === undefined ? undefined : { gemini: signed }
    if (part.functionCall !== undefined && part.functionCall !== null) {
      const { args, id, name } = part.functionCall
      const callId = text(id)
      pieces.push({
        _tag: "ToolCall",
        id: callId,
        name,
        params: JSON.stringify(args ?? {}),
        complete: true,
        metadata: callId === undefined ? metadata : { gemini: { ...signed, callId } }
      })
    } else if (part.inlineData !== undefined && part.inlineData !== null) {
      const { data, mimeType } = part.inlineData
      pieces.push({ _tag: "File", mediaType: mimeType, base64: data, metadata })
    } else {
      const _tag = part.thought === true ? "Reasoning" : "Text"
      pieces.push({ _tag, text: part.text ?? "", metadata })
    }
  }
  return pieces
}

/** A string that says something. */
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

/** Thoughts come beside the candidates' tokens, and what tools added beside the prompt's. */
const usage = (body: Body): ReadonlyArray<Piece.Piece> => {
  const usage = Option.getOrUndefined(decodeUsage(body.usageMetadata))
  if (usage === undefined) return []
  const input = sum(Piece.count(usage.promptTokenCount), Piece.count(usage.toolUsePromptTokenCount))
  const cacheRead = Piece.count(usage.cachedContentTokenCount)
  const answer = Piece.count(usage.candidatesTokenCount)
  const reasoning = Piece.count(usage.thoughtsTokenCount)
  return [
    {
      _tag: "Usage",
      usage: {
        inputTokens: { total: input, uncached: Piece.less(input, cacheRead), cacheRead, cacheWrite: undefined },
        outputTokens: { total: sum(answer, reasoning), text: answer, reasoning }
      }
    }
  ]
}

const sum = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0)
