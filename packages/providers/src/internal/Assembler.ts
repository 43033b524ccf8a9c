/**
 * Turns the pieces of one answer into the parts of `effect/ai`, in the order of a stream: blocks of text and reasoning
 * open and close, tool calls collect their fragments, `finish` comes last. Mutable, one per answer, no I/O.
 */
import type * as Response from "effect/ai/Response"
import * as Answer from "./Answer.ts"
import type * as Piece from "./Piece.ts"
import { ToolCalls } from "./ToolCalls.ts"
import type { Trouble } from "./Trouble.ts"

export interface Options {
  readonly head: Answer.Head
  /** Starts the ids of tool calls that the provider left without one; differs from answer to answer. */
  readonly idPrefix: string
  /** As what the classifier is shown a refusal. */
  readonly evidence: "response-200" | "stream"
}

interface Block {
  readonly type: "text" | "reasoning"
  readonly id: string
  /** The provider's name of the block. */
  readonly name: string | undefined
  metadata: Piece.Metadata | undefined
}

type Written = Extract<Piece.Piece, { _tag: "Text" | "Reasoning" }>

const noUsage: Piece.Usage = { inputTokens: {}, outputTokens: {} }

export class Assembler {
  private readonly options: Options
  private readonly calls: ToolCalls
  private parts: Array<Piece.Part> = []
  private blocks = 0
  private block: Block | undefined
  private refusal = ""
  private hasContent = false
  private hasMeta = false
  private usage: Piece.Usage | undefined
  private reason: Response.FinishReason | undefined
  /** Events left out because they could not be understood. */
  skipped = 0

  constructor(options: Options) {
    this.options = options
    this.calls = new ToolCalls(options.idPrefix, (part) => void this.parts.push(part))
  }

  /** Whether the provider's terminal event was seen. */
  get isFinished(): boolean {
    return this.reason !== undefined
  }

  /** Whether the tokens of the call are known. */
  get hasUsage(): boolean {
    return this.usage !== undefined
  }

  /** The parts that are ready, each given out once. */
  take(): ReadonlyArray<Piece.Part> {
    const ready = this.parts
    this.parts = []
    return ready
  }

  push(piece: Piece.Piece): Trouble | undefined {
    switch (piece._tag) {
      case "Meta":
        if (!this.hasMeta) {
          const { id, modelId, timestamp } = piece
          this.parts.push({ type: "response-metadata", id, modelId, timestamp })
        }
        this.hasMeta = true
        return undefined
      case "Text":
        this.write("text", piece)
        return undefined
      case "Reasoning":
        this.write("reasoning", piece)
        return undefined
      case "Refusal":
        this.refusal += piece.text
        return undefined
      case "ToolCall":
        this.close()
        this.hasContent = true
        return this.calls.push(piece)
      case "File":
        this.close()
        this.hasContent = true
        this.parts.push({ type: "file", mediaType: piece.mediaType, data: piece.base64, ...known(piece.metadata) })
        return undefined
      case "Usage":
        this.usage = piece.usage
        return undefined
      case "Finish":
        return this.finish(piece.reason)
    }
  }

  /** Closes what is open and adds the `finish` part: to be called once, after the terminal event. */
  end(): void {
    this.close()
    this.parts.push({
      type: "finish",
      reason: this.reason ?? "unknown",
      usage: this.usage ?? noUsage,
      response: { status: this.options.head.status, headers: Answer.keptHeaders(this.options.head) },
      ...(this.skipped === 0 ? {} : { metadata: { holdfast: { skippedEvents: this.skipped } } })
    })
  }

  private write(type: Block["type"], { block: name, metadata, text }: Written): void {
    if (text === "" && metadata === undefined) return
    const block = this.block?.type === type && this.block.name === name ? this.block : this.open(type, name)
    if (text !== "") {
      this.hasContent = true
      this.parts.push({ type: `${type}-delta`, id: block.id, delta: text })
    }
    block.metadata = metadata ?? block.metadata
  }

  private open(type: Block["type"], name: string | undefined): Block {
    this.close()
    const block: Block = { type, id: `${type}-${this.blocks}`, name, metadata: undefined }
    this.blocks += 1
    this.block = block
    this.parts.push({ type: `${type}-start`, id: block.id })
    return block
  }

  private close(): void {
    const block = this.block
    if (block === undefined) return
    this.block = undefined
    this.parts.push({ type: `${block.type}-end`, id: block.id, ...known(block.metadata) })
  }

  private finish(reason: Response.FinishReason): Trouble | undefined {
    this.close()
    const trouble = this.calls.finish(reason)
    if (trouble !== undefined) return trouble
    if (this.refusal !== "") {
      const body = { choices: [{ index: 0, finish_reason: "stop", message: { content: null, refusal: this.refusal } }] }
      return {
        evidence: { kind: this.options.evidence, body },
        verdict: { class: "ContentPolicy", rule: "wire/refusal", detail: "the model declined" }
      }
    }
    if (!this.hasContent) {
      // A limit spent on reasoning nobody sees: the same request spends it the same way.
      const isSpent = reason === "length"
      const detail = isSpent ? "the output limit left no room for an answer" : "the answer is empty"
      const retryable = isSpent ? false : undefined
      return { verdict: { class: "InvalidResponse", rule: "wire/empty-answer", retryable, detail } }
    }
    this.reason = reason === "stop" && !this.calls.isEmpty ? "tool-calls" : reason
    return undefined
  }
}

const known = (metadata: Piece.Metadata | undefined): { readonly metadata?: Piece.Metadata } =>
  metadata === undefined ? {} : { metadata }
