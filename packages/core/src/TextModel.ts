/**
 * Text generation as a lane offers it: one call is one request to one provider, nothing is retried in it. The same shape,
 * with refusals added to its errors, is what a route offers, so whatever takes a lane takes a resilient route as well.
 *
 * It sits below `effect/ai`'s `LanguageModel` on purpose: tools run and outputs are decoded above it, once per operation,
 * while requests are repeated below it. A request is plain data: it can be hashed, stored and replayed.
 */
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import type * as JsonSchema from "effect/JsonSchema"
import type * as Failure from "./Failure.ts"
import type * as Sampling from "./Sampling.ts"

/** A tool the model may call, with its parameters as JSON Schema. */
export interface Tool {
  readonly name: string
  readonly description?: string | undefined
  readonly parameters: JsonSchema.JsonSchema
  /** Ask the provider to hold the model to the schema, where it can. */
  readonly strict?: boolean | undefined
}

/** Which tools the model may or must call. */
export type ToolChoice =
  | "auto"
  | "none"
  | "required"
  | { readonly tool: string }
  | { readonly mode: "auto" | "required"; readonly oneOf: ReadonlyArray<string> }

/** What the answer should be. */
export type ResponseFormat =
  | { readonly type: "text" }
  /** Any JSON object, without a schema. */
  | { readonly type: "json-object" }
  | {
      readonly type: "json"
      readonly name: string
      readonly schema: JsonSchema.JsonSchema
      readonly strict?: boolean | undefined
    }

export interface Request {
  readonly prompt: Prompt.Prompt
  readonly tools: ReadonlyArray<Tool>
  readonly toolChoice: ToolChoice
  readonly responseFormat: ResponseFormat
  readonly sampling: Sampling.Sampling
}

export interface TextModel<E = Failure.Failure> {
  /** The whole answer, ending with its `finish` part. */
  readonly generate: (request: Request) => Effect.Effect<ReadonlyArray<Response.PartEncoded>, E>
  /**
   * The answer as it comes. It succeeds only after the provider's terminal event, and its last part is `finish`; any
   * other end is a failure. Interrupting it closes the socket.
   */
  readonly stream: (request: Request) => Stream.Stream<Response.StreamPartEncoded, E>
}
