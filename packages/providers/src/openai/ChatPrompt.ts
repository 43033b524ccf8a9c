/** A prompt as the messages of a chat completion. */
import type * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import * as FileData from "../internal/FileData.ts"
import type { Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import * as Carried from "./Carried.ts"

export type ContentPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image_url"; readonly image_url: { readonly url: string; readonly detail?: string } }
  | { readonly type: "input_audio"; readonly input_audio: { readonly data: string; readonly format: "wav" | "mp3" } }
  | { readonly type: "file"; readonly file: { readonly filename: string; readonly file_data: string } }

export interface ToolCall {
  readonly id: string
  readonly type: "function"
  readonly function: { readonly name: string; readonly arguments: string }
}

export type Message =
  | { readonly role: "system"; readonly content: string }
  | { readonly role: "user"; readonly content: string | ReadonlyArray<ContentPart> }
  | {
      readonly role: "assistant"
      readonly content: string | null
      readonly tool_calls?: ReadonlyArray<ToolCall>
    }
  | { readonly role: "tool"; readonly tool_call_id: string; readonly content: string }

type Encoded<A> = Result.Result<A, Problem.Problem>

/**
 * The messages, in the order of the prompt.
 *
 * **Details**
 *
 * Reasoning is left out: it is the model's own, and this wire format has no place to give it back. The result of a tool
 * that failed is sent as `{"error": …}`.
 */
export const encode = (prompt: Prompt.Prompt, adapted: Notes): Encoded<ReadonlyArray<Message>> =>
  prompt.content.length === 0
    ? Problem.invalid("prompt", "there are no messages")
    : Result.map(Result.all(prompt.content.map((one) => message(one, adapted))), (messages) => messages.flat())

const message = (message: Prompt.Message, adapted: Notes): Encoded<ReadonlyArray<Message>> =>
  Result.flatMap(requestChecks.checkOptions(message.options, "openai", []), (): Encoded<ReadonlyArray<Message>> => {
    switch (message.role) {
      case "system":
        return Result.succeed([{ role: "system", content: message.content }])
      case "user":
        return Result.map(Result.all(message.content.map(userPart)), (parts) => [
          { role: "user", content: parts.length === 1 && parts[0]?.type === "text" ? parts[0].text : parts }
        ])
      case "assistant":
        return assistant(message, adapted)
      case "tool":
        return Result.all(message.content.map((part) => toolPart(part, adapted)))
    }
  })

const userPart = (part: Prompt.UserMessagePart): Encoded<ContentPart> =>
  part.type === "text"
    ? Result.map(requestChecks.checkOptions(part.options, "openai", []), () => ({ type: "text", text: part.text }))
    : Result.flatMap(requestChecks.checkOptions(part.options, "openai", ["imageDetail"]), () => file(part))

const file = (part: Prompt.FilePart): Encoded<ContentPart> => {
  const data = FileData.of(part)
  if (part.mediaType.startsWith("image/")) {
    const url = data._tag === "Url" ? data.url : `data:${data.mediaType};base64,${data.base64}`
    const detail = requestChecks.option(part.options, "openai", "imageDetail")
    return Result.succeed({ type: "image_url", image_url: detail === undefined ? { url } : { url, detail } })
  }
  if (data._tag === "Url") return Problem.unsupported("prompt", `a URL to a file of type ${part.mediaType}`)
  const format = audioFormats[data.mediaType]
  if (format !== undefined) return Result.succeed({ type: "input_audio", input_audio: { data: data.base64, format } })
  if (data.mediaType !== "application/pdf") return Problem.unsupported("prompt", `a file of type ${part.mediaType}`)
  const file_data = `data:application/pdf;base64,${data.base64}`
  return Result.succeed({ type: "file", file: { filename: part.fileName ?? "file.pdf", file_data } })
}

const audioFormats: { readonly [mediaType: string]: "wav" | "mp3" | undefined } = {
  "audio/wav": "wav",
  "audio/x-wav": "wav",
  "audio/wave": "wav",
  "audio/mpeg": "mp3",
  "audio/mp3": "mp3"
}

const assistant = (message: Prompt.AssistantMessage, adapted: Notes): Encoded<ReadonlyArray<Message>> => {
  let content: string | null = null
  const calls: Array<ToolCall> = []
  for (const part of message.content) {
    const options = requestChecks.checkOptions(part.options, "openai", Carried.names)
    if (Result.isFailure(options)) return Result.fail(options.failure)
    switch (part.type) {
      case "text":
        content = (content ?? "") + part.text
        break
      case "reasoning":
        adapted.add("reasoning-dropped")
        break
      case "tool-call": {
        if (part.providerExecuted) return Problem.unsupported("prompt", "a tool call that a provider executed")
        const params = requestChecks.jsonText(part.params ?? {}, "prompt: the parameters of a tool call")
        if (Result.isFailure(params)) return Result.fail(params.failure)
        calls.push({ id: part.id, type: "function", function: { name: part.name, arguments: params.success } })
        break
      }
      case "file":
        return Problem.unsupported("prompt", "a file in an answer of the assistant")
      case "tool-result":
        return Problem.unsupported("prompt", "a tool result that a provider made")
      case "tool-approval-request":
        return Problem.invalid("prompt", "a tool call that waits for approval")
    }
  }
  if (calls.length > 0) return Result.succeed([{ role: "assistant", content, tool_calls: calls }])
  return Result.succeed(content === null ? [] : [{ role: "assistant", content }])
}

const toolPart = (part: Prompt.ToolMessagePart, adapted: Notes): Encoded<Message> => {
  if (part.type === "tool-approval-response") return Problem.invalid("prompt", "an approval that was not acted on")
  const answer = (content: string): Message => ({ role: "tool", tool_call_id: part.id, content })
  return Result.flatMap(requestChecks.checkOptions(part.options, "openai", []), (): Encoded<Message> => {
    if (part.isFailure) adapted.add("tool-error-told")
    if (part.modelOutput !== undefined) {
      const texts = part.modelOutput.flatMap((output) => (output.type === "text" ? [output.text] : []))
      return texts.length === part.modelOutput.length
        ? Result.succeed(answer(texts.join("\n")))
        : Problem.unsupported("prompt", "a file in the result of a tool")
    }
    if (typeof part.result === "string" && !part.isFailure) return Result.succeed(answer(part.result))
    const result = part.isFailure ? { error: part.result } : part.result
    return Result.map(requestChecks.jsonText(result, "prompt: the result of a tool"), answer)
  })
}
