/**
 * A file of lines that begins anew when it is full, and keeps some of the old ones (`rotating-file-stream`). Writing never
 * waits and never fails: lines that a full disk or an unwritable directory does not take are counted, that is said once,
 * and every ten seconds a line tries again. The file belongs to the scope it was made in, which writes what is left.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as RotatingFileStream from "rotating-file-stream"

export interface Options {
  readonly directory: string
  readonly name: string
  /** Size at which it begins anew, in bytes: it is passed by one line at most. */
  readonly maxBytes: number
  /** Old files kept beside the present one: `name.1` is the youngest. */
  readonly keep: number
  /** Told when lines cannot be written any more, and when they can again. */
  readonly onChange: (change: Change) => void
}

export interface Change {
  readonly file: string
  /** Why lines cannot be written; absent when they can again. */
  readonly problem: string | undefined
  /** Lines lost so far. */
  readonly lost: number
}

export interface LogFile {
  /** Adds a line. `now` is its instant in milliseconds. */
  readonly write: (line: string, now: number) => void
  /** Lines that were lost since the file was made. */
  readonly lost: () => number
}

/** Between two tries to write again. */
const retryMillis = 10_000
/** Characters that wait for a slow disk; lines beyond that are lost. */
const maxWaiting = 4 * 1024 * 1024
const closeTimeout = "5 seconds"

/** Throws `RangeError` for a size or a number that is not a whole number of at least 1. */
export const make = (options: Options): Effect.Effect<LogFile, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new File(options)),
    (file) => Effect.ignore(Effect.timeoutOption(file.close, closeTimeout))
  )

class File implements LogFile {
  readonly #options: Options
  readonly #path: string
  #stream: RotatingFileStream.RotatingFileStream | undefined
  #isAway = false
  #isClosed = false
  #triedAt = Number.NEGATIVE_INFINITY
  #lost = 0

  constructor(options: Options) {
    for (const field of ["maxBytes", "keep"] as const) {
      if (!Number.isInteger(options[field]) || options[field] < 1) {
        throw new RangeError(`LogFile ${field} must be a whole number of at least 1, got ${options[field]}`)
      }
    }
    this.#options = options
    this.#path = `${options.directory}/${options.name}`
  }

  readonly write = (line: string, now: number): void => {
    if (this.#isClosed) return
    if (this.#stream === undefined && now - this.#triedAt >= retryMillis) {
      this.#triedAt = now
      this.#stream = this.#open()
    }
    if (this.#stream === undefined) {
      this.#lost += 1
    } else if (this.#stream.writableLength + line.length > maxWaiting) {
      this.#lost += 1
      this.#change("the disk is slower than the log")
    } else {
      this.#stream.write(`${line}\n`, this.#written)
    }
  }

  readonly lost = (): number => this.#lost

  /** Writes what waits. */
  get close(): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      this.#isClosed = true
      if (this.#stream === undefined) return resume(Effect.void)
      this.#stream.once("close", () => resume(Effect.void))
      this.#stream.end()
    })
  }

  #open(): RotatingFileStream.RotatingFileStream {
    const { directory, keep, maxBytes, name } = this.#options
    const stream = RotatingFileStream.createStream(name, { path: directory, size: `${maxBytes}B`, rotate: keep })
    stream.on("error", (error: unknown) => {
      if (this.#stream === stream) this.#stream = undefined
      this.#change(problemOf(error))
    })
    return stream
  }

  /** Called for every line, with an error for those that were not written. */
  readonly #written = (error: Error | null | undefined): void => {
    if (error) this.#lost += 1
    else this.#change(undefined)
  }

  #change(problem: string | undefined): void {
    const isAway = problem !== undefined
    if (isAway === this.#isAway) return
    this.#isAway = isAway
    this.#options.onChange({ file: this.#path, problem, lost: this.#lost })
  }
}

const problemOf = (error: unknown): string =>
  error instanceof Error ? ("code" in error && typeof error.code === "string" ? error.code : error.message) : "unknown"
