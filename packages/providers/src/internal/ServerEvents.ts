/**
 * Reads a stream of server-sent events to the provider's terminal event. Only then does it succeed: an error inside the
 * stream, an event that cannot be understood, a cut and an early end are failures.
 *
 * `Sse.makeParser` splits the events; `Sse.decode` is not used because it ends the stream at a legal `retry:` line.
 */
import type * as Failure from "@holdfast/core/Failure"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Assembler } from "./Assembler.ts"
import type * as Piece from "./Piece.ts"
import * as Trouble from "./Trouble.ts"

export interface Options {
  /** What one event says. `undefined` data stands for text that is not JSON. */
  readonly read: (data: unknown, event: string) => Result.Result<ReadonlyArray<Piece.Piece>, Trouble.Trouble>
  readonly onBadEvent: "fail" | "skip"
  readonly assembler: Assembler
  readonly fail: (trouble: Trouble.Trouble) => Effect.Effect<never, Failure.Failure>
}

/**
 * How long to wait, once the answer is complete, for its usage and for the end of the connection, which can then be used
 * again. A host that keeps the connection open after its last word costs this much and no more.
 */
const grace = "1 second"

/** Characters of one event; answers with images are large. */
const maxEventSize = 64 * 1024 * 1024

/** Characters kept of what is no event, to see what it was if nothing else comes. */
const maxRest = 64 * 1024

export const decode = (
  bytes: Stream.Stream<Uint8Array, Failure.Failure>,
  options: Options
): Stream.Stream<Piece.Part, Failure.Failure> =>
  Stream.transformPull(bytes, (pull) => Effect.sync(() => new Reader(pull, options).next))

class Reader {
  private readonly pull: Pull.Pull<Arr.NonEmptyReadonlyArray<Uint8Array>, Failure.Failure>
  private readonly options: Options
  private readonly text = new TextDecoder()
  private readonly parser: Sse.Parser
  private trouble: Trouble.Trouble | undefined
  private events = 0
  /** What came since the last event. */
  private rest = ""
  private isDone = false
  private isEnding = false
  private isClosed = false

  constructor(pull: Reader["pull"], options: Options) {
    this.pull = pull
    this.options = options
    this.parser = Sse.makeParser((event) => event._tag === "Event" && this.event(event.data, event.event), {
      maxEventSize
    })
  }

  /** The next parts, or the failure that ends the stream after the last of them. */
  readonly next: Pull.Pull<Arr.NonEmptyReadonlyArray<Piece.Part>, Failure.Failure> = Effect.suspend(() => {
    const parts = this.options.assembler.take()
    if (Arr.isReadonlyArrayNonEmpty(parts)) return Effect.succeed(parts)
    if (this.trouble !== undefined) return this.options.fail(this.trouble)
    if (this.isEnding) return Cause.done()
    return Effect.flatMap(this.step(), () => this.next)
  })

  /** Reads one chunk, or the end. */
  private step(): Pull.Pull<void, Failure.Failure> {
    const chunk = Pull.matchEffect(this.pull, {
      onSuccess: (chunks) => Effect.sync(() => chunks.forEach((bytes) => this.feed(bytes))),
      onDone: () => Effect.sync(() => this.end()),
      // The answer is whole: how the connection ends does not matter any more.
      onFailure: (cause) =>
        this.isComplete && !Cause.hasInterrupts(cause) ? Effect.sync(() => this.end()) : Effect.failCause(cause)
    })
    if (!this.isComplete) return chunk
    return Effect.timeoutOrElse(chunk, { duration: grace, orElse: () => Effect.sync(() => this.end()) })
  }

  private get isComplete(): boolean {
    return this.options.assembler.isFinished
  }

  private feed(bytes: Uint8Array): void {
    this.parse(this.text.decode(bytes, { stream: true }))
  }

  private parse(text: string): void {
    const before = this.events
    const tooLarge = this.parser.feed(text)
    if (tooLarge !== undefined) this.trouble ??= tooLargeEvent
    if (this.events !== before) this.rest = afterBlankLine(text)
    else if (this.rest.length < maxRest) this.rest += text
  }

  private event(data: string, name: string): void {
    this.events += 1
    if (this.trouble !== undefined || this.isClosed || data.trim() === "") return
    if (data.trim() === "[DONE]") this.isDone = true
    else this.read(data, name)
    if (this.trouble === undefined && this.isComplete && (this.isDone || this.options.assembler.hasUsage)) this.close()
  }

  private read(data: string, name: string): void {
    const { assembler, onBadEvent } = this.options
    const pieces = Result.flatMap(parseJson(data), (json) => this.options.read(json, name))
    if (Result.isSuccess(pieces)) {
      for (const piece of pieces.success) this.trouble ??= assembler.push(piece)
      return
    }
    if (pieces.failure.undecodable !== true) this.trouble = pieces.failure
    // What the end of the connection cut is no bad event: the stream is truncated, or complete already.
    if (pieces.failure.undecodable !== true || this.isEnding) return
    if (onBadEvent === "fail") this.trouble = pieces.failure
    else assembler.skipped += 1
  }

  /** Gives out `finish`, once; what follows is read to the end and ignored. */
  private close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.options.assembler.end()
  }

  private end(): void {
    this.isEnding = true
    this.parse(`${this.text.decode()}\n\n`)
    if (this.trouble !== undefined) return
    if (this.isComplete) this.close()
    else this.trouble = this.early()
  }

  /** Ended too early. Some providers put an error into the body as it is, without the form of an event. */
  private early(): Trouble.Trouble {
    const body = withoutComments(this.rest)
    const json = parseJson(body)
    if (this.events > 0) {
      return Result.isSuccess(json) && typeof json.success === "object" && json.success !== null
        ? { ...Trouble.truncated, evidence: { kind: "stream", body: json.success } }
        : Trouble.truncated
    }
    return Trouble.wrongShape(
      Result.getOrElse(json, () => body),
      "the stream carried no event"
    )
  }
}

const tooLargeEvent: Trouble.Trouble = {
  verdict: { class: "InvalidResponse", rule: "wire/event-too-large", detail: "an event is larger than 64 MiB" }
}

const parseJson = (text: string): Result.Result<unknown, Trouble.Trouble> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: () => Trouble.badEvent("an event is not JSON")
  })

const afterBlankLine = (text: string): string =>
  text.slice(Math.max(text.lastIndexOf("\n\n"), text.lastIndexOf("\n\r\n"), text.lastIndexOf("\r\r"), 0))

const withoutComments = (text: string): string =>
  text
    .split(/\r\n|\n|\r/)
    .filter((line) => !line.startsWith(":"))
    .join("\n")
    .trim()
