/** OpenAI's request bodies, as far as the emulated server looks into them. Unknown fields are let through. */
import * as Schema from "effect/Schema"
import type * as Conversation from "./Conversation.ts"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Part = Schema.Struct({ type: Schema.String, text: Schema.optional(Schema.String) })

const Message = Schema.Struct({
  role: Schema.String,
  content: maybe(Schema.Union([Schema.String, Schema.Array(Part)]))
})

const Tool = Schema.Struct({
  type: Schema.Literal("function"),
  function: Schema.Struct({ name: Schema.String, parameters: Schema.optional(Schema.Unknown) })
})

const ToolChoice = Schema.Union([
  Schema.Literals(["auto", "none", "required"]),
  Schema.Struct({ function: Schema.Struct({ name: Schema.String }) })
])

const ResponseFormat = Schema.Struct({
  type: Schema.String,
  json_schema: Schema.optional(Schema.Struct({ schema: Schema.optional(Schema.Unknown) }))
})

const limit = maybe(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)))

export const Chat = Schema.Struct({
  model: Schema.String,
  messages: Schema.NonEmptyArray(Message),
  stream: maybe(Schema.Boolean),
  stream_options: maybe(Schema.Struct({ include_usage: Schema.optional(Schema.Boolean) })),
  tools: maybe(Schema.Array(Tool)),
  tool_choice: maybe(ToolChoice),
  max_tokens: limit,
  max_completion_tokens: limit,
  response_format: maybe(ResponseFormat)
})
export type Chat = typeof Chat.Type

export const Embeddings = Schema.Struct({
  model: Schema.String,
  input: Schema.Union([Schema.String, Schema.NonEmptyArray(Schema.String)]),
  dimensions: maybe(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  encoding_format: maybe(Schema.Literals(["float", "base64"]))
})
export type Embeddings = typeof Embeddings.Type

export const conversation = (request: Chat): Conversation.Conversation => ({
  messages: request.messages.map((message) => ({ role: message.role, text: textOf(message.content) })),
  modelRole: "assistant",
  tools: (request.tools ?? []).map((tool) => ({ name: tool.function.name, parameters: tool.function.parameters })),
  toolChoice: toolChoice(request.tool_choice),
  maxWords: request.max_completion_tokens ?? request.max_tokens ?? undefined,
  jsonSchema: request.response_format?.json_schema?.schema
})

const textOf = (content: (typeof Message.Type)["content"]): string =>
  typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("")

const toolChoice = (choice: Chat["tool_choice"]): Conversation.Conversation["toolChoice"] => {
  if (choice === undefined || choice === null) return "auto"
  if (choice === "required") return "any"
  return typeof choice === "string" ? choice : { name: choice.function.name }
}
