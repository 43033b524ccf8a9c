/**
 * Rows that wait for the database, on disk. What was kept before a process died is there when the next one starts, which
 * writes it in order. Every row goes through it, whether the database is there or not: so an operation's row is with the
 * operating system before whoever asked for the operation hears of its end. One process at a time has a journal; the files
 * are its own.
 *
 * **Details**
 *
 * Lines with a checksum, appended to files of a few megabytes, which are deleted once the database has all of their rows. A
 * process that is killed loses nothing that was kept. A machine that loses its power loses what was not on the disk yet:
 * what was kept in the last `syncInterval`, and the time the disk took. A line that was cut short or damaged is skipped and
 * counted. When there is too much, the oldest file is dropped and its rows are counted.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { DatabaseError } from "./DatabaseError.ts"
import type { Backlog } from "./internal/Backlog.ts"
import * as DirectoryLock from "./internal/DirectoryLock.ts"
import * as Files from "./internal/JournalFiles.ts"
import * as JournalLog from "./internal/JournalLog.ts"
import * as Record from "./internal/Record.ts"

export interface Options {
  /** Where its files are; made if it is not there. */
  readonly directory: string
  /** The most that its files take. Default 256 MiB, which is about half a million rows. */
  readonly maxBytes?: number | undefined
  /** The size of one file. Default 4 MiB. */
  readonly segmentBytes?: number | undefined
  /** Between two times at which what was written is forced to the disk. Default 100 milliseconds. */
  readonly syncInterval?: Duration.Input | undefined
}

export interface Status {
  /** Rows that wait. */
  readonly records: number
  /** What its files take, with rows that the database has by now. */
  readonly bytes: number
  /** About when the oldest row that waits happened, in milliseconds since the epoch. */
  readonly oldestAt: number | undefined
  /** Rows that were dropped since it was opened, because there were too many for its files, or for memory. */
  readonly dropped: number
  /** Lines found when it was opened that were cut short or damaged. */
  readonly damaged: number
  /** Why the disk takes nothing now. Until it does, rows wait in memory, and do not outlive this process. */
  readonly problem: string | undefined
}

export interface Journal {
  /** For the one writer that has it. */
  readonly backlog: Backlog<Record.Record>
  readonly status: () => Status
}

const mebibyte = 2 ** 20

/** Rows kept in memory while the disk takes nothing; what comes on top is dropped. */
const maxUnwritten = 10_000

/** After a failure the disk is left alone for so long. */
const restMillis = 1000

/** Where in which file. */
interface Place {
  readonly segment: Files.Segment | undefined
  readonly offset: number
}

/**
 * Opens the journal and reads what the last process left. Fails with `InUse` while another process has the directory, and
 * with `Unusable` if it cannot be read. Throws `RangeError` for sizes that make no sense.
 */
