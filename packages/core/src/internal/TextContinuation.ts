/**
 * Goes on with a text of which the caller has the beginning: the request it needs of another model, and the parts of that
 * model's answer made to fit behind those delivered. Mutable, one per operation.
 *
 * A tool call that has begun is never gone on with: nobody could say whether the caller has acted on it.
 */
import * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Adaptation from "../Adaptation.ts"
import * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Operation from "../Operation.ts"
import type * as TextModel from "../TextModel.ts"
import * as Seam from "./Seam.ts"
import * as textAnswer from "./textAnswer.ts"

type Part = Response.StreamPartEncoded

/** A block of text or reasoning that has begun and not ended. */
interface Block {
  readonly type: "text" | "reasoning"
  readonly id: string
}

export class TextContinuation implements Operation.Continuation<Part, never> {
  readonly #request: TextModel.Request
  readonly #lanes: ReadonlyArray<Lane.Lane>
  readonly #textOf: (lane: Lane.Lane) => TextModel.TextModel
  #text = ""
  #block: Block | undefined
  /** Something was delivered that cannot be gone on with. */
  #isBound = false
  #continuations = 0
  /** The request that is being answered. */
  #answered: TextModel.Request
  /** What the cut requests took, as far as that can be estimated: their lanes have not said. */
  #cutInputTokens = 0
  #cut = 0

  constructor(
    request: TextModel.Request,
    lanes: ReadonlyArray<Lane.Lane>,
    textOf: (lane: Lane.Lane) => TextModel.TextModel
  ) {
    this.#request = request
    this.#answered = request
    this.#lanes = lanes
    this.#textOf = textOf
  }

  readonly answers = (part: Part): boolean => part.type === "text-delta" || textAnswer.commits(part)

  readonly delivered = (part: Part): void => {
    if (part.type === "text-start") this.#block = { type: "text", id: part.id }
    else if (part.type === "reasoning-start") this.#block = { type: "reasoning", id: part.id }
    else if (part.type === "text-end" || part.type === "reasoning-end") this.#block = undefined
    else if (part.type === "text-delta") this.#text += part.delta
    else if (part.type !== "reasoning-delta" && textAnswer.commits(part)) this.#isBound = true
  }

