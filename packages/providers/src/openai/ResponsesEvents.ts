/**
 * The events of a streamed response, as pieces. Deltas carry the answer; the events that repeat it whole count where no
 * delta came. Kinds of events that are not known say nothing: the API adds to them.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"
import type * as ServerEvents from "../internal/ServerEvents.ts"
import * as Trouble from "../internal/Trouble.ts"
import { isError } from "./ChatAnswer.ts"
import * as ResponsesAnswer from "./ResponsesAnswer.ts"
import * as ResponsesItem from "./ResponsesItem.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Event = Schema.Struct({
  type: nullish(Schema.String),
  output_index: nullish(Schema.Finite),
  item_id: nullish(Schema.String),
  summary_index: nullish(Schema.Finite),
  delta: Schema.optional(Schema.Unknown),
  item: Schema.optional(Schema.Unknown),
  response: Schema.optional(Schema.Unknown)
})
type Event = typeof Event.Type

const decodeEvent = Schema.decodeUnknownOption(Event)

type Pieces = Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble>

/** Reads the events of one stream; `lane` is the one that asked. */
export const reader = (lane: string): ServerEvents.Options["read"] => {
  /** The items that deltas came of, by their place in the output. */
  const told = new Set<string>()
  let isCut = false

  const delta = (event: Event, piece: (text: string) => Piece.Piece): Pieces => {
    if (typeof event.delta !== "string") return bad("a delta is no text")
    told.add(placeOf(event))
    return Result.succeed([piece(event.delta)])
  }

  return (data, name) => {
    const evidence: Trouble.Evidence = { kind: "stream", body: data, event: name }
    const event = Option.getOrUndefined(decodeEvent(data))
    const type = event?.type ?? (name.startsWith("response.") || name === "error" ? name : undefined)
    if (type === "error" || (type === undefined && isError(data))) return Result.fail(ResponsesAnswer.failed(evidence))
    if (event === undefined || type === undefined) return bad("an event is none of a response")
    const block = placeOf(event)
    const index = event.output_index ?? undefined
    switch (type) {
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        return Result.map(bodyOf(event), ResponsesAnswer.meta)
      case "response.output_text.delta":
        return delta(event, (text) => ({ _tag: "Text", text, block }))
      case "response.refusal.delta":
        return delta(event, (text) => ({ _tag: "Refusal", text }))
      case "response.reasoning_summary_part.added":
        return Result.succeed((event.summary_index ?? 0) > 0 ? [{ _tag: "Reasoning", text: "\n\n", block }] : [])
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_text.delta":
        return delta(event, (text) => ({ _tag: "Reasoning", text, block }))
      case "response.function_call_arguments.delta":
        return delta(event, (params) => ({ _tag: "ToolCall", index, params, complete: false }))
      case "response.output_item.added":
        return Result.map(itemOf(event), (item) =>
          item?.type === "function_call" ? [ResponsesItem.call(item, index, "", false)] : []
        )
      case "response.output_item.done":
        return Result.map(itemOf(event), (item) => {
          if (item === undefined) return []
          isCut ||= ResponsesItem.isCut(item)
          return ResponsesItem.pieces(item, { block, index, lane, isTold: told.has(block) })
        })
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
      case "response.cancelled": {
        const status = type.slice("response.".length)
        return Result.flatMap(bodyOf(event), (body) =>
          Result.map(ResponsesAnswer.ending(body, { evidence, status, isCut }), (last) => [
            ...ResponsesAnswer.meta(body),
            ...last
          ])
        )
      }
      default:
        return Result.succeed([])
    }
  }
}

const bad = (why: string): Result.Result<never, Trouble.Trouble> => Result.fail(Trouble.badEvent(why))

/** The place in the output rather than the item's id: some hosts give every event of an item its own. */
const placeOf = (event: Event): string => String(event.output_index ?? event.item_id ?? "")

const bodyOf = (event: Event): Result.Result<ResponsesAnswer.Body, Trouble.Trouble> => {
  const body = ResponsesAnswer.decode(event.response)
  return body === undefined ? bad("an event has no response") : Result.succeed(body)
}

const itemOf = (event: Event): Result.Result<ResponsesItem.Item | undefined, Trouble.Trouble> =>
  Result.mapError(ResponsesItem.read(event.item), Trouble.badEvent)
