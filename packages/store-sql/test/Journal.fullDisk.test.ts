/** A disk with so much room and no more, in the place of `node:fs`: writes to it end in the middle, as they do on a real one. */
import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem, Logger, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import type * as NodeFs from "node:fs"
import { readdirSync, readFileSync } from "node:fs"
import { vi } from "vitest"
import * as Journal from "../src/Journal.ts"
import type { Record } from "../src/internal/Record.ts"

const disk = vi.hoisted(() => ({
  /** What may still be written. */
  room: Infinity,
  /** Whether files can be cut off, and be forced to the disk. */
  truncates: true,
  syncs: true
}))

const full = () => Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })

vi.mock("node:fs", async (importOriginal) => {
  const fs = await importOriginal<typeof NodeFs>()
  const writeSync = (file: number, data: Uint8Array, offset: number, length: number, at: number): number => {
    const growth = Math.max(0, at + length - fs.fstatSync(file).size)
    const fits = length - Math.max(0, growth - disk.room)
    if (fits <= 0) throw full()
    disk.room -= growth - (length - fits)
    return fs.writeSync(file, data, offset, fits, at)
  }
  const ftruncateSync = (file: number, length: number): void => {
    if (!disk.truncates) throw Object.assign(new Error("EIO: i/o error, ftruncate"), { code: "EIO" })
    disk.room += Math.max(0, fs.fstatSync(file).size - length)
    fs.ftruncateSync(file, length)
  }
  // At once, so that what is tried again by the test's clock is over when that stands still.
  const open = (path: string, flags: string, callback: (error: Error | null, file: number) => void): void =>
    callback(null, fs.openSync(path, flags))
  const fdatasync = (_file: number, callback: (error: Error | null) => void): void =>
    callback(disk.syncs ? null : full())
  return { ...fs, open, writeSync, ftruncateSync, fdatasync }
})

const row = (n: number): Record => ({
  table: "circuits",
  at: 1_700_000_000_000 + n * 500,
  json: JSON.stringify({ n, text: "x".repeat(n % 90) })
})
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => row(from + index))
const numbers = (records: ReadonlyArray<Record>): ReadonlyArray<number> => records.map(({ json }) => JSON.parse(json).n)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

const directory = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })
)

/** A journal on an empty disk that gets as much room as is said. */
const open = Effect.fnUntraced(function* (path: string, options: Omit<Journal.Options, "directory"> = {}) {
  Object.assign(disk, { room: Infinity, truncates: true, syncs: true })
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const journal = yield* Scope.provide(Journal.open({ directory: path, ...options }), scope)
  return { ...journal, ...journal.backlog, leave: Scope.close(scope, Exit.void) }
})

const afterKill = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const copy = `${yield* directory}/copy`
  yield* fs.copy(path, copy)
  return copy
})

const drain = Effect.fnUntraced(function* (journal: Effect.Success<ReturnType<typeof open>>, batch = 1_000) {
  const seen: Array<number> = []
  while (journal.waiting() > 0) {
    seen.push(...numbers(yield* journal.take(batch)))
    journal.settle()
  }
  return seen
})

const foundBy = Effect.fnUntraced(function* (path: string) {
  const journal = yield* open(yield* afterKill(path))
  return { damaged: journal.status().damaged, seen: yield* drain(journal) }
})

const contents = (path: string) =>
  readdirSync(path)
    .filter((name) => name.endsWith(".log"))
    .map((name) => readFileSync(`${path}/${name}`, "utf8"))
    .join("")

/** The disk is looked at again after a second, and what follows is forced to it. */
const aWhile = TestClock.adjust("2 seconds")

