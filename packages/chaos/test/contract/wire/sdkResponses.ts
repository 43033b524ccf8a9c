/** The intents as OpenAI's SDK takes them, for responses. */
import type OpenAI from "openai"
import { description, imageUrl, pdf, png, question, type Saying, schema } from "./intents.ts"

type Params = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>

const user = { role: "user" as const, content: question }

const tool = (name: string, more: object = {}) => ({
  type: "function" as const,
  name,
  strict: false,
  ...more,
  parameters: schema()
})
const weather = tool("weather", { description })
const clock = tool("clock")

const call = (call_id: string, name: string) => ({
  type: "function_call" as const,
  call_id,
  name,
  arguments: '{"city":"Oslo"}'
})

const result = (call_id: string, result: unknown) => ({
  type: "function_call_output" as const,
  call_id,
  output: JSON.stringify(result)
})

const showing = (part: OpenAI.Responses.ResponseInputContent): Params => ({
  input: [{ role: "user", content: [{ type: "input_text", text: question }, part] }]
})

export const responses: Saying<Params> = {
  "a question": {},
  instructions: { input: [{ role: "developer", content: "Be brief." }, user] },
  turns: { input: [{ role: "user", content: "Hello" }, { role: "assistant", content: "Good day" }, user] },
  "a limit of tokens": { max_output_tokens: 100 },
  "a temperature": { temperature: 0.5, top_p: 0.9 },
  "stop sequences": "responses have none",
  "a seed and penalties": "responses have neither",
  tools: { tools: [weather, clock] },
  "a tool, held to its schema": { tools: [tool("weather", { description, strict: true })] },
  "some tool": { tools: [weather], tool_choice: "required" },
  "this tool": { tools: [weather, clock], tool_choice: { type: "function", name: "weather" } },
  "no tool": { tools: [weather], tool_choice: "none" },
  "the result of a tool": {
    input: [user, call("call_1", "weather"), result("call_1", { degrees: 21 })],
    tools: [weather]
  },
  "the failure of a tool": {
    input: [user, call("call_1", "weather"), result("call_1", { error: "no such city" })],
    tools: [weather]
  },
  "the results of two tools": {
    input: [
      user,
      { role: "assistant", content: "Both." },
      call("call_1", "weather"),
      call("call_2", "clock"),
      result("call_1", { degrees: 21 }),
      result("call_2", { degrees: 21 }),
      user
    ],
    tools: [weather, clock]
  },
  "a picture": showing({ type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto" }),
  "a picture elsewhere": showing({ type: "input_image", image_url: imageUrl, detail: "auto" }),
  "a document": showing({
    type: "input_file",
    filename: "kelp.pdf",
    file_data: `data:application/pdf;base64,${pdf}`
  }),
  "JSON by a schema": {
    text: { format: { type: "json_schema", name: "weather", schema: schema(), strict: true } }
  },
  "an effort": { reasoning: { effort: "low", summary: "auto" } }
}
