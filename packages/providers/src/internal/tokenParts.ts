/** What there is to count in a message and beside it: texts as the model reads them, and files. */
import type * as TextModel from "@holdfast/core/TextModel"
import type * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import * as requestChecks from "./requestChecks.ts"

export type Piece = string | Prompt.FilePart

/** The pieces of a message in their order. */
export const ofMessage = (message: Prompt.Message): ReadonlyArray<Piece> =>
  message.role === "system" ? [message.content] : message.content.flatMap(ofPart)

const ofPart = (part: Prompt.Part): ReadonlyArray<Piece> => {
  switch (part.type) {
    case "text":
    case "reasoning":
      return [part.text]
    case "file":
      return [part]
    case "tool-call":
      return [part.name, json(part.params)]
    case "tool-result":
      return part.modelOutput === undefined
        ? [part.name, json(part.result)]
        : [part.name, ...part.modelOutput.flatMap(ofPart)]
    case "tool-approval-request":
    case "tool-approval-response":
      return []
  }
}

/** A tool as JSON: providers write it in forms of their own, which take about as many tokens. */
export const ofTool = (tool: TextModel.Tool): ReadonlyArray<string> => [
  tool.name,
  tool.description ?? "",
  json(tool.parameters)
]

export const ofFormat = (format: TextModel.ResponseFormat): ReadonlyArray<string> =>
  format.type === "json" ? [format.name, json(format.schema)] : []

const json = (value: unknown): string =>
  typeof value === "string" ? value : Result.getOrElse(requestChecks.jsonText(value, "value"), () => "")
