/**
 * The files of a journal in a row: rows are appended to the last one, whole files are dropped from the front. It knows where
 * which rows are, and nothing of who wants them. Updated in place and owned by one journal; positions count rows since that
 * was opened.
 */
import * as Effect from "effect/Effect"
import { ftruncateSync, unlinkSync } from "node:fs"
import * as Files from "./JournalFiles.ts"

interface Settings {
  readonly directory: string
  /** What its files may take. */
  readonly maxBytes: number
  /** A file that has reached it is followed by another one. */
  readonly segmentBytes: number
  /** What the last process left, in order. */
  readonly found: ReadonlyArray<Files.Segment>
  /** The oldest file had to go, with whatever was in it. */
  readonly onDropped: (segment: Files.Segment) => void
}

export interface JournalLog {
  /** The position of the oldest row that is in a file. */
  readonly first: () => number
  readonly bytes: () => number
  /** The file in which the row is that comes next at that position, if it is in any. */
  readonly find: (position: number) => Files.Segment | undefined
  /** Appends lines of rows, of which `first` is the first, or throws; then none of them is there. */
  readonly append: (lines: Uint8Array, first: number, count: number) => void
  /** Whether the disk takes anything, in a new file; throws if not. */
  readonly probe: (position: number) => void
  /** Deletes the files in which no row is at that position or later. */
  readonly forget: (position: number) => void
  /** No row is left: makes the last file as good as new, where that is worth the while, and says whether it did. */
  readonly empty: (position: number) => boolean
  /** Waits until all that was appended is on the disk. */
  readonly sync: Effect.Effect<void, Error>
  /** Closes what is open, and deletes every file where nothing in them is needed any more. */
  readonly close: (isNeeded: boolean) => void
}

/** Enough to tell a disk that has room again from one that has the room of a few lines. */
const probeBytes = 256 * 1024

/** Throws if there can be no file. */
export const make = ({ directory, found, maxBytes, onDropped, segmentBytes }: Settings): JournalLog => {
  const segments = [...found]
  let file = -1
  const begin = (first: number): Files.Segment => {
    const sequence = (segments.at(-1)?.sequence ?? 0) + 1
    const segment = { path: Files.pathOf(directory, sequence), sequence, first, records: 0, bytes: 0 }
    file = Files.create(segment.path)
    segments.push(segment)
    return segment
  }
  const last = found.at(-1)
  let current = begin(last === undefined ? 0 : last.first + last.records)
  /** The last write has failed, and so may the next one to the same file. */
  let isDoubtful = false
  /** Files that are full, and of which not all may be on the disk. */
  let retired: Array<number> = []
  /** Files that are deleted. One of them may be under way to the disk, so whoever does that closes them. */
  let spent: Array<number> = []
  /** Whether the directory is known to have the names of all files. */
  let isNamed = false

  const truncate = (bytes: number): boolean => {
    try {
      ftruncateSync(file, bytes)
      return true
    } catch {
      return false
    }
  }

  const bytes = (): number => segments.reduce((sum, segment) => sum + segment.bytes, 0)

  const makeRoom = (): void => {
    for (let taken = bytes(); taken > maxBytes - segmentBytes && segments.length > 1;) {
      const oldest = segments.shift()
      if (oldest === undefined) return
      unlink(oldest)
      taken -= oldest.bytes
      onDropped(oldest)
    }
  }

  /** Goes on in a new file, or throws. One that nothing was written to is of no use to anybody. */
  const rotate = (first: number): void => {
    const before = { file, segment: current }
    current = begin(first)
    isDoubtful = false
    isNamed = false
    if (before.segment.bytes > 0) retired.push(before.file)
    else {
      spent.push(before.file)
      unlink(before.segment)
      segments.splice(segments.indexOf(before.segment), 1)
    }
    makeRoom()
  }

  /** Writes behind what is there, or throws. What is behind `current.bytes` is nobody's. */
  const write = (data: Uint8Array): void => {
    try {
      Files.writeAll(file, data, current.bytes)
    } catch (error) {
      isDoubtful = true
      truncate(current.bytes)
      throw error
    }
  }

  return {
    first: () => segments[0]?.first ?? 0,
    bytes,
    find: (position) => segments.find(({ first, records }) => position < first + records),
    append: (lines, first, count) => {
      // A file has no gaps.
      if (isDoubtful || current.first + current.records !== first) rotate(first)
      write(lines)
      current.bytes += lines.length
      current.records += count
      if (current.bytes < segmentBytes) return
      try {
        rotate(first + count)
      } catch {
        // This one grows until there is another.
      }
    },
    probe: (position) => {
      rotate(position)
      // Lines without anything, should the process end right here.
      write(new Uint8Array(Math.min(probeBytes, segmentBytes)).fill(Files.lineFeed))
      isDoubtful = !truncate(0)
    },
    forget: (position) => {
      while (segments.length > 1) {
        const [oldest] = segments
        if (oldest === undefined || oldest.first + oldest.records > position) return
        segments.shift()
        unlink(oldest)
      }
    },
    empty: (position) => {
      if (current.bytes < segmentBytes / 4 || !truncate(0)) return false
      current.first = position
      current.records = 0
      current.bytes = 0
      return true
    },
    sync: Effect.gen(function* () {
      spent.forEach(Files.closeQuietly)
      spent = []
      const full = retired
      retired = []
      const last = file
      const ended = yield* Effect.forEach(
        full,
        (one) =>
          Effect.exit(
            Effect.ensuring(
              Files.sync(one),
              Effect.sync(() => Files.closeQuietly(one))
            )
          ),
        { concurrency: "unbounded" }
      )
      yield* Files.sync(last)
      if (!isNamed) {
        isNamed = true
        yield* Files.syncDirectory(directory)
      }
      yield* Effect.forEach(ended, (exit) => exit, { discard: true })
    }).pipe(
      Effect.tapError(() =>
        Effect.sync(() => {
          isDoubtful = true
          isNamed = false
        })
      )
    ),
    close: (isNeeded) => {
      if (!isNeeded) segments.forEach(unlink)
      for (const one of [...spent, ...retired, file]) Files.closeQuietly(one)
    }
  }
}

const unlink = (segment: Files.Segment): void => {
  try {
    unlinkSync(segment.path)
  } catch {
    // Whoever finds it again writes rows that are there already.
  }
}
