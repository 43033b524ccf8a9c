/** The intents as OpenAI's SDK takes them, for chat completions. */
import type OpenAI from "openai"
import { description, imageUrl, pdf, png, question, type Saying, schema } from "./intents.ts"

type Params = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>

const user = { role: "user" as const, content: question }

const tool = (name: string, more: object = {}) => ({
  type: "function" as const,
  function: { name, ...more, parameters: schema() }
})
const weather = tool("weather", { description })
const clock = tool("clock")

const call = (id: string, name: string) => ({
  id,
  type: "function" as const,
  function: { name, arguments: '{"city":"Oslo"}' }
})

const result = (tool_call_id: string, result: unknown) => ({
  role: "tool" as const,
  tool_call_id,
  content: JSON.stringify(result)
})

const showing = (part: OpenAI.ChatCompletionContentPart): Params => ({
  messages: [{ role: "user", content: [{ type: "text", text: question }, part] }]
})

export const chat: Saying<Params> = {
  "a question": {},
  instructions: { messages: [{ role: "system", content: "Be brief." }, user] },
  turns: { messages: [{ role: "user", content: "Hello" }, { role: "assistant", content: "Good day" }, user] },
  "a limit of tokens": { max_completion_tokens: 100 },
  "a temperature": { temperature: 0.5, top_p: 0.9 },
  "stop sequences": { stop: ["END", "STOP"] },
  "a seed and penalties": { seed: 7, frequency_penalty: 0.5, presence_penalty: -0.5 },
  tools: { tools: [weather, clock] },
  "a tool, held to its schema": { tools: [tool("weather", { description, strict: true })] },
  "some tool": { tools: [weather], tool_choice: "required" },
  "this tool": { tools: [weather, clock], tool_choice: { type: "function", function: { name: "weather" } } },
  "no tool": { tools: [weather], tool_choice: "none" },
  "the result of a tool": {
    messages: [user, { role: "assistant", tool_calls: [call("call_1", "weather")] }, result("call_1", { degrees: 21 })],
    tools: [weather]
  },
  "the failure of a tool": {
    messages: [
      user,
      { role: "assistant", tool_calls: [call("call_1", "weather")] },
      result("call_1", { error: "no such city" })
    ],
    tools: [weather]
  },
  "the results of two tools": {
    messages: [
      user,
      { role: "assistant", content: "Both.", tool_calls: [call("call_1", "weather"), call("call_2", "clock")] },
      result("call_1", { degrees: 21 }),
      result("call_2", { degrees: 21 }),
      user
    ],
    tools: [weather, clock]
  },
  "a picture": showing({ type: "image_url", image_url: { url: `data:image/png;base64,${png}` } }),
  "a picture elsewhere": showing({ type: "image_url", image_url: { url: imageUrl } }),
  "a document": showing({
    type: "file",
    file: { filename: "kelp.pdf", file_data: `data:application/pdf;base64,${pdf}` }
  }),
  "JSON by a schema": {
    response_format: { type: "json_schema", json_schema: { name: "weather", schema: schema(), strict: true } }
  },
  "an effort": { reasoning_effort: "low" }
}
