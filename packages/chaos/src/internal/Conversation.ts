/** What an emulated model says to a conversation, whichever provider's wire format carried it. Pure. */
import type * as Healthy from "../Healthy.ts"
import * as SampleJson from "./SampleJson.ts"

export interface Message {
  readonly role: string
  readonly text: string
}

interface Tool {
  readonly name: string
  /** JSON schema of the arguments. */
  readonly parameters: unknown
}

export interface Conversation {
  readonly messages: ReadonlyArray<Message>
  /** The role whose last message asks to be continued. */
  readonly modelRole: "assistant" | "model"
  readonly tools: ReadonlyArray<Tool>
  readonly toolChoice: "auto" | "none" | "any" | { readonly name: string }
  readonly maxWords: number | undefined
  /** JSON schema the answer must satisfy, if one was asked for. */
  readonly jsonSchema: unknown
}

interface Call {
  readonly name: string
  readonly arguments: unknown
}

export interface Completion {
  /** The text in the chunks a stream delivers it in; they join to the whole. */
  readonly chunks: ReadonlyArray<string>
  /** The tools it calls instead of saying anything. */
  readonly calls: ReadonlyArray<Call>
  readonly finish: "stop" | "length" | "tool" | "filter"
  readonly promptWords: number
  readonly completionWords: number
}

/**
 * The model's turn. Calls the named or first tool if the choice requires one, or if the choice is open and the last
 * user message contains "use the tool"; with "use the tools", all of them at once. Continues a last message of its own
 * if that is a true prefix of the answer; any other is answered from the start. `blockAfter` stops the text there for
 * safety.
 */
export const complete = (
  conversation: Conversation,
  healthy: Healthy.Healthy,
  blockAfter: number | undefined
): Completion => {
  const promptWords =
    healthy.usage?.input ?? conversation.messages.reduce((sum, message) => sum + countWords(message.text), 0)
  const calls = (blockAfter === undefined ? toolsToCall(conversation) : []).map(({ name, parameters }) => ({
    name,
    arguments: SampleJson.sample(parameters ?? {})
  }))
  if (calls.length > 0) {
    const completionWords =
      healthy.usage?.output ?? calls.reduce((sum, call) => sum + countWords(JSON.stringify(call.arguments)), 0)
    return { chunks: [], calls, finish: "tool", promptWords, completionWords }
  }
  const text = continuation(conversation, answer(conversation, healthy))
  const words = wordsOf(text)
  const kept = conversation.maxWords === undefined ? words : words.slice(0, conversation.maxWords)
  const all = conversation.jsonSchema === undefined ? grouped(kept, healthy.wordsPerChunk) : fragments(text)
  const chunks = blockAfter === undefined ? all : all.slice(0, blockAfter)
  return {
    chunks,
    calls: [],
    finish: blockAfter !== undefined ? "filter" : kept.length < words.length ? "length" : "stop",
    promptWords,
    completionWords: healthy.usage?.output ?? countWords(chunks.join(""))
  }
}

/** JSON text cut into the small pieces a model streams it in. */
export const fragments = (text: string): ReadonlyArray<string> => text.match(/.{1,8}/gsu) ?? []

export const countWords = (text: string): number => wordsOf(text).length

/** Each word with the white space before it. */
const wordsOf = (text: string): ReadonlyArray<string> => text.match(/\s*\S+/g) ?? []

const grouped = (words: ReadonlyArray<string>, size: number): ReadonlyArray<string> =>
  Array.from({ length: Math.ceil(words.length / size) }, (_, n) => words.slice(n * size, (n + 1) * size).join(""))

const lastUserText = (conversation: Conversation): string =>
  conversation.messages.findLast((message) => message.role === "user")?.text ?? ""

const answer = (conversation: Conversation, healthy: Healthy.Healthy): string => {
  if (conversation.jsonSchema !== undefined) return JSON.stringify(SampleJson.sample(conversation.jsonSchema))
  switch (healthy.reply._tag) {
    case "Fixed":
      return healthy.reply.text
    case "Echo":
      return `You said: ${lastUserText(conversation)}`
    case "Quote":
      return quote(conversation)
  }
}

/** The sentence of the numbered lines that shares most words with the question; of equals the first. */
const quote = (conversation: Conversation): string => {
  const asked = contentWords(lastUserText(conversation))
  let best = { shared: 0, text: "I do not know." }
  for (const { text } of conversation.messages) {
    for (const [, number, line = ""] of text.matchAll(/^\[(\d+)\]\s*(.+)$/gm)) {
      for (const sentence of line.split(/(?<=[.!?])\s+/)) {
        const shared = [...contentWords(sentence)].filter((word) => asked.has(word)).length
        if (shared > best.shared) best = { shared, text: `${sentence} [${number}]` }
      }
    }
  }
  return best.text
}

/** Words long enough to mean something. */
const contentWords = (text: string): Set<string> => new Set(text.toLowerCase().match(/[\p{L}\p{N}]{4,}/gu))

const continuation = (conversation: Conversation, full: string): string => {
  const last = conversation.messages.at(-1)
  if (last?.role !== conversation.modelRole) return full
  const prefix = full.startsWith(last.text) ? last.text : last.text.trim()
  return prefix.length < full.length && full.startsWith(prefix) ? full.slice(prefix.length) : full
}

const toolsToCall = (conversation: Conversation): ReadonlyArray<Tool> => {
  const { toolChoice, tools } = conversation
  if (toolChoice === "none") return []
  if (typeof toolChoice === "object") return tools.filter((tool) => tool.name === toolChoice.name).slice(0, 1)
  const last = conversation.messages.at(-1)
  const asked = last?.role === "user" ? last.text.toLowerCase() : ""
  if (asked.includes("use the tools")) return tools
  return toolChoice === "any" || asked.includes("use the tool") ? tools.slice(0, 1) : []
}
