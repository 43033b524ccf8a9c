/** Lanes whose models all tell one story, in pieces, and go on with it as models do; each call goes as a plan says. */
import { Effect, Stream } from "effect"
import type { Prompt, Response } from "effect/ai"
import { Failure, Lane, type TextModel } from "@holdfast/core"
import * as Seam from "../src/internal/Seam.ts"
import { delta, finish } from "./Scripted.ts"

/** How a model goes on: as asked, with all of the story, or with another one. `reject`: not behind a turn of its own. */
type Manner = "as asked" | "anew" | "astray" | "reject"

export interface Call {
  readonly manner: Manner
  /** How long the pieces are. */
  readonly pieces: ReadonlyArray<number>
  /** How many of them come. All of them: the answer is whole. */
  readonly upTo: number
  /** How an answer ends that is not whole. */
  readonly ending: Failure.Class | "stall" | "bug"
}

export const whole: Call = { manner: "as asked", pieces: [7], upTo: Number.POSITIVE_INFINITY, ending: "Network" }

export const astray = "Another plant altogether, which nobody has asked about, stands in the garden."

/** What is asked for: the story, or the rest of it, in one form or the other. */
const askedOf = ({ content }: Prompt.Prompt): { readonly form?: Seam.Form; readonly delivered: string } => {
  const last = content.at(-1)
  const begun = content.findLast((message) => message.role === "assistant")
  const delivered = begun === undefined ? "" : textOf(begun)
  if (begun === undefined) return { delivered }
  return { form: last === begun ? "prefill" : "instruction", delivered }
}

const textOf = (message: Prompt.AssistantMessage): string =>
  message.content.map((part) => (part.type === "text" ? part.text : "")).join("")

/** The call's text, or undefined where it is rejected. */
const told = (story: string, call: Call, { delivered, form }: ReturnType<typeof askedOf>): string | undefined => {
  if (call.manner === "reject" && form === "prefill") return undefined
  // Whoever goes on with a turn of its own goes on, whatever it says.
  if (call.manner === "astray" && form !== "prefill") return astray
  if (form === undefined) return story
  const begun = story.startsWith(delivered) ? story : astray
  if (call.manner === "anew") return begun
  const rest = begun.slice(delivered.length)
  return form === "prefill" ? rest : Seam.lastWords(delivered) + rest
}

const piecesOf = (text: string, lengths: ReadonlyArray<number>): ReadonlyArray<string> => {
  const characters = Array.from(text)
  const pieces: Array<string> = []
  for (let at = 0, n = 0; at < characters.length; n++) {
    const length = lengths[n % lengths.length] ?? 1
    pieces.push(characters.slice(at, at + length).join(""))
    at += length
  }
  return pieces
}

/** A lane that goes through the calls, the last of which repeats; and what it was asked. */
export const storyteller = (
  id: string,
  story: string,
  calls: ReadonlyArray<Call>,
  options: Partial<Lane.Options> = {}
) => {
  const [provider = "", model = ""] = id.split("/")
  const asked: Array<ReturnType<typeof askedOf>> = []
  const requests: Array<TextModel.Request> = []
  const target = { provider, model, lane: id, scope: "request", rule: "test" } as const
  const start: Response.StreamPartEncoded = { type: "text-start", id: "1" }
  const end: Response.StreamPartEncoded = { type: "text-end", id: "1" }
  const lane = Lane.make({
    provider,
    model,
    id,
    ...options,
    text: {
      generate: () => Effect.die("a story is streamed"),
      stream: (request) =>
        Stream.suspend((): Stream.Stream<Response.StreamPartEncoded, Failure.Failure> => {
          const call = calls[Math.min(asked.length, calls.length - 1)] ?? whole
          const ask = askedOf(request.prompt)
          asked.push(ask)
          requests.push(request)
          const text = told(story, call, ask)
          if (text === undefined) return Stream.fail(Failure.make("InvalidRequest", target))
          const pieces = piecesOf(text, call.pieces)
          const coming = Stream.fromIterable(pieces.slice(0, call.upTo)).pipe(Stream.rechunk(1), Stream.map(delta))
          const ending =
            call.upTo >= pieces.length
              ? Stream.make(end, finish)
              : call.ending === "stall"
                ? Stream.never
                : call.ending === "bug"
                  ? Stream.die("a bug")
                  : Stream.fail(Failure.make(call.ending, target))
          return Stream.make(start).pipe(Stream.concat(coming), Stream.concat(ending))
        })
    }
  })
  return { id, lane: Effect.succeed(lane), asked, requests }
}
