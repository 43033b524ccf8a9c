/** Gemini's request bodies, as far as the emulated server looks into them. Unknown fields are let through. */
import * as Schema from "effect/Schema"
import type * as Conversation from "./Conversation.ts"

const Content = Schema.Struct({
  role: Schema.optional(Schema.String),
  parts: Schema.optional(Schema.Array(Schema.Struct({ text: Schema.optional(Schema.String) })))
})
type Content = typeof Content.Type

const FunctionDeclaration = Schema.Struct({
  name: Schema.String,
  parameters: Schema.optional(Schema.Unknown),
  parametersJsonSchema: Schema.optional(Schema.Unknown)
})

const positive = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

export const Generate = Schema.Struct({
  contents: Schema.NonEmptyArray(Content),
  systemInstruction: Schema.optional(Content),
  tools: Schema.optional(
    Schema.Array(Schema.Struct({ functionDeclarations: Schema.optional(Schema.Array(FunctionDeclaration)) }))
  ),
  toolConfig: Schema.optional(
    Schema.Struct({
      functionCallingConfig: Schema.optional(
        Schema.Struct({
          mode: Schema.optional(Schema.String),
          allowedFunctionNames: Schema.optional(Schema.Array(Schema.String))
        })
      )
    })
  ),
  generationConfig: Schema.optional(
    Schema.Struct({
      maxOutputTokens: Schema.optional(positive),
      responseSchema: Schema.optional(Schema.Unknown),
      responseJsonSchema: Schema.optional(Schema.Unknown)
    })
  )
})
export type Generate = typeof Generate.Type

export const Embed = Schema.Struct({ content: Content, outputDimensionality: Schema.optional(positive) })
export type Embed = typeof Embed.Type

export const BatchEmbed = Schema.Struct({ requests: Schema.NonEmptyArray(Embed) })
export type BatchEmbed = typeof BatchEmbed.Type

export const Count = Schema.Struct({ contents: Schema.NonEmptyArray(Content) })
export type Count = typeof Count.Type

export const textOf = (content: Content): string => (content.parts ?? []).map((part) => part.text ?? "").join("")

export const conversation = (request: Generate): Conversation.Conversation => ({
  messages: [
    ...(request.systemInstruction === undefined ? [] : [{ role: "system", text: textOf(request.systemInstruction) }]),
    ...request.contents.map((content) => ({ role: content.role ?? "user", text: textOf(content) }))
  ],
  modelRole: "model",
  tools: (request.tools ?? [])
    .flatMap((tool) => tool.functionDeclarations ?? [])
    .map((tool) => ({ name: tool.name, parameters: tool.parametersJsonSchema ?? tool.parameters })),
  toolChoice: toolChoice(request),
  maxWords: request.generationConfig?.maxOutputTokens,
  jsonSchema: request.generationConfig?.responseJsonSchema ?? request.generationConfig?.responseSchema
})

const toolChoice = (request: Generate): Conversation.Conversation["toolChoice"] => {
  const config = request.toolConfig?.functionCallingConfig
  switch (config?.mode) {
    case "ANY": {
      const name = config.allowedFunctionNames?.[0]
      return name === undefined ? "any" : { name }
    }
    case "NONE":
      return "none"
    default:
      return "auto"
  }
}
