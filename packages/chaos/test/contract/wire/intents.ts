/** What callers want of a text model, one request each, as our lanes take it. `sdk*.ts` say the same to the SDKs. */
import type { TextModel } from "@holdfast/core"
import { Prompt } from "effect/ai"

export const question = "What holds a kelp to its rock?"

export const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

export const pdf = Buffer.from("%PDF-1.7").toString("base64")

export const imageUrl = "https://example.com/kelp.jpg"

/** The SDKs want lists that can be changed, so nothing here is read-only. */
export const schema = () => ({
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
  additionalProperties: false
})

export const description = "The weather of a city"

const weather: TextModel.Tool = { name: "weather", description, parameters: schema() }
const clock: TextModel.Tool = { name: "clock", parameters: schema() }

const ask = (prompt: Prompt.RawInput, more: Partial<TextModel.Request> = {}): TextModel.Request => ({
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {},
  ...more,
  prompt: Prompt.make(prompt)
})

const user = (...content: ReadonlyArray<Prompt.UserMessagePartEncoded>) => ({ role: "user" as const, content })

const text = { type: "text" as const, text: question }

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"))

const call = (id: string, name: string) => ({
  type: "tool-call" as const,
  id,
  name,
  params: { city: "Oslo" },
  providerExecuted: false
})

const result = (id: string, name: string, isFailure = false) => ({
  type: "tool-result" as const,
  id,
  name,
  isFailure,
  result: isFailure ? "no such city" : { degrees: 21 }
})

export const intents = {
  "a question": ask(question),
  instructions: ask([{ role: "system", content: "Be brief." }, user(text)]),
  turns: ask([user({ type: "text", text: "Hello" }), { role: "assistant", content: "Good day" }, user(text)]),
  "a limit of tokens": ask(question, { sampling: { maxOutputTokens: 100 } }),
  "a temperature": ask(question, { sampling: { temperature: 0.5, topP: 0.9 } }),
  "stop sequences": ask(question, { sampling: { stop: ["END", "STOP"] } }),
  "a seed and penalties": ask(question, {
    sampling: { seed: 7, frequencyPenalty: 0.5, presencePenalty: -0.5 }
  }),
  tools: ask(question, { tools: [weather, clock] }),
  "a tool, held to its schema": ask(question, { tools: [{ ...weather, strict: true }] }),
  "some tool": ask(question, { tools: [weather], toolChoice: "required" }),
  "this tool": ask(question, { tools: [weather, clock], toolChoice: { tool: "weather" } }),
  "no tool": ask(question, { tools: [weather], toolChoice: "none" }),
  "the result of a tool": ask(
    [
      user(text),
      { role: "assistant", content: [call("call_1", "weather")] },
      { role: "tool", content: [result("call_1", "weather")] }
    ],
    { tools: [weather] }
  ),
  "the failure of a tool": ask(
    [
      user(text),
      { role: "assistant", content: [call("call_1", "weather")] },
      { role: "tool", content: [result("call_1", "weather", true)] }
    ],
    { tools: [weather] }
  ),
  "the results of two tools": ask(
    [
      user(text),
      {
        role: "assistant",
        content: [{ type: "text", text: "Both." }, call("call_1", "weather"), call("call_2", "clock")]
      },
      { role: "tool", content: [result("call_1", "weather"), result("call_2", "clock")] },
      user(text)
    ],
    { tools: [weather, clock] }
  ),
  "a picture": ask([user(text, { type: "file", mediaType: "image/png", data: bytes(png) })]),
  "a picture elsewhere": ask([user(text, { type: "file", mediaType: "image/jpeg", data: new URL(imageUrl) })]),
  "a document": ask([
    user(text, { type: "file", mediaType: "application/pdf", fileName: "kelp.pdf", data: bytes(pdf) })
  ]),
  "JSON by a schema": ask(question, {
    responseFormat: { type: "json", name: "weather", schema: schema(), strict: true }
  }),
  "an effort": ask(question, { sampling: { reasoningEffort: "low" } })
} as const satisfies { readonly [name: string]: TextModel.Request }

export type IntentName = keyof typeof intents

/** How to say all of it in another way, or why it cannot be said. */
export type Saying<A extends object> = { readonly [Name in IntentName]: A | string }
