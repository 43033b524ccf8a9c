/** The intents as Anthropic's SDK takes them. */
import type Anthropic from "@anthropic-ai/sdk"
import { description, imageUrl, pdf, png, question, type Saying, schema } from "./intents.ts"

type Params = Partial<Anthropic.MessageCreateParamsNonStreaming>

const user = { role: "user" as const, content: question }

const weather = { name: "weather", description, input_schema: schema() }
const clock = { name: "clock", input_schema: schema() }

const call = (id: string, name: string) => ({ type: "tool_use" as const, id, name, input: { city: "Oslo" } })

const result = (tool_use_id: string) => ({
  type: "tool_result" as const,
  tool_use_id,
  content: JSON.stringify({ degrees: 21 })
})

const showing = (block: Anthropic.ContentBlockParam): Params => ({
  messages: [{ role: "user", content: [{ type: "text", text: question }, block] }]
})

export const anthropic: Saying<Params> = {
  "a question": {},
  instructions: { system: "Be brief." },
  turns: { messages: [{ role: "user", content: "Hello" }, { role: "assistant", content: "Good day" }, user] },
  "a limit of tokens": { max_tokens: 100 },
  "a temperature": "the SDK knows the newer version of the API only, which has none",
  "stop sequences": { stop_sequences: ["END", "STOP"] },
  "a seed and penalties": "the API has neither",
  tools: { tools: [weather, clock] },
  "a tool, held to its schema": { tools: [{ ...weather, strict: true }] },
  "some tool": { tools: [weather], tool_choice: { type: "any" } },
  "this tool": { tools: [weather, clock], tool_choice: { type: "tool", name: "weather" } },
  "no tool": { tools: [weather], tool_choice: { type: "none" } },
  "the result of a tool": {
    messages: [
      user,
      { role: "assistant", content: [call("call_1", "weather")] },
      { role: "user", content: [result("call_1")] }
    ],
    tools: [weather]
  },
  "the failure of a tool": {
    messages: [
      user,
      { role: "assistant", content: [call("call_1", "weather")] },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "call_1", content: "no such city", is_error: true }]
      }
    ],
    tools: [weather]
  },
  "the results of two tools": {
    messages: [
      user,
      {
        role: "assistant",
        content: [{ type: "text", text: "Both." }, call("call_1", "weather"), call("call_2", "clock")]
      },
      { role: "user", content: [result("call_1"), result("call_2"), { type: "text", text: question }] }
    ],
    tools: [weather, clock]
  },
  "a picture": showing({ type: "image", source: { type: "base64", media_type: "image/png", data: png } }),
  "a picture elsewhere": showing({ type: "image", source: { type: "url", url: imageUrl } }),
  "a document": showing({
    type: "document",
    source: { type: "base64", media_type: "application/pdf", data: pdf },
    title: "kelp.pdf"
  }),
  "JSON by a schema": { output_config: { format: { type: "json_schema", schema: schema() } } },
  "an effort": { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "low" } }
}