export const open = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Journal, DatabaseError, FileSystem.FileSystem | Scope.Scope> {
  const maxBytes = options.maxBytes ?? 256 * mebibyte
  const segmentBytes = options.segmentBytes ?? Math.min(4 * mebibyte, Math.floor(maxBytes / 4))
  for (const [name, value] of Object.entries({ maxBytes, segmentBytes })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`${name} must be a whole number of bytes, at least 1, got ${value}`)
    }
  }
  if (maxBytes < 2 * segmentBytes) {
    throw new RangeError(`maxBytes must be at least two files (${2 * segmentBytes}), got ${maxBytes}`)
  }
  const syncInterval = Duration.fromInputUnsafe(options.syncInterval ?? "100 millis")
  const clock = yield* Clock.Clock
  const unusable = (error: { readonly message: string }) =>
    new DatabaseError({
      reason: "Unusable",
      message: `The journal in ${options.directory} cannot be opened: ${error.message}`
    })

  const fs = yield* FileSystem.FileSystem
  const directory = yield* fs.makeDirectory(options.directory, { recursive: true, mode: 0o700 }).pipe(
    Effect.andThen(fs.realPath(options.directory)),
    Effect.tap(DirectoryLock.acquire),
    // Only its cause says that there is no room, where that is why.
    Effect.catchTag("PlatformError", (error) =>
      Effect.fail(unusable(error.cause instanceof Error ? error.cause : error))
    )
  )

  // What the last process left.
  /** About one a second. */
  let marks: Array<{ readonly position: number; readonly at: number }> = []
  const mark = (at: number, position: number): void => {
    if (at >= (marks.at(-1)?.at ?? -Infinity) + 1000) marks.push({ at, position })
  }
  const { damaged, segments } = yield* Effect.mapError(Files.readAll(directory, mark), unusable)
  if (damaged > 0) {
    yield* Effect.logWarning("Lines of the journal were cut short or damaged, and are skipped", { damaged, directory })
  }
  /** How many rows there ever were: the position of the next one. */
  let end = segments.reduce((sum, { records }) => sum + records, 0)

  /** What is added and not written yet. Usually that is for an instant. */
  let unwritten: Array<Record.Record> = []
  /** Taken from there, while the disk takes nothing. */
  let borrowed: ReadonlyArray<Record.Record> = []
  let dropped = 0
  /** Why rows cannot be written, or not be forced to the disk. */
  let unwritable: string | undefined
  let unsynced: string | undefined
  let failedAt = 0
  /** The next record to take. */
  let position = 0
  /** Its place, where it is known; it is at the beginning of any other file. */
  let place: Place = { segment: undefined, offset: 0 }
  let taken: { readonly from: number; readonly to: number; readonly place: Place } | undefined
  const dirty = Latch.makeUnsafe()
  let isDirty = false

  const log = yield* Effect.try({
    try: () =>
      JournalLog.make({
        directory,
        maxBytes,
        segmentBytes,
        found: segments,
        onDropped: ({ first, records }) => {
          const next = first + records
          if (position >= next) return
          dropped += next - position
          position = next
        }
      }),
    catch: (error) => unusable({ message: String(error) })
  })

  const keep = (): void => {
    if (borrowed.length > 0 || (unwritten.length === 0 && unwritable === undefined)) return
    const now = clock.currentTimeMillisUnsafe()
    if (unwritable !== undefined && now - failedAt < restMillis) return
    try {
      // The database may have taken from memory what the disk did not.
      if (unwritten.length === 0) log.probe(end)
      else log.append(Buffer.from(unwritten.map(Record.encode).join("")), end - unwritten.length, unwritten.length)
      unwritten = []
      unwritable = undefined
    } catch (error) {
      unwritable = error instanceof Error ? error.message : String(error)
      failedAt = now
    }
  }

  const soil = (): void => {
    if (isDirty) return
    isDirty = true
    dirty.openUnsafe()
  }

  const add = (records: ReadonlyArray<Record.Record>): void => {
    for (const record of records) {
      if (unwritten.length >= maxUnwritten && unwritable !== undefined) {
        dropped += 1
        continue
      }
      mark(record.at, end)
      end += 1
      unwritten.push(record)
    }
    soil()
  }

  /** The file that holds the next record. */
  const findPlace = (): (Place & { readonly segment: Files.Segment }) | undefined => {
    const segment = log.find(position)
    if (segment === undefined) return undefined
    position = Math.max(position, segment.first)
    return { segment, offset: place.segment === segment ? place.offset : 0 }
  }

  const take = (max: number): Effect.Effect<ReadonlyArray<Record.Record>> =>
    Effect.suspend((): Effect.Effect<ReadonlyArray<Record.Record>> => {
      // Whoever took them was interrupted before it could say so.
      if (taken !== undefined) restore()
      keep()
      const found = findPlace()
      if (found === undefined) {
        borrowed = unwritten.slice(0, max)
        unwritten = unwritten.slice(max)
        taken = { from: position, to: position + borrowed.length, place }
        position = taken.to
        return Effect.succeed(borrowed)
      }
      const { offset, segment } = found
      const from = position
      const left = segment.first + segment.records - from
      return Files.lines(segment.path, offset, segment.bytes, Math.min(max, left)).pipe(
        Effect.matchEffect({
          onSuccess: ({ next, records }) => {
            // It was dropped in the meantime.
            if (position !== from) return take(max)
            if (records.length === 0 && next >= segment.bytes) {
              return skip(segment, "what is in it is not what was written")
            }
            place = { segment, offset: next }
            if (records.length === 0) return take(max)
            taken = { from, to: from + records.length, place: found }
            position = taken.to
            return Effect.succeed(records)
          },
          onFailure: ({ message }) => (position === from ? skip(segment, message) : take(max))
        })
      )
    })

  /** Gives up what is left of a file. */
  const skip = (segment: Files.Segment, reason: string): Effect.Effect<ReadonlyArray<Record.Record>> => {
    const lost = segment.first + segment.records - position
    dropped += lost
    position += lost
    return Effect.as(
      Effect.logError("Rows of the journal cannot be read and are lost", { path: segment.path, lost, reason }),
      []
    )
  }

  const settle = (): void => {
    taken = undefined
    borrowed = []
    log.forget(position)
    while (marks.length > 1 && (marks[1]?.position ?? Infinity) <= position) marks.shift()
    if (position < end) return
    marks = []
    if (log.empty(position)) place = { segment: undefined, offset: 0 }
  }

  const restore = (): void => {
    if (taken === undefined) return
    if (borrowed.length === 0 && taken.from < log.first()) {
      // Their file was dropped in the meantime.
      dropped += taken.to - taken.from
    } else {
      unwritten = [...borrowed, ...unwritten]
      position = taken.from
      place = taken.place
    }
    taken = undefined
    borrowed = []
  }

  const sync = log.sync.pipe(
    Effect.matchEffect({
      onSuccess: () =>
        Effect.sync(() => {
          unsynced = undefined
        }),
      onFailure: ({ message }) => {
        const isNew = unsynced === undefined
        unsynced = message
        return isNew ? Effect.logError("The journal is not forced to the disk", { reason: message }) : Effect.void
      }
    }),
    Effect.uninterruptible
  )

  const problem = (): string | undefined => unwritable ?? unsynced
  const syncing = yield* dirty.await.pipe(
    Effect.andThen(Effect.suspend(() => Effect.sleep(problem() === undefined ? syncInterval : restMillis))),
    Effect.andThen(
      Effect.suspend(() => {
        isDirty = false
        dirty.closeUnsafe()
        keep()
        return sync
      })
    ),
    // Whether the disk has room again is nothing that it says by itself.
    Effect.tap(() => Effect.sync(() => (problem() === undefined ? undefined : soil()))),
    Effect.forever,
    Effect.forkScoped
  )

  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      yield* Fiber.interrupt(syncing)
      failedAt = -Infinity
      keep()
      if (unwritten.length > 0) {
        yield* Effect.logError("Rows are lost: neither the database nor the disk took them", { lost: unwritten.length })
      }
      yield* sync
      log.close(position < end)
    })
  )

  const floor = (): number => taken?.from ?? position
  return {
    backlog: {
      add,
      keep,
      take,
      settle,
      restore,
      waiting: () => end - position,
      end: () => end,
      floor,
      dropped: () => dropped,
      close: () => {
        keep()
        return { lost: unwritten.length, waiting: end - floor() - unwritten.length }
      }
    },
    status: () => ({
      records: end - floor(),
      bytes: log.bytes(),
      oldestAt: end > floor() ? marks[0]?.at : undefined,
      dropped,
      damaged,
      problem: problem()
    })
  }
})
