/** The official SDKs, saying what our lanes say. */
import Anthropic from "@anthropic-ai/sdk"
import { GoogleGenAI } from "@google/genai"
import OpenAI from "openai"
import { account, goodKey as apiKey, model, type SubjectName } from "../Subject.ts"
import { type IntentName, question, type Saying } from "./intents.ts"
import { anthropic } from "./sdkAnthropic.ts"
import { chat } from "./sdkChat.ts"
import { gemini } from "./sdkGemini.ts"
import { responses } from "./sdkResponses.ts"

export interface Sdk {
  /** Sends the intent; a string says why there is no such request. */
  readonly text: (intent: IntentName) => string | ((origin: string, isStream: boolean) => Promise<unknown>)
  readonly models: (origin: string) => Promise<unknown>
  /** Two texts, in vectors of eight. */
  readonly embed?: (origin: string) => Promise<unknown>
}

export const texts = ["kelp", "rock"]

type Account = Partial<typeof account>

const openAiAt = (origin: string, account: Account) =>
  new OpenAI({ ...account, apiKey, baseURL: `${origin}/v1`, maxRetries: 0, logLevel: "off" })

const openAi = (account: Account) =>
  ({
    models: async (origin) => openAiAt(origin, account).models.list(),
    embed: async (origin) =>
      openAiAt(origin, account).embeddings.create({ model, input: texts, dimensions: 8, encoding_format: "float" })
  }) satisfies Partial<Sdk>

const saying =
  <A extends object>(
    all: Saying<A>,
    send: (params: A) => (origin: string, isStream: boolean) => Promise<unknown>
  ): Sdk["text"] =>
  (intent) => {
    const params = all[intent]
    return typeof params === "string" ? params : send(params)
  }

const messages = [{ role: "user" as const, content: question }]

const withChat = (account: Account, renamed: (params: Extract<(typeof chat)[IntentName], object>) => object): Sdk => ({
  ...openAi(account),
  text: saying(chat, (params) => async (origin, isStream) => {
    const asked = { model, messages, ...renamed(params) }
    const { completions } = openAiAt(origin, account).chat
    return isStream
      ? completions.create({ ...asked, stream: true, stream_options: { include_usage: true } })
      : completions.create(asked)
  })
})

const geminiAt = (apiVersion: "v1" | "v1beta"): Sdk => {
  const at = (baseUrl: string) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl, apiVersion } })
  return {
    text: saying(gemini, (params) => async (origin, isStream) => {
      const asked = { model, contents: question, ...params }
      const { models } = at(origin)
      return isStream ? models.generateContentStream(asked) : models.generateContent(asked)
    }),
    models: async (origin) => at(origin).models.list(),
    embed: async (origin) =>
      at(origin).models.embedContent({ model, contents: texts, config: { outputDimensionality: 8 } })
  }
}

const anthropicAt = (baseURL: string) => new Anthropic({ apiKey, baseURL, maxRetries: 0, logLevel: "off" })

const claude: Sdk = {
  text: saying(anthropic, (params) => async (origin, isStream) => {
    const asked = { model, max_tokens: 8192, messages, ...params }
    return anthropicAt(origin).messages.create(isStream ? { ...asked, stream: true } : asked)
  }),
  models: async (origin) => anthropicAt(origin).models.list()
}

export const sdks: { readonly [Of in SubjectName]: Sdk } = {
  chat: withChat(account, (params) => params),
  responses: {
    ...openAi(account),
    text: saying(responses, (params) => async (origin, isStream) => {
      const asked = {
        model,
        input: question,
        store: false,
        include: ["reasoning.encrypted_content" as const],
        reasoning: { summary: "auto" as const },
        ...params
      }
      return openAiAt(origin, account).responses.create(isStream ? { ...asked, stream: true } : asked)
    })
  },
  // The name that hosts of the format have always known.
  compatible: withChat({}, ({ max_completion_tokens, ...params }) => ({
    ...params,
    max_tokens: max_completion_tokens
  })),
  v1beta: geminiAt("v1beta"),
  v1: geminiAt("v1"),
  bearer: claude,
  older: claude
}
