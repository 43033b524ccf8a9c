/** A prompt as the contents of a Gemini request. */
import type * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import * as FileData from "../internal/FileData.ts"
import type { Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"

export interface Part {
  readonly text?: string
  readonly thought?: true
  readonly thoughtSignature?: string | undefined
  readonly inlineData?: { readonly mimeType: string; readonly data: string }
  readonly fileData?: { readonly mimeType?: string; readonly fileUri: string }
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args: unknown }
  readonly functionResponse?: { readonly id?: string; readonly name: string; readonly response: unknown }
}

export interface Content {
  readonly role: "user" | "model"
  readonly parts: ReadonlyArray<Part>
}

export interface Contents {
  readonly systemInstruction?: { readonly parts: ReadonlyArray<Part> }
  readonly contents: ReadonlyArray<Content>
}

type Encoded<A> = Result.Result<A, Problem.Problem>

/**
 * The contents, neighbours of one role joined: the API wants the results of parallel calls in one content.
 *
 * **Details**
 *
 * System messages go into `systemInstruction`, wherever they stand: the API has no other place for them. Thought
 * signatures that came with an earlier answer go back with their parts; reasoning without one is left out. A call that
 * has none, because another provider made it, carries Google's documented placeholder where `needsSignature` says so:
 * Gemini 3 and later reject the request otherwise.
 */
export const encode = (prompt: Prompt.Prompt, needsSignature: boolean, adapted: Notes): Encoded<Contents> =>
  Result.gen(function* () {
    const system: Array<Part> = []
    const contents: Array<{ readonly role: Content["role"]; readonly parts: Array<Part> }> = []
    const callIds = idsOfCalls(prompt)
    let before: Prompt.Message["role"] | undefined
    for (const message of prompt.content) {
      yield* requestChecks.checkOptions(message.options, "gemini", [])
      if (message.role === "system") {
        if (contents.length > 0) adapted.add("system-moved")
        system.push({ text: message.content })
        continue
      }
      const role = message.role === "assistant" ? "model" : "user"
      const parts =
        message.role === "assistant"
          ? yield* modelParts(message, needsSignature, adapted)
          : yield* Result.all(message.content.map((part) => userPart(part, callIds)))
      if (parts.length === 0) continue
      if (message.role === before && message.role !== "tool") adapted.add("messages-joined")
      before = message.role
      const last = contents.at(-1)
      if (last?.role === role) last.parts.push(...parts)
      else contents.push({ role, parts: [...parts] })
    }
    if (contents.length === 0) {
      return yield* system.length === 0
        ? Problem.invalid("prompt", "there are no messages")
        : Problem.unsupported("prompt", "there are only system messages")
    }
    return system.length === 0 ? { contents } : { systemInstruction: { parts: system }, contents }
  })

const userPart = (
  part: Prompt.UserMessagePart | Prompt.ToolMessagePart,
  callIds: ReadonlyMap<string, string>
): Encoded<Part> =>
  Result.flatMap(requestChecks.checkOptions(part.options, "gemini", partOptions), (): Encoded<Part> => {
    switch (part.type) {
      case "text":
        return Result.succeed({ text: part.text })
      case "file":
        return Result.succeed(file(part))
      case "tool-result":
        return toolResult(part, callIds)
      case "tool-approval-response":
        return Problem.invalid("prompt", "an approval that was not acted on")
    }
  })

/** What our own answers put into the metadata of parts, and history brings back. */
const partOptions = ["thoughtSignature", "callId"]

const file = (part: Prompt.FilePart): Part => {
  const data = FileData.of(part)
  if (data._tag === "Base64") return { inlineData: { mimeType: data.mediaType, data: data.base64 } }
  return part.mediaType.endsWith("/*")
    ? { fileData: { fileUri: data.url } }
    : { fileData: { mimeType: part.mediaType, fileUri: data.url } }
}

const toolResult = (part: Prompt.ToolResultPart, callIds: ReadonlyMap<string, string>): Encoded<Part> => {
  const texts = part.modelOutput?.flatMap((output) => (output.type === "text" ? [output.text] : []))
  if (texts?.length !== part.modelOutput?.length) return Problem.unsupported("prompt", "a file in the result of a tool")
  const result = texts?.join("\n") ?? part.result ?? null
  const id = callIds.get(part.id)
  return Result.succeed({
    functionResponse: {
      ...(id === undefined ? {} : { id }),
      name: part.name,
      response: part.isFailure ? { error: result } : { output: result }
    }
  })
}

/** The ids that Gemini gave its calls; ids of our own making and of other providers mean nothing to it. */
const idsOfCalls = (prompt: Prompt.Prompt): ReadonlyMap<string, string> => {
  const ids = new Map<string, string>()
  for (const message of prompt.content) {
    if (message.role !== "assistant") continue
    for (const part of message.content) {
      const id = part.type === "tool-call" ? requestChecks.option(part.options, "gemini", "callId") : undefined
      if (part.type === "tool-call" && id !== undefined) ids.set(part.id, id)
    }
  }
  return ids
}

/** Skips the check of a signature that cannot exist: ai.google.dev/gemini-api/docs/thought-signatures, FAQ. */
const placeholder = "skip_thought_signature_validator"

const modelParts = (
  message: Prompt.AssistantMessage,
  needsSignature: boolean,
  adapted: Notes
): Encoded<ReadonlyArray<Part>> =>
  Result.gen(function* () {
    const parts: Array<Part> = []
    for (const part of message.content) {
      yield* requestChecks.checkOptions(part.options, "gemini", partOptions)
      const thoughtSignature = requestChecks.option(part.options, "gemini", "thoughtSignature")
      switch (part.type) {
        case "text":
          parts.push({ text: part.text, thoughtSignature })
          break
        case "reasoning":
          if (thoughtSignature === undefined) adapted.add("reasoning-dropped")
          else parts.push({ text: part.text, thought: true, thoughtSignature })
          break
        case "file":
          parts.push({ ...file(part), thoughtSignature })
          break
        case "tool-call": {
          if (part.providerExecuted) {
            return yield* Problem.unsupported("prompt", "a tool call that a provider executed")
          }
          const id = requestChecks.option(part.options, "gemini", "callId")
          // Of parallel calls only the first carries a signature.
          const isFirst = parts.every((before) => before.functionCall === undefined)
          const isUnsigned = thoughtSignature === undefined && needsSignature && isFirst
          if (isUnsigned) adapted.add("signature-replaced")
          parts.push({
            functionCall: { ...(id === undefined ? {} : { id }), name: part.name, args: part.params ?? {} },
            thoughtSignature: isUnsigned ? placeholder : thoughtSignature
          })
          break
        }
        case "tool-result":
          return yield* Problem.unsupported("prompt", "a tool result that a provider made")
        case "tool-approval-request":
          return yield* Problem.invalid("prompt", "a tool call that waits for approval")
      }
    }
    return parts
  })
