/** A prompt as the messages of a Messages request. */
import type * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import type { Notes } from "../internal/Encoded.ts"
import * as Problem from "../internal/Problem.ts"
import * as requestChecks from "../internal/requestChecks.ts"
import * as FileBlock from "./FileBlock.ts"

interface Text {
  readonly type: "text"
  readonly text: string
}

export type Block =
  | Text
  | FileBlock.FileBlock
  | { readonly type: "thinking"; readonly thinking: string; readonly signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: unknown }
  | {
      readonly type: "tool_result"
      readonly tool_use_id: string
      readonly content: string | ReadonlyArray<Text | FileBlock.FileBlock>
      readonly is_error?: true
    }

export interface Message {
  readonly role: "user" | "assistant"
  readonly content: ReadonlyArray<Block>
}

export interface Messages {
  readonly system?: ReadonlyArray<Text>
  readonly messages: ReadonlyArray<Message>
}

type Encoded<A> = Result.Result<A, Problem.Problem>

/**
 * The messages, neighbours of one role joined: the API wants the results of parallel calls in one message, and first in
 * it.
 *
 * **Details**
 *
 * System messages go into `system`, wherever they stand: only some models take them elsewhere. Thoughts go back with the
 * signature that came with them; reasoning without one, which another provider made, is left out, as are texts of
 * nothing but white space, which the API rejects.
 */
export const encode = (prompt: Prompt.Prompt, adapted: Notes): Encoded<Messages> =>
  Result.gen(function* () {
    const system: Array<Text> = []
    const messages: Array<{ readonly role: Message["role"]; readonly content: Array<Block> }> = []
    let before: Prompt.Message["role"] | undefined
    for (const message of prompt.content) {
      yield* requestChecks.checkOptions(message.options, "anthropic", [])
      if (message.role === "system") {
        if (messages.length > 0) adapted.add("system-moved")
        system.push(...text(message.content))
        continue
      }
      const role = message.role === "assistant" ? "assistant" : "user"
      const blocks =
        message.role === "assistant"
          ? yield* assistant(message, adapted)
          : (yield* Result.all(message.content.map(userPart))).flat()
      if (blocks.length === 0) continue
      if (message.role === before && message.role !== "tool") adapted.add("messages-joined")
      before = message.role
      const last = messages.at(-1)
      if (last?.role === role) last.content.push(...blocks)
      else messages.push({ role, content: [...blocks] })
    }
    if (messages.length === 0) {
      return yield* system.length === 0
        ? Problem.invalid("prompt", "there are no messages")
        : Problem.unsupported("prompt", "there are only system messages")
    }
    const ordered = messages.map(({ content, role }) => ({ role, content: resultsFirst(content) }))
    return system.length === 0 ? { messages: ordered } : { system, messages: ordered }
  })

const text = (text: string): ReadonlyArray<Text> => (text.trim() === "" ? [] : [{ type: "text", text }])

const resultsFirst = (blocks: ReadonlyArray<Block>): ReadonlyArray<Block> => [
  ...blocks.filter((block) => block.type === "tool_result"),
  ...blocks.filter((block) => block.type !== "tool_result")
]

const userPart = (part: Prompt.UserMessagePart | Prompt.ToolMessagePart): Encoded<ReadonlyArray<Block>> =>
  Result.flatMap(requestChecks.checkOptions(part.options, "anthropic", []), (): Encoded<ReadonlyArray<Block>> => {
    switch (part.type) {
      case "text":
        return Result.succeed(text(part.text))
      case "file":
        return Result.map(FileBlock.encode(part), (file) => [file])
      case "tool-result":
        return Result.map(toolResult(part), (result) => [result])
      case "tool-approval-response":
        return Problem.invalid("prompt", "an approval that was not acted on")
    }
  })

const toolResult = (part: Prompt.ToolResultPart): Encoded<Block> => {
  const said: Encoded<string | ReadonlyArray<Text | FileBlock.FileBlock>> =
    part.modelOutput === undefined
      ? typeof part.result === "string" && !(part.isFailure && part.result.trim() === "")
        ? Result.succeed(part.result)
        : requestChecks.jsonText(part.result, "prompt: the result of a tool")
      : Result.map(
          Result.all(
            part.modelOutput.map((output): Encoded<ReadonlyArray<Text | FileBlock.FileBlock>> =>
              output.type === "text"
                ? Result.succeed(text(output.text))
                : Result.map(FileBlock.encode(output), (file) => [file])
            )
          ),
          (blocks) => blocks.flat()
        )
  return Result.map(said, (content) => ({
    type: "tool_result",
    tool_use_id: toolUseId(part.id),
    content,
    ...(part.isFailure ? { is_error: true } : {})
  }))
}

/** The API takes letters, digits, `_` and `-` only; other providers have made ids of more. */
const toolUseId = (id: string): string => id.replaceAll(/[^\w-]/g, (char) => `_${char.charCodeAt(0).toString(16)}`)

/** What our own answers put into the metadata of reasoning, and history brings back. */
const partOptions = ["signature", "redactedData"]

const assistant = (message: Prompt.AssistantMessage, adapted: Notes): Encoded<ReadonlyArray<Block>> =>
  Result.gen(function* () {
    const blocks: Array<Block> = []
    for (const part of message.content) {
      yield* requestChecks.checkOptions(part.options, "anthropic", partOptions)
      switch (part.type) {
        case "text":
          blocks.push(...text(part.text))
          break
        case "reasoning":
          blocks.push(...thoughts(part, adapted))
          break
        case "file":
          return yield* Problem.unsupported("prompt", "a file in an answer of the assistant")
        case "tool-call":
          if (part.providerExecuted) {
            return yield* Problem.unsupported("prompt", "a tool call that a provider executed")
          }
          blocks.push({ type: "tool_use", id: toolUseId(part.id), name: part.name, input: part.params ?? {} })
          break
        case "tool-result":
          return yield* Problem.unsupported("prompt", "a tool result that a provider made")
        case "tool-approval-request":
          return yield* Problem.invalid("prompt", "a tool call that waits for approval")
      }
    }
    return blocks
  })

const thoughts = (part: Prompt.ReasoningPart, adapted: Notes): ReadonlyArray<Block> => {
  const signature = requestChecks.option(part.options, "anthropic", "signature")
  if (signature !== undefined) return [{ type: "thinking", thinking: part.text, signature }]
  const data = requestChecks.option(part.options, "anthropic", "redactedData")
  if (data !== undefined) return [{ type: "redacted_thinking", data }]
  adapted.add("reasoning-dropped")
  return []
}
