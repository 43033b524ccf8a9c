/** The files of a journal: their names, and the few things that are done with them. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { close, closeSync, fdatasync, open, openSync, read, writeSync } from "node:fs"
import { readdir, stat } from "node:fs/promises"
import * as Record from "./Record.ts"

/** A file of the journal. What is before `bytes` is whole lines, all of them written. */
export interface Segment {
  readonly path: string
  readonly sequence: number
  /** The position of its first record. */
  first: number
  records: number
  bytes: number
}

const pattern = /^journal-(\d{10})\.log$/

export const pathOf = (directory: string, sequence: number): string =>
  `${directory}/journal-${String(sequence).padStart(10, "0")}.log`

/** The sequence numbers that are there, in order. */
const list = (directory: string): Effect.Effect<ReadonlyArray<number>, Error> =>
  attempt(async () =>
    (await readdir(directory))
      .flatMap((name) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .toSorted((a, b) => a - b)
  )

export const create = (path: string): number => openSync(path, "wx+", 0o600)

/** Writes all of it at that place, or throws; then some of it may be there. */
export const writeAll = (file: number, data: Uint8Array, at: number): void => {
  for (let done = 0; done < data.length;) done += writeSync(file, data, done, data.length - done, at + done)
}

/** Closes it, whatever happens. */
export const closeQuietly = (file: number): void => {
  try {
    closeSync(file)
  } catch {
    // It is of no use any more either way.
  }
}

/** Waits until what was written is on the disk. */
export const sync = (file: number): Effect.Effect<void, Error> =>
  Effect.callback((resume) => {
    fdatasync(file, (error) => resume(error === null ? Effect.void : Effect.fail(error)))
  })

/** The same for the names in a directory. */
export const syncDirectory = (directory: string): Effect.Effect<void, Error> =>
  Effect.acquireUseRelease(openFile(directory), sync, (file) => Effect.sync(() => closeQuietly(file)))

const openFile = (path: string): Effect.Effect<number, Error> =>
  Effect.callback((resume) => {
    open(path, "r", (error, file) => resume(error === null ? Effect.succeed(file) : Effect.fail(error)))
  })

export interface Lines {
  readonly records: ReadonlyArray<Record.Record>
  /** Lines that are none of ours, or were damaged. */
  readonly damaged: number
  /** Where the next line begins. */
  readonly next: number
}

/** The most that is read at once, but for a line that is longer. */
const chunkBytes = 1024 * 1024

/** Up to `max` records of the lines that begin at `from`; none when there are no more before `to`. */
export const lines = (
  path: string,
  from: number,
  to: number,
  max: number,
  size = chunkBytes
): Effect.Effect<Lines, Error> =>
  Effect.flatMap(chunk(path, from, Math.min(size, to - from)), (bytes) => {
    const records: Array<Record.Record> = []
    // The file is shorter than it was.
    if (bytes.length === 0) return Effect.succeed({ records, damaged: 0, next: to })
    let damaged = 0
    let next = 0
    while (records.length < max) {
      const end = bytes.indexOf(lineFeed, next)
      if (end === -1) break
      const record = Record.decode(bytes.toString("utf8", next, end))
      if (record !== undefined) records.push(record)
      // One without anything was to see whether there is room.
      else if (end > next) damaged += 1
      next = end + 1
    }
    // A line that does not end here: there is more of it, or it was cut short.
    if (next === 0) {
      return bytes.length < to - from
        ? lines(path, from, to, max, size * 2)
        : Effect.succeed({ records, damaged: 1, next: to })
    }
    return Effect.succeed({ records, damaged, next: from + next })
  })

export const lineFeed = 0x0a

/** Reads all that is there, from position 0 on. `onRecord` hears when each row happened. */
export const readAll = Effect.fnUntraced(function* (
  directory: string,
  onRecord: (at: number, position: number) => void
): Effect.fn.Return<{ readonly segments: ReadonlyArray<Segment>; readonly damaged: number }, Error> {
  const segments: Array<Segment> = []
  let damaged = 0
  let end = 0
  for (const sequence of yield* list(directory)) {
    const path = pathOf(directory, sequence)
    const { size: bytes } = yield* attempt(() => stat(path))
    const first = end
    for (let from = 0; from < bytes;) {
      const read = yield* lines(path, from, bytes, Infinity)
      for (const { at } of read.records) {
        onRecord(at, end)
        end += 1
      }
      damaged += read.damaged
      from = read.next
    }
    segments.push({ path, sequence, first, records: end - first, bytes })
  }
  return { segments, damaged }
})

const chunk = (path: string, from: number, length: number): Effect.Effect<Buffer, Error> =>
  length <= 0
    ? Effect.succeed(Buffer.alloc(0))
    : Effect.acquireUseRelease(
        openFile(path),
        (file) =>
          Effect.callback<Buffer, Error>((resume) => {
            read(file, Buffer.allocUnsafe(length), 0, length, from, (error, count, buffer) =>
              resume(error === null ? Effect.succeed(buffer.subarray(0, count)) : Effect.fail(error))
            )
          }),
        (file) =>
          Effect.callback<void>((resume) => {
            close(file, () => resume(Effect.void))
          })
      )

/** The file system has not done what it was asked for. */
class FileFailed extends Data.TaggedError("FileFailed")<{ readonly cause: unknown }> {
  override get message() {
    return this.cause instanceof Error ? this.cause.message : String(this.cause)
  }
}

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, FileFailed> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileFailed({ cause }) })
