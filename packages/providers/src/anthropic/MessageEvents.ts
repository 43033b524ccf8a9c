/**
 * The events of a streamed Messages answer, as pieces. One reader per stream: which block a fragment belongs to, the
 * tokens of the input and the reason to stop come in events of their own, and the answer is complete at `message_stop`.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Piece from "../internal/Piece.ts"
import * as Trouble from "../internal/Trouble.ts"
import * as ContentBlock from "./ContentBlock.ts"
import { meta } from "./MessageAnswer.ts"
import * as Stop from "./Stop.ts"
import * as Tokens from "./Tokens.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Typed = Schema.Struct({ type: Schema.String })
const Start = Schema.Struct({
  message: Schema.Struct({
    id: Schema.optional(Schema.Unknown),
    model: Schema.optional(Schema.Unknown),
    usage: Schema.optional(Schema.Unknown)
  })
})
const BlockStart = Schema.Struct({ index: Schema.Int, content_block: ContentBlock.ContentBlock })
const BlockDelta = Schema.Struct({
  index: Schema.Int,
  delta: Schema.Struct({
    type: Schema.String,
    text: nullish(Schema.String),
    thinking: nullish(Schema.String),
    signature: nullish(Schema.String),
    partial_json: nullish(Schema.String)
  })
})
const BlockStop = Schema.Struct({ index: Schema.Int })
const MessageDelta = Schema.Struct({
  delta: nullish(Schema.Struct({ stop_reason: nullish(Schema.String) })),
  usage: Schema.optional(Schema.Unknown)
})

const decodeTyped = Schema.decodeUnknownOption(Typed)
const decodeStart = Schema.decodeUnknownOption(Start)
const decodeBlockStart = Schema.decodeUnknownOption(BlockStart)
const decodeBlockDelta = Schema.decodeUnknownOption(BlockDelta)
const decodeBlockStop = Schema.decodeUnknownOption(BlockStop)
const decodeMessageDelta = Schema.decodeUnknownOption(MessageDelta)

type Pieces = Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble>

export class MessageEvents {
  private readonly blocks = new Map<number, ContentBlock.ContentBlock>()
  /** The calls whose input comes in fragments. */
  private readonly fragmented = new Set<number>()
  private tokens: Tokens.Tokens | undefined
  private reason: string | null | undefined
  private hasContent = false

  /** The pieces of one event. Kinds we do not know say nothing: the API may add some at any time. */
  read(data: unknown, event: string): Pieces {
    const type = Option.getOrUndefined(decodeTyped(data))?.type
    switch (type) {
      case undefined:
        return Result.fail(Trouble.badEvent("an event without a type"))
      case "error":
        return Result.fail({ evidence: { kind: "stream", body: data, event } })
      case "message_start":
        return decoded(decodeStart(data), ({ message }) => {
          this.tokens = Tokens.read(message.usage, this.tokens)
          return Result.succeed(meta(message))
        })
      case "content_block_start":
        return decoded(decodeBlockStart(data), ({ content_block, index }) => {
          this.blocks.set(index, content_block)
          return this.say(ContentBlock.pieces(content_block, index, false))
        })
      case "content_block_delta":
        return decoded(decodeBlockDelta(data), ({ delta, index }) => this.say(this.fragment(index, delta)))
      case "content_block_stop":
        return decoded(decodeBlockStop(data), ({ index }) => this.say(this.complete(index)))
      case "message_delta":
        return decoded(decodeMessageDelta(data), ({ delta, usage }) => {
          this.tokens = Tokens.read(usage, this.tokens)
          this.reason = delta?.stop_reason ?? this.reason
          const trouble = Stop.trouble(this.reason, this.hasContent, { kind: "stream", body: data, event })
          return trouble === undefined ? Result.succeed([]) : Result.fail(trouble)
        })
      case "message_stop":
        return Result.succeed([
          ...Tokens.pieces(this.tokens),
          { _tag: "Finish", reason: Stop.finishReason(this.reason) }
        ])
      default:
        return Result.succeed([])
    }
  }

  private say(pieces: ReadonlyArray<Piece.Piece>): Pieces {
    this.hasContent ||= pieces.some(
      (piece) => piece._tag === "ToolCall" || (piece._tag === "Text" && piece.text !== "")
    )
    return Result.succeed(pieces)
  }

  private fragment(index: number, delta: (typeof BlockDelta.Type)["delta"]): ReadonlyArray<Piece.Piece> {
    const block = String(index)
    switch (delta.type) {
      case "text_delta":
        return [{ _tag: "Text", text: delta.text ?? "", block }]
      case "thinking_delta":
        return [{ _tag: "Reasoning", text: delta.thinking ?? "", block }]
      case "signature_delta":
        return [{ _tag: "Reasoning", text: "", block, metadata: ContentBlock.named("signature", delta.signature) }]
      case "input_json_delta": {
        // Tools that run at the provider get their input in such fragments too.
        if ((this.blocks.get(index)?.type ?? "tool_use") !== "tool_use") return []
        const params = delta.partial_json ?? ""
        if (params !== "") this.fragmented.add(index)
        return [{ _tag: "ToolCall", index, params, complete: false }]
      }
      default:
        return []
    }
  }

  private complete(index: number): ReadonlyArray<Piece.Piece> {
    const block = this.blocks.get(index)
    if (block?.type !== "tool_use") return []
    // Some hosts of this format give the input whole, at the start.
    const params = this.fragmented.has(index) ? "" : ContentBlock.params(block.input)
    return [{ _tag: "ToolCall", index, params, complete: true }]
  }
}

const decoded = <A>(event: Option.Option<A>, read: (event: A) => Pieces): Pieces =>
  Option.isSome(event) ? read(event.value) : Result.fail(Trouble.badEvent("an event of another shape"))
