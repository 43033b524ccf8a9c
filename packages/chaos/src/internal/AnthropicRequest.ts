/** Anthropic's request bodies, as far as the emulated server looks into them. Unknown fields are let through. */
import * as Schema from "effect/Schema"
import type * as Conversation from "./Conversation.ts"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Block = Schema.Struct({
  type: Schema.String,
  text: Schema.optional(Schema.String),
  id: Schema.optional(Schema.String),
  tool_use_id: Schema.optional(Schema.String),
  signature: Schema.optional(Schema.String),
  content: Schema.optional(Schema.Unknown)
})
export type Block = typeof Block.Type

const Content = Schema.Union([Schema.String, Schema.Array(Block)])

const Message = Schema.Struct({ role: Schema.Literals(["user", "assistant", "system"]), content: Content })

const Tool = Schema.Struct({ name: Schema.String, input_schema: Schema.optional(Schema.Unknown) })

const ToolChoice = Schema.Struct({
  type: Schema.Literals(["auto", "any", "tool", "none"]),
  name: Schema.optional(Schema.String)
})

const Thinking = Schema.Struct({
  type: Schema.Literals(["adaptive", "enabled", "disabled", "between_tools"]),
  budget_tokens: Schema.optional(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1024))),
  display: maybe(Schema.Literals(["summarized", "omitted"]))
})

const OutputConfig = Schema.Struct({
  effort: maybe(Schema.Literals(["low", "medium", "high", "xhigh", "max"])),
  format: maybe(Schema.Struct({ type: Schema.Literal("json_schema"), schema: Schema.Unknown }))
})

const counted = {
  model: Schema.String,
  messages: Schema.NonEmptyArray(Message),
  system: Schema.optional(Content),
  tools: maybe(Schema.Array(Tool)),
  tool_choice: maybe(ToolChoice),
  thinking: maybe(Thinking),
  output_config: maybe(OutputConfig)
}

export const Count = Schema.Struct(counted)
export type Count = typeof Count.Type

export const Create = Schema.Struct({
  ...counted,
  max_tokens: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  stream: maybe(Schema.Boolean),
  stop_sequences: maybe(Schema.Array(Schema.String)),
  temperature: maybe(Schema.Finite),
  top_p: maybe(Schema.Finite),
  top_k: maybe(Schema.Finite)
})
export type Create = typeof Create.Type

/** The blocks of a content, of which a text is the short form. */
export const blocksOf = (content: typeof Content.Type): ReadonlyArray<Block> =>
  typeof content === "string" ? [{ type: "text", text: content }] : content

const textOf = (content: typeof Content.Type): string =>
  blocksOf(content)
    .map((block) => block.text ?? "")
    .join("")

/** All that is said, the system prompt first. */
export const messages = (request: Count): ReadonlyArray<Conversation.Message> => [
  ...(request.system === undefined ? [] : [{ role: "system", text: textOf(request.system) }]),
  ...request.messages.map(({ content, role }) => ({ role, text: textOf(content) }))
]

export const conversation = (request: Create): Conversation.Conversation => ({
  messages: messages(request),
  modelRole: "assistant",
  tools: (request.tools ?? []).map((tool) => ({ name: tool.name, parameters: tool.input_schema })),
  toolChoice: toolChoice(request.tool_choice),
  maxWords: request.max_tokens,
  jsonSchema: request.output_config?.format?.schema
})

const toolChoice = (choice: Create["tool_choice"]): Conversation.Conversation["toolChoice"] => {
  if (choice === undefined || choice === null) return "auto"
  return choice.type === "tool" ? { name: choice.name ?? "" } : choice.type
}
