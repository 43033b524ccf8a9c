/** The body of OpenAI's `POST /v1/responses`, as far as the emulated server looks into it. Unknown fields pass. */
import * as Schema from "effect/Schema"
import type * as Conversation from "./Conversation.ts"
import * as Json from "./Json.ts"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Content = Schema.Union([
  Schema.String,
  Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.optional(Schema.String) }))
])

const Message = Schema.Struct({
  type: Schema.optional(Schema.Literal("message")),
  role: Schema.Literals(["user", "assistant", "system", "developer"]),
  content: Content
})

const FunctionCall = Schema.Struct({
  type: Schema.Literal("function_call"),
  call_id: Schema.String,
  name: Schema.String,
  arguments: Schema.String
})

const FunctionCallOutput = Schema.Struct({
  type: Schema.Literal("function_call_output"),
  call_id: Schema.String,
  output: Content
})

const Reasoning = Schema.Struct({
  type: Schema.Literal("reasoning"),
  summary: Schema.Array(Schema.Struct({ type: Schema.Literal("summary_text"), text: Schema.String })),
  encrypted_content: maybe(Schema.String)
})

const Item = Schema.Union([Message, FunctionCall, FunctionCallOutput, Reasoning])
export type Item = typeof Item.Type

const Tool = Schema.Struct({
  type: Schema.Literal("function"),
  name: Schema.String,
  parameters: maybe(Schema.Unknown)
})

const ToolChoice = Schema.Union([
  Schema.Literals(["auto", "none", "required"]),
  Schema.Struct({ type: Schema.Literal("function"), name: Schema.String })
])

export const Create = Schema.Struct({
  model: Schema.String,
  input: Schema.Union([Schema.String, Schema.NonEmptyArray(Item)]),
  instructions: maybe(Schema.String),
  stream: maybe(Schema.Boolean),
  previous_response_id: maybe(Schema.String),
  include: maybe(Schema.Array(Schema.String)),
  reasoning: maybe(Schema.Struct({ effort: maybe(Schema.String), summary: maybe(Schema.String) })),
  tools: maybe(Schema.Array(Tool)),
  tool_choice: maybe(ToolChoice),
  max_output_tokens: maybe(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  text: maybe(
    Schema.Struct({ format: maybe(Schema.Struct({ type: Schema.String, schema: Schema.optional(Schema.Unknown) })) })
  )
})
export type Create = typeof Create.Type

/** How many items came, and the role of the last; an item without one goes by its type. */
export const history = (body: unknown): { readonly count: number; readonly lastRole: string | undefined } => {
  if (Json.text(body, "input") !== undefined) return { count: 1, lastRole: "user" }
  const items = Json.list(body, "input")
  return { count: items.length, lastRole: Json.text(items.at(-1), "role") ?? Json.text(items.at(-1), "type") }
}

export const items = (request: Create): ReadonlyArray<Item> =>
  typeof request.input === "string" ? [{ role: "user", content: request.input }] : request.input

export const conversation = (request: Create): Conversation.Conversation => ({
  messages: [
    ...(typeof request.instructions === "string" ? [{ role: "system", text: request.instructions }] : []),
    ...items(request).flatMap(message)
  ],
  modelRole: "assistant",
  tools: (request.tools ?? []).map(({ name, parameters }) => ({ name, parameters: parameters ?? undefined })),
  toolChoice: toolChoice(request.tool_choice),
  maxWords: request.max_output_tokens ?? undefined,
  jsonSchema: request.text?.format?.schema
})

const message = (item: Item): ReadonlyArray<Conversation.Message> => {
  switch (item.type) {
    case "reasoning":
      return []
    case "function_call":
      return [{ role: "assistant", text: "" }]
    case "function_call_output":
      return [{ role: "tool", text: textOf(item.output) }]
    default:
      return [{ role: item.role, text: textOf(item.content) }]
  }
}

const textOf = (content: typeof Content.Type): string =>
  typeof content === "string" ? content : content.map((part) => part.text ?? "").join("")

const toolChoice = (choice: Create["tool_choice"]): Conversation.Conversation["toolChoice"] => {
  if (choice === undefined || choice === null) return "auto"
  if (choice === "required") return "any"
  return typeof choice === "string" ? choice : { name: choice.name }
}
