/** The tool calls of one answer while their fragments arrive. Mutable, one per answer, no I/O. */
import type * as Response from "effect/ai/Response"
import type * as Piece from "./Piece.ts"
import type { Trouble } from "./Trouble.ts"

type Fragment = Extract<Piece.Piece, { _tag: "ToolCall" }>

interface Call {
  readonly index: number | undefined
  readonly wireId: string | undefined
  readonly id: string
  name: string | undefined
  params: string
  isStarted: boolean
  isDone: boolean
  metadata: Piece.Metadata | undefined
}

export class ToolCalls {
  private readonly calls: Array<Call> = []
  private readonly idPrefix: string
  private readonly emit: (part: Piece.Part) => void

  /** `idPrefix` starts the ids of calls that the provider left without one of their own. */
  constructor(idPrefix: string, emit: (part: Piece.Part) => void) {
    this.idPrefix = idPrefix
    this.emit = emit
  }

  get isEmpty(): boolean {
    return this.calls.length === 0
  }

  push(fragment: Fragment): Trouble | undefined {
    const call = this.find(fragment) ?? this.add(fragment)
    call.name ??= fragment.name
    call.params += fragment.params
    call.metadata ??= fragment.metadata
    if (call.name !== undefined) {
      const delta = call.isStarted ? fragment.params : call.params
      if (!call.isStarted) this.emit({ type: "tool-params-start", id: call.id, name: call.name })
      if (delta !== "") this.emit({ type: "tool-params-delta", id: call.id, delta })
      call.isStarted = true
    }
    return fragment.complete ? this.complete(call, undefined) : undefined
  }

  /** Completes every call, at the end of the answer. */
  finish(reason: Response.FinishReason): Trouble | undefined {
    for (const call of this.calls) {
      const trouble = this.complete(call, reason)
      if (trouble !== undefined) return trouble
    }
    return undefined
  }

  /**
   * The call a fragment continues. Some hosts number every call 0 and tell them apart by id, others send no numbers: an
   * id not seen yet always begins a new call.
   */
  private find(fragment: Fragment): Call | undefined {
    const call = this.calls.findLast(
      (call) => !call.isDone && (fragment.index === undefined || call.index === fragment.index)
    )
    return call !== undefined && fragment.id !== undefined && fragment.id !== call.wireId ? undefined : call
  }

  private add(fragment: Fragment): Call {
    const isFree = this.calls.every((call) => call.id !== fragment.id)
    const call: Call = {
      index: fragment.index,
      wireId: fragment.id,
      id: fragment.id !== undefined && isFree ? fragment.id : `${this.idPrefix}_${this.calls.length}`,
      name: undefined,
      params: "",
      isStarted: false,
      isDone: false,
      metadata: undefined
    }
    this.calls.push(call)
    return call
  }

  private complete(call: Call, reason: Response.FinishReason | undefined): Trouble | undefined {
    if (call.isDone) return undefined
    call.isDone = true
    const params = parse(call.params)
    if (params === undefined && reason === "length") {
      const detail = "the output limit cut a tool call"
      return { verdict: { class: "InvalidResponse", rule: "wire/cut-tool-call", retryable: false, detail } }
    }
    if (params === undefined || call.name === undefined) {
      const detail = call.name === undefined ? "a tool call has no name" : "the parameters of a tool call are not JSON"
      return { verdict: { class: "InvalidResponse", rule: "wire/bad-tool-call", detail } }
    }
    this.emit({ type: "tool-params-end", id: call.id })
    this.emit({
      type: "tool-call",
      id: call.id,
      name: call.name,
      params: params.value,
      ...(call.metadata === undefined ? {} : { metadata: call.metadata })
    })
    return undefined
  }
}

/** A tool without parameters may be called with no text at all. */
const parse = (text: string): { readonly value: unknown } | undefined => {
  if (text.trim() === "") return { value: {} }
  try {
    const value: unknown = JSON.parse(text)
    return { value }
  } catch {
    return undefined
  }
}