  readonly ways = (
    lane: Lane.Lane,
    from: ReadonlyArray<string>
  ): ReadonlyArray<Stream.Stream<Part, Failure.Failure>> => {
    if (this.#isBound) return []
    const ask = (request: TextModel.Request, seam: Seam.Seam | undefined, how: ReadonlyArray<Adaptation.Code>) =>
      Stream.unwrap(
        Effect.map(Adaptation.tell(how), () => {
          this.#continuations += 1
          const fitting = new Fitting({
            name: `continued-${this.#continuations}`,
            from,
            open: this.#block,
            seam,
            before: this.#used(request, from)
          })
          return this.#textOf(lane)
            .stream(request)
            .pipe(
              Stream.mapEffect((part) => {
                const parts = fitting.take(part)
                return parts === undefined ? Effect.fail(misfit(lane)) : Effect.succeed(parts)
              }),
              Stream.flattenIterable
            )
        })
      )
    // Of reasoning alone nothing is gone on with: the model thinks anew, unheard.
    if (this.#text.trim() === "") return [ask(this.#request, undefined, [])]
    const text = this.#text
    const instructed = ask(instruction(this.#request, text), Seam.begin(text, "instruction"), [
      "continued-by-instruction"
    ])
    // A host that takes no notice of the beginning answers anew, in other words: nobody could tell. So it has to be known.
    return lane.capabilities.prefill === true
      ? [ask(prefill(this.#request, text), Seam.begin(text, "prefill"), ["continued-by-prefill"]), instructed]
      : [instructed]
  }

  /** What the cut requests have used, about to be followed by this one. */
  #used(request: TextModel.Request, from: ReadonlyArray<string>): Operation.Usage {
    if (from.length > this.#cut) {
      const lane = this.#lanes.find(({ id }) => id === from.at(-1))
      const stated = this.#answered.sampling.maxOutputTokens ?? 0
      this.#cutInputTokens += Math.max(0, (lane?.estimateTokens?.(this.#answered) ?? 0) - stated)
      this.#cut = from.length
    }
    this.#answered = request
    return { inputTokens: this.#cutInputTokens, outputTokens: tokensOf(this.#text) }
  }
}

/** A token has about four characters. */
const tokensOf = (text: string): number => Math.ceil(text.length / 4)

const said = (text: string): Prompt.Message =>
  Prompt.makeMessage("assistant", { content: [Prompt.makePart("text", { text })] })

const behind = (request: TextModel.Request, ...messages: ReadonlyArray<Prompt.Message>): TextModel.Request => ({
  ...request,
  prompt: Prompt.fromMessages([...request.prompt.content, ...messages])
})

/** The answer begun in the model's own turn. Blanks at its end are rejected by some. */
const prefill = (request: TextModel.Request, text: string): TextModel.Request => {
  const { maxOutputTokens } = request.sampling
  if (maxOutputTokens === undefined) return behind(request, said(text.trimEnd()))
  // What was delivered has used some of it.
  const left = Math.max(1, maxOutputTokens - Math.floor(text.length / 4))
  return behind({ ...request, sampling: { ...request.sampling, maxOutputTokens: left } }, said(text.trimEnd()))
}

/** The same where a model does not go on with its own turn: it is told to. */
const instruction = (request: TextModel.Request, text: string): TextModel.Request =>
  behind(
    request,
    said(text.trimEnd()),
    Prompt.makeMessage("user", {
      content: [
        Prompt.makePart("text", {
          text:
            "Your answer was cut off. Go on exactly where it stops, without a word about this. Begin by repeating its " +
            `last words, to the letter: ${Seam.lastWords(text)}`
        })
      ]
    })
  )

const misfit = ({ id, model, provider }: Lane.Lane): Failure.Failure =>
  Failure.make("InvalidRequest", {
    provider,
    model,
    lane: id,
    scope: "request",
    rule: "continue/misfit",
    failover: true,
    detail: "the continuation does not fit behind what was delivered"
  })

const isRecord = (json: Schema.Json | undefined): json is Schema.JsonObject =>
  typeof json === "object" && json !== null && !Array.isArray(json)

interface Behind {
  /** Makes ids of this answer differ from those delivered. */
  readonly name: string
  readonly from: ReadonlyArray<string>
  /** The block the caller has open. */
  readonly open: Block | undefined
  readonly seam: Seam.Seam | undefined
  /** What the requests before it have used. */
  readonly before: Operation.Usage
}

/** What is not said stays unsaid. */
const plus = (said: number | undefined, before = 0): number | undefined =>
  said === undefined ? undefined : said + before

/** Makes the parts of one answer fit behind what was delivered. */
class Fitting {
  readonly #name: string
  readonly #from: ReadonlyArray<string>
  readonly #before: Operation.Usage
  #seam: Seam.Seam | undefined
  /** The caller's open block. */
  #open: Block | undefined
  /** Whether that one is the answer's too, under its own id. */
  #isShared: boolean

  constructor({ before, from, name, open, seam }: Behind) {
    this.#before = before
    this.#name = name
    this.#from = from
    this.#open = open
    this.#isShared = open?.type === "text"
    this.#seam = seam
  }

  /** What the caller is given for a part; `undefined` when the answer does not fit. */
  take(part: Part): ReadonlyArray<Part> | undefined {
    switch (part.type) {
      // From here on another model speaks.
      case "response-metadata":
        return [part]
      // The caller has heard another model's thoughts, or those of the same one to their end.
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return []
      case "text-start":
        return this.#isShared ? [] : this.#begin(part.id)
      case "text-delta": {
        const joined = this.#join((seam) => Seam.push(seam, part.delta), part.delta)
        return joined === undefined ? undefined : [{ ...part, id: this.#open?.id ?? part.id, delta: joined }]
      }
      case "text-end":
        // Text that is still held back belongs to this block; what follows may be another one.
        return this.#settled(() => this.#close())
      case "finish":
        return this.#settled(() => [...this.#close(), this.#signed(part)])
      default:
        return this.#settled(() => [...this.#close(), part])
    }
  }

  /** The end says who gave the beginning, and counts what that has used. */
  #signed(part: Response.FinishPartEncoded): Response.FinishPartEncoded {
    const ours = part.metadata?.["holdfast"]
    const skippedEvents = isRecord(ours) ? ours["skippedEvents"] : undefined
    const { inputTokens, outputTokens } = part.usage
    const { inputTokens: cutInput, outputTokens: cutOutput } = this.#before
    const holdfast = {
      continuedFrom: this.#from,
      usageEstimated: true,
      lastUsage: {
        ...(inputTokens.total === undefined ? {} : { inputTokens: inputTokens.total }),
        ...(outputTokens.total === undefined ? {} : { outputTokens: outputTokens.total })
      },
      ...(skippedEvents === undefined ? {} : { skippedEvents })
    }
    return {
      ...part,
      usage: {
        inputTokens: {
          ...inputTokens,
          uncached: plus(inputTokens.uncached, cutInput),
          total: plus(inputTokens.total, cutInput)
        },
        outputTokens: {
          ...outputTokens,
          text: plus(outputTokens.text, cutOutput),
          total: plus(outputTokens.total, cutOutput)
        }
      },
      metadata: { ...part.metadata, holdfast }
    }
  }

  #begin(id: string): ReadonlyArray<Part> {
    const before = this.#close()
    // The caller may know this id already, of a block that has ended.
    this.#open = { type: "text", id: `${id}-${this.#name}` }
    return [...before, { type: "text-start", id: this.#open.id }]
  }

  #close(): ReadonlyArray<Part> {
    const open = this.#open
    if (open === undefined) return []
    this.#open = undefined
    this.#isShared = false
    return [{ type: `${open.type}-end`, id: open.id }]
  }

  #join(step: (seam: Seam.Seam) => readonly [Seam.Seam, string | undefined], otherwise: string): string | undefined {
    if (this.#seam === undefined) return otherwise
    const [seam, joined] = step(this.#seam)
    this.#seam = seam
    return joined
  }

  /** The parts, behind what the seam still holds. */
  #settled(parts: () => ReadonlyArray<Part>): ReadonlyArray<Part> | undefined {
    // An answer without text, such as a tool call, has no seam.
    const rest = this.#seam?.held === "" ? "" : this.#join(Seam.end, "")
    if (rest === undefined) return undefined
    if (rest === "" || this.#open === undefined) return parts()
    return [{ type: "text-delta", id: this.#open.id, delta: rest }, ...parts()]
  }
}
