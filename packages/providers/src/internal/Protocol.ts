/** A wire format at one host, as pure functions: what to send where, and what the answers say. */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import type * as Lane from "@holdfast/core/Lane"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as Result from "effect/Result"
import type { Encoded } from "./Encoded.ts"
import type * as Piece from "./Piece.ts"
import type * as Problem from "./Problem.ts"
import type * as ServerEvents from "./ServerEvents.ts"
import type { Trouble } from "./Trouble.ts"

export interface Protocol {
  readonly format: Problem.Format
  readonly text: {
    readonly url: string
    readonly streamUrl: string
    readonly encode: (request: TextModel.Request, isStream: boolean) => Result.Result<Encoded, Problem.Problem>
    readonly readWhole: (body: unknown) => Result.Result<ReadonlyArray<Piece.Piece>, Trouble>
    /** What one event says. Made anew for each stream, so that it may remember the events before. */
    readonly eventReader: () => ServerEvents.Options["read"]
  }
  /** Absent where the provider makes no embeddings. */
  readonly embed?: {
    readonly url: string
    readonly encode: (request: EmbedModel.Request) => Result.Result<Encoded, Problem.Problem>
    readonly read: (
      body: unknown,
      options: {
        readonly request: EmbedModel.Request
        readonly model: string
        readonly capabilities: Lane.Capabilities
      }
    ) => Result.Result<EmbedModel.Response, Trouble>
  }
  /** Answers a GET with the models, free of charge. */
  readonly modelsUrl: string
}