layer(NodeServices.layer)("a journal on a disk that is full", (it) => {
  it.effect("keeps no half of a line, has the rows in memory, and writes them by itself when there is room", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      journal.add(rows(0, 10))
      journal.keep()
      const before = contents(path)
      for (const room of [0, 1, 30, 100, 300]) {
        disk.room = room
        const next = journal.end()
        journal.add(rows(next, next + 10))
        journal.keep()
        assert.include(journal.status().problem, "ENOSPC")
        assert.strictEqual(contents(path), before)
        yield* aWhile
      }
      assert.deepInclude(journal.status(), { records: 60, dropped: 0 })
      assert.deepStrictEqual(yield* foundBy(path), { damaged: 0, seen: range(0, 10) })
      // Nobody adds anything, and nobody takes anything.
      disk.room = Infinity
      yield* aWhile
      assert.isUndefined(journal.status().problem)
      assert.deepStrictEqual(yield* foundBy(path), { damaged: 0, seen: range(0, 60) })
      assert.deepStrictEqual(yield* drain(journal), range(0, 60))
    })
  )

  it.effect("goes on from memory while the database is there, and knows by itself when there is room again", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      disk.room = 0
      journal.add(rows(0, 20))
      journal.keep()
      assert.deepStrictEqual(yield* drain(journal, 7), range(0, 20))
      yield* aWhile
      assert.include(journal.status().problem, "ENOSPC")
      disk.room = 2 ** 20
      yield* aWhile
      assert.isUndefined(journal.status().problem)
      // Looking for room took none.
      assert.strictEqual(disk.room, 2 ** 20)
      assert.strictEqual(contents(path), "")
      journal.add(rows(20, 30))
      journal.keep()
      assert.deepStrictEqual(yield* foundBy(path), { damaged: 0, seen: range(20, 30) })
    })
  )

  it.effect("holds 10,000 rows in memory, and counts what comes on top", () =>
    Effect.gen(function* () {
      const journal = yield* open(`${yield* directory}/journal`)
      disk.room = 0
      for (let n = 0; n < 12_000; n += 10) {
        journal.add(rows(n, n + 10))
        journal.keep()
      }
      assert.deepInclude(journal.status(), { records: 10_000, dropped: 2_000 })
      disk.room = Infinity
      yield* aWhile
      journal.add(rows(12_000, 12_010))
      assert.deepStrictEqual(yield* drain(journal), [...range(0, 10_000), ...range(12_000, 12_010)])
    })
  )

  it.effect("skips what a failed write has left, where it cannot be cut off, and counts it", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      journal.add(rows(0, 10))
      journal.keep()
      Object.assign(disk, { room: 200, truncates: false })
      journal.add(rows(10, 20))
      journal.keep()
      disk.room = Infinity
      yield* aWhile
      journal.add(rows(20, 25))
      journal.keep()
      // Rows of the failed write are there twice; a row that is written again is there once.
      const { damaged, seen } = yield* foundBy(path)
      assert.strictEqual(damaged, 1)
      assert.deepStrictEqual([...new Set(seen)], range(0, 25))
      assert.deepStrictEqual(yield* drain(journal), range(0, 25))
    })
  )

  it.effect("says that rows are not forced to the disk, once, until they are", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const lines: Array<unknown> = []
      const logger = Logger.make<unknown, void>(({ message }) => void lines.push(message))
      const journal = yield* Effect.provide(open(path), Logger.layer([logger]))
      disk.syncs = false
      journal.add(rows(0, 5))
      journal.keep()
      yield* aWhile
      yield* aWhile
      assert.include(journal.status().problem, "ENOSPC")
      assert.deepStrictEqual((yield* foundBy(path)).seen, range(0, 5))
      disk.syncs = true
      yield* aWhile
      assert.isUndefined(journal.status().problem)
      assert.lengthOf(lines, 1)
    })
  )

  const Step = Schema.Union([
    Schema.TaggedStruct("Add", { count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })) }),
    Schema.TaggedStruct("Keep", {}),
    Schema.TaggedStruct("Write", {
      max: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
      takes: Schema.Boolean
    }),
    Schema.TaggedStruct("Room", { bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000 })) }),
    Schema.TaggedStruct("Broken", { truncates: Schema.Boolean }),
    Schema.TaggedStruct("Time", {}),
    Schema.TaggedStruct("Kill", {})
  ])
  it.effect.prop(
    "in any sequence of rows, batches, room and kills, loses no row that was on it and none that is in memory",
    [Schema.Array(Step)],
    ([steps]) =>
      Effect.gen(function* () {
        let path = `${yield* directory}/journal`
        const options = { maxBytes: 2 ** 20, segmentBytes: 600 }
        let journal = yield* open(path, options)
        let added = 0
        /** Rows before this one are in a file, those from `since` on are this process's. */
        let kept = 0
        let since = 0
        /** What must come. */
        const owed = new Set<number>()
        const delivered = new Set<number>()
        const note = () => {
          if (journal.status().problem === undefined) kept = added
        }
        for (const step of steps) {
          switch (step._tag) {
            case "Add":
              journal.add(rows(added, added + step.count))
              added += step.count
              break
            case "Keep":
              journal.keep()
              note()
              break
            case "Write": {
              const taken = numbers(yield* journal.take(step.max))
              note()
              assert.deepStrictEqual(
                taken,
                taken.toSorted((a, b) => a - b)
              )
              if (step.takes) {
                journal.settle()
                for (const n of taken) delivered.add(n)
              } else {
                journal.restore()
              }
              break
            }
            case "Room":
              disk.room = step.bytes
              break
            case "Broken":
              disk.truncates = step.truncates
              break
            case "Time":
              yield* aWhile
              note()
              break
            case "Kill": {
              for (const n of range(since, kept)) owed.add(n)
              path = yield* afterKill(path)
              journal = yield* open(path, options)
              since = added
              kept = added
              break
            }
          }
        }
        Object.assign(disk, { room: Infinity, truncates: true })
        yield* aWhile
        assert.isUndefined(journal.status().problem)
        for (const n of range(since, added)) owed.add(n)
        for (const n of yield* drain(journal, 17)) delivered.add(n)
        assert.deepStrictEqual(
          [...owed].filter((n) => !delivered.has(n)),
          []
        )
        assert.strictEqual(journal.dropped(), 0)
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 100 } }
  )
})
