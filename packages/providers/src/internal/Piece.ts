/**
 * What a provider's answer is made of, whatever its wire format: a body or an event is read into pieces, and the
 * assembler turns pieces into the parts of `effect/ai`.
 */
import type * as Response from "effect/ai/Response"

/** Tokens of a call, as `effect/ai` counts them: totals include what was cached or spent on reasoning. */
export type Usage = Response.FinishPartEncoded["usage"]

/** A part of a stream. There is no `error` among them: an error ends the stream as a failure. */
export type Part = Exclude<Response.StreamPartEncoded, Response.ErrorPartEncoded>

export type Metadata = NonNullable<Response.TextPartEncoded["metadata"]>

export type Piece =
  /** What the provider calls the answer. `timestamp` is ISO 8601. */
  | {
      readonly _tag: "Meta"
      readonly id?: string | undefined
      readonly modelId?: string | undefined
      readonly timestamp?: string | undefined
    }
  /** Neighbours of one `block` are one part; a provider that does not number its blocks leaves it out. */
  | {
      readonly _tag: "Text" | "Reasoning"
      readonly text: string
      readonly block?: string | undefined
      readonly metadata?: Metadata | undefined
    }
  /** The model declines in its own words; the answer is then a failure of class `ContentPolicy`. */
  | { readonly _tag: "Refusal"; readonly text: string }
  /** A tool call or a fragment of one; fragments belong together by `index`. `params` is JSON text, or a part of it. */
  | {
      readonly _tag: "ToolCall"
      readonly index?: number | undefined
      readonly id?: string | undefined
      readonly name?: string | undefined
      readonly params: string
      /** Nothing of this call will follow. */
      readonly complete: boolean
      readonly metadata?: Metadata | undefined
    }
  | {
      readonly _tag: "File"
      readonly mediaType: string
      readonly base64: string
      readonly metadata?: Metadata | undefined
    }
  | { readonly _tag: "Usage"; readonly usage: Usage }
  /** The provider's terminal event. */
  | { readonly _tag: "Finish"; readonly reason: Response.FinishReason }

/** A count of tokens, if it is one. */
export const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined

/** `a - b`, where both are known; never negative. */
export const less = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? undefined : Math.max(0, a - (b ?? 0))
