/**
 * How many tokens a request takes. `estimate` is cheap enough to ask before every request and says how far it may be off;
 * the layers are `effect/ai`'s `Tokenizer`: exact for the text of OpenAI's models, estimated for all others. No state but
 * the tables of the exact tokenizer, which a process loads once.
 */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Prompt from "effect/ai/Prompt"
import * as Tokenizer from "effect/ai/Tokenizer"
import * as TokenFile from "./internal/tokenFile.ts"
import * as TokenIds from "./internal/tokenIds.ts"
import * as TokenParts from "./internal/tokenParts.ts"
import * as TokenText from "./internal/tokenText.ts"
import * as Families from "./tokens/families.ts"
import * as Media from "./tokens/media.ts"

/** Whose tokens to count. */
export interface Target {
  readonly provider: string
  readonly model: string
}

export interface Estimate {
  readonly tokens: number
  /** The count is expected between `tokens * (1 - margin)` and `tokens * (1 + margin)`; see `tokens/families.ts`. */
  readonly margin: number
}

const anyModel: Target = { provider: "openai", model: "" }

/**
 * Estimates the input tokens of a prompt, of a request with its tools and its schema, or of texts to embed.
 *
 * **Details**
 *
 * Text goes by tokenx with the rates of the model's family. Images go by the provider's rule where the prompt holds them,
 * else as 1024 pixels square; PDF, audio and video by their bytes; each with a margin of its own, and the margin of the
 * whole is their mean by tokens. Tools and schemas count as their JSON.
 *
 * **Gotchas**
 *
 * Without a target it counts for a current model of OpenAI. What a provider adds unseen, such as the results of its own
 * tools, is not counted; reasoning handed back is, though some providers drop it.
 */
export const estimate = (
  input: Prompt.RawInput | TextModel.Request | EmbedModel.Request,
  target: Target = anyModel
): Estimate => {
  const family = Families.of(target.provider, target.model)
  if (typeof input === "object" && "inputs" in input) return total([ofTexts(input.inputs, family)])
  const media = Media.of(family.name, target.model)
  const isRequest = typeof input === "object" && "prompt" in input
  const { content } = isRequest ? input.prompt : Prompt.make(input)
  const tools = isRequest ? input.tools : []
  const frame = family.perRequest + (tools.length === 0 ? 0 : family.perTools + family.perTool * tools.length)
  return total([
    counted(frame, family.margin),
    ...ofMessages(content, family, media, [
      ...tools.flatMap(TokenParts.ofTool),
      ...(isRequest ? TokenParts.ofFormat(input.responseFormat) : [])
    ])
  ])
}

/** Estimates the tokens of a text by itself, without the frame of a message. */
export const estimateText = (text: string, target: Target = anyModel): Estimate => {
  const family = Families.of(target.provider, target.model)
  return { tokens: TokenText.estimate([text], family), margin: family.margin }
}

/**
 * The tokenizer of a model.
 *
 * **Details**
 *
 * Of OpenAI's models it gives the token numbers of ChatML: around the text of each message one for its start, its role,
 * one for the separator and one for its end, and behind all of them three that start the answer. That is how OpenAI's
 * cookbook counts chat completions. Up to GPT-5.6 the encoding is known, for later models it is taken to be the same. Calls
 * of tools and their results count as names and JSON. Files have no numbers, nor has anything of other providers: they are as many -1 as
 * `estimate` counts tokens.
 *
 * `truncate` drops whole messages from the front, as that of `effect/ai` does, but counts each only once.
 *
 * **Gotchas**
 *
 * The first use for OpenAI loads tables (some 0.4 s and 100 MB). A long text keeps the thread busy while it is encoded,
 * about 0.4 s for a million characters; `estimate` does not.
 */
export const layer = (target: Target): Layer.Layer<Tokenizer.Tokenizer> =>
  Layer.effect(Tokenizer.Tokenizer, makeTokenizer(target))

const makeTokenizer = Effect.fnUntraced(function* (target: Target): Effect.fn.Return<Tokenizer.Service> {
  const family = Families.of(target.provider, target.model)
  const media = Media.of(family.name, target.model)
  const isExact = family.name === "o200k" || family.name === "cl100k"
  const counter: Effect.Effect<Counter> = isExact
    ? yield* Effect.cached(
        Effect.map(
          Effect.promise(() => TokenIds.load(Families.encodingOf(target.model))),
          (encoder) => exactCounter(encoder, media)
        )
      )
    : Effect.succeed(estimatingCounter(family, media))
  return Tokenizer.Tokenizer.of({
    tokenize: (input) =>
      Effect.map(counter, ({ answer, ofMessage }) => [...Prompt.make(input).content.flatMap(ofMessage), ...answer]),
    truncate: (input, tokens) =>
      Effect.map(counter, ({ answer, ofMessage }) => {
        const { content } = Prompt.make(input)
        let left = tokens - answer.length
        let from = content.length
        for (const message of content.toReversed()) {
          left -= ofMessage(message).length
          if (left < 0) break
          from--
        }
        return Prompt.fromMessages(content.slice(from))
      })
  })
})

/** Token numbers of a message, and those that follow the last one. */
interface Counter {
  readonly ofMessage: (message: Prompt.Message) => ReadonlyArray<number>
  readonly answer: ReadonlyArray<number>
}

const exactCounter = (encoder: TokenIds.Encoder, media: Media.Media): Counter => ({
  answer: encoder.answer,
  ofMessage: (message) => {
    const [before, after] = encoder.frame(message.role)
    const content = TokenParts.ofMessage(message).flatMap((piece) =>
      typeof piece === "string" ? encoder.encode(piece) : unnumbered(TokenFile.estimate(piece, media).tokens)
    )
    return [...before, ...content, ...after]
  }
})

const estimatingCounter = (family: Families.Family, media: Media.Media): Counter => ({
  answer: unnumbered(family.perRequest),
  ofMessage: (message) => unnumbered(total(ofMessages([message], family, media)).tokens)
})

const unnumbered = (length: number): ReadonlyArray<number> => Array.from({ length }, () => -1)

/** Messages, and texts beside them. */
const ofMessages = (
  messages: ReadonlyArray<Prompt.Message>,
  family: Families.Family,
  media: Media.Media,
  texts: ReadonlyArray<string> = []
): ReadonlyArray<TokenFile.Counted> => {
  const found = [...texts]
  const files: Array<TokenFile.Counted> = []
  for (const piece of messages.flatMap(TokenParts.ofMessage)) {
    if (typeof piece === "string") found.push(piece)
    else files.push(TokenFile.estimate(piece, media))
  }
  return [counted(family.perMessage * messages.length, family.margin), ofTexts(found, family), ...files]
}

const ofTexts = (texts: ReadonlyArray<string>, family: Families.Family): TokenFile.Counted =>
  counted(TokenText.estimate(texts, family), family.margin)

const counted = (tokens: number, margin: number): TokenFile.Counted => ({ tokens, slack: tokens * margin })

const total = (parts: ReadonlyArray<TokenFile.Counted>): Estimate => {
  let tokens = 0
  let slack = 0
  for (const part of parts) {
    tokens += part.tokens
    slack += part.slack
  }
  return { tokens, margin: tokens === 0 ? 0 : slack / tokens }
}
