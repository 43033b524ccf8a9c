/** A prompt as the input items of a response. */
import type * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import * as FileData from "../internal/FileData.ts"
import type { Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import * as Carried from "./Carried.ts"

export type ContentPart =
  | { readonly type: "input_text"; readonly text: string }
  | { readonly type: "input_image"; readonly image_url: string; readonly detail: string }
  | { readonly type: "input_file"; readonly filename: string; readonly file_data: string }
  | { readonly type: "input_file"; readonly file_url: string }

export type Item =
  | { readonly type: "message"; readonly role: "developer"; readonly content: string }
  | { readonly type: "message"; readonly role: "user"; readonly content: string | ReadonlyArray<ContentPart> }
  | {
      readonly type: "message"
      readonly role: "assistant"
      readonly content: string
      readonly phase?: string | undefined
    }
  | {
      readonly type: "reasoning"
      readonly summary: ReadonlyArray<{ readonly type: "summary_text"; readonly text: string }>
      readonly encrypted_content: string
    }
  | { readonly type: "function_call"; readonly call_id: string; readonly name: string; readonly arguments: string }
  | {
      readonly type: "function_call_output"
      readonly call_id: string
      readonly output: string | ReadonlyArray<ContentPart>
    }

type Encoded<A> = Result.Result<A, Problem.Problem>

/**
 * The items, in the order of the prompt; system messages are developer messages here.
 *
 * **Details**
 *
 * Reasoning that came sealed goes back to the lane it came from, `from`, in its place; other reasoning is left out, and
 * all of it where `from` is `undefined`. Items go without the ids they once had: nothing is stored under them, and some
 * hosts look for it anyway. The result of a tool that failed is sent as `{"error": …}`.
 */
export const encode = (prompt: Prompt.Prompt, from: string | undefined, adapted: Notes): Encoded<ReadonlyArray<Item>> =>
  prompt.content.length === 0
    ? Problem.invalid("prompt", "there are no messages")
    : Result.map(Result.all(prompt.content.map((one) => message(one, from, adapted))), (items) => items.flat())

const message = (message: Prompt.Message, from: string | undefined, adapted: Notes): Encoded<ReadonlyArray<Item>> =>
  Result.flatMap(requestChecks.checkOptions(message.options, "openai", []), (): Encoded<ReadonlyArray<Item>> => {
    switch (message.role) {
      case "system":
        return Result.succeed([{ type: "message", role: "developer", content: message.content }])
      case "user":
        return Result.map(Result.all(message.content.map(contentPart)), (parts) => [
          {
            type: "message",
            role: "user",
            content: parts.length === 1 && parts[0]?.type === "input_text" ? parts[0].text : parts
          }
        ])
      case "assistant":
        return assistant(message, from, adapted)
      case "tool":
        return Result.all(message.content.map((part) => toolPart(part, adapted)))
    }
  })

/** What a user sends, and what a tool gives back. */
const contentPart = (part: Prompt.UserMessagePart): Encoded<ContentPart> =>
  part.type === "text"
    ? Result.map(requestChecks.checkOptions(part.options, "openai", []), () => ({
        type: "input_text",
        text: part.text
      }))
    : Result.flatMap(requestChecks.checkOptions(part.options, "openai", ["imageDetail"]), () => file(part))

const file = (part: Prompt.FilePart): Encoded<ContentPart> => {
  const data = FileData.of(part)
  const mediaType = data._tag === "Url" ? part.mediaType : data.mediaType
  if (mediaType.startsWith("image/")) {
    const image_url = data._tag === "Url" ? data.url : `data:${data.mediaType};base64,${data.base64}`
    const detail = requestChecks.option(part.options, "openai", "imageDetail") ?? "auto"
    return Result.succeed({ type: "input_image", image_url, detail })
  }
  if (mediaType !== "application/pdf") return Problem.unsupported("prompt", `a file of type ${mediaType}`)
  if (data._tag === "Url") return Result.succeed({ type: "input_file", file_url: data.url })
  const file_data = `data:application/pdf;base64,${data.base64}`
  return Result.succeed({ type: "input_file", filename: part.fileName ?? "file.pdf", file_data })
}

const assistant = (
  message: Prompt.AssistantMessage,
  from: string | undefined,
  adapted: Notes
): Encoded<ReadonlyArray<Item>> =>
  Result.gen(function* () {
    const items: Array<Item> = []
    for (const part of message.content) {
      yield* requestChecks.checkOptions(part.options, "openai", Carried.names)
      switch (part.type) {
        case "text":
          addText(items, part.text, Carried.phase(part.options))
          break
        case "reasoning": {
          const sealed = Carried.reasoningFor(part.options, from)
          if (sealed === undefined) {
            adapted.add("reasoning-dropped")
            break
          }
          const summary = part.text === "" ? [] : [{ type: "summary_text" as const, text: part.text }]
          items.push({ type: "reasoning", summary, encrypted_content: sealed })
          break
        }
        case "tool-call": {
          if (part.providerExecuted) {
            return yield* Problem.unsupported("prompt", "a tool call that a provider executed")
          }
          const params = yield* requestChecks.jsonText(part.params ?? {}, "prompt: the parameters of a tool call")
          items.push({ type: "function_call", call_id: part.id, name: part.name, arguments: params })
          break
        }
        case "file":
          return yield* Problem.unsupported("prompt", "a file in an answer of the assistant")
        case "tool-result":
          return yield* Problem.unsupported("prompt", "a tool result that a provider made")
        case "tool-approval-request":
          return yield* Problem.invalid("prompt", "a tool call that waits for approval")
      }
    }
    // The API refuses reasoning that led to nothing.
    return items.slice(0, items.findLastIndex((item) => item.type !== "reasoning") + 1)
  })

/** Neighbouring texts of one phase are one message. */
const addText = (items: Array<Item>, text: string, phase: string | undefined): void => {
  const last = items.at(-1)
  if (last?.type === "message" && last.role === "assistant" && last.phase === phase) {
    items[items.length - 1] = { ...last, content: last.content + text }
  } else items.push({ type: "message", role: "assistant", content: text, phase })
}

const toolPart = (part: Prompt.ToolMessagePart, adapted: Notes): Encoded<Item> => {
  if (part.type === "tool-approval-response") return Problem.invalid("prompt", "an approval that was not acted on")
  const answer = (output: string | ReadonlyArray<ContentPart>): Item => ({
    type: "function_call_output",
    call_id: part.id,
    output
  })
  return Result.flatMap(requestChecks.checkOptions(part.options, "openai", []), (): Encoded<Item> => {
    if (part.isFailure) adapted.add("tool-error-told")
    if (part.modelOutput !== undefined) {
      const texts = part.modelOutput.flatMap((output) => (output.type === "text" ? [output.text] : []))
      return texts.length === part.modelOutput.length
        ? Result.succeed(answer(texts.join("\n")))
        : Result.map(Result.all(part.modelOutput.map(contentPart)), answer)
    }
    if (typeof part.result === "string" && !part.isFailure) return Result.succeed(answer(part.result))
    const result = part.isFailure ? { error: part.result } : part.result
    return Result.map(requestChecks.jsonText(result, "prompt: the result of a tool"), answer)
  })
}
