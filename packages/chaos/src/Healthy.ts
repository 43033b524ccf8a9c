/**
 * How an emulated provider answers when no fault applies: what it says, in which pieces and how fast. Data without
 * state.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Fault from "./Fault.ts"

/** Sixty words, the default answer. */
export const sixtyWords =
  "A holdfast is the part of a kelp that grips the rock beneath it. Storms pull at the long blades every winter, " +
  "and the waves never tire, yet the plant stays where it began. It does not fight the water. It bends, waits for " +
  "the calm between swells, and keeps its place until the sea has spent its strength again."

const noWait = Fault.Wait.pipe(Schema.withDecodingDefaultKey(Effect.succeed("0 millis")))

const tokens = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** The answer's words. */
export const Reply = Schema.TaggedUnion({
  /** One text, whatever is asked. */
  Fixed: { text: Schema.String },
  /** `You said: ` and the last user message. */
  Echo: {},
  /**
   * What a model does with a question and sources: of the lines of the conversation that begin with `[n]`, the sentence
   * that has most words in common with the last user message, and `[n]` behind it; without one, `I do not know.`.
   */
  Quote: {}
})
export type Reply = typeof Reply.Type

export const Healthy = Schema.Struct({
  /** Default: the fixed `sixtyWords`. */
  reply: Reply.pipe(Schema.withDecodingDefaultKey(Effect.succeed({ _tag: "Fixed", text: sixtyWords } as const))),
  /** Words in one chunk of a stream. Default 1. */
  wordsPerChunk: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(1))
  ),
  /** Between two chunks of a stream. Default none. */
  chunkDelay: noWait,
  /** Before the first byte of any answer, errors included. Default none. */
  latency: noWait,
  /** Tokens that a text answer says it took. Default: the words of the conversation and of the answer. */
  usage: Schema.optionalKey(Schema.Struct({ input: tokens, output: tokens }))
})
export type Healthy = typeof Healthy.Type

/** Healthy behaviour as a plan writes it. */
export type Input = typeof Healthy.Encoded
