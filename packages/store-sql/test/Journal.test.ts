import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem, Schema, Scope } from "effect"
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from "node:fs"
import * as Journal from "../src/Journal.ts"
import type { Record } from "../src/internal/Record.ts"

const row = (n: number, size = 0): Record => ({
  table: "circuits",
  at: 1_700_000_000_000 + n * 500,
  json: JSON.stringify({ n, text: "é".repeat(size) })
})
const rows = (from: number, to: number, size = 0) =>
  Array.from({ length: to - from }, (_, index) => row(from + index, size))
const numbers = (records: ReadonlyArray<Record>): ReadonlyArray<number> => records.map(({ json }) => JSON.parse(json).n)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

const directory = Effect.flatMap(FileSystem.FileSystem, (fs) =>
  fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })
)

/** A journal that can be closed before the test ends. */
const open = Effect.fnUntraced(function* (path: string, options: Omit<Journal.Options, "directory"> = {}) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const journal = yield* Scope.provide(Journal.open({ directory: path, ...options }), scope)
  return { ...journal, ...journal.backlog, leave: Scope.close(scope, Exit.void) }
})

/** What a process finds that starts after this one was killed in this very moment. */
const afterKill = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const copy = `${yield* directory}/copy`
  yield* fs.copy(path, copy)
  return copy
})

const readAll = Effect.fnUntraced(function* (path: string, batch = 1000) {
  const journal = yield* open(path)
  const seen: Array<number> = []
  while (journal.waiting() > 0) {
    seen.push(...numbers(yield* journal.take(batch)))
    journal.settle()
  }
  return { seen, damaged: journal.status().damaged }
})

const files = (path: string) =>
  readdirSync(path)
    .filter((name) => name.endsWith(".log"))
    .toSorted()
    .map((name) => `${path}/${name}`)

/** Puts in the place of the file's descriptors those of a reader: nothing can be written there, and nobody else gets them. */
const blockBehindItsBack = (file: string): void => {
  const descriptors = readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === file
    } catch {
      // The descriptor of the listing itself is gone.
      return false
    }
  })
  for (const descriptor of descriptors.map(Number)) {
    closeSync(descriptor)
    const others: Array<number> = []
    for (let next = openSync(file, "r"); next !== descriptor; next = openSync(file, "r")) others.push(next)
    for (const other of others) closeSync(other)
  }
}

layer(NodeServices.layer, { excludeTestServices: true })("a journal", (it) => {
  it.effect(
    "has what was kept before its process was killed, in order, and nothing that was settled by a whole file",
    () =>
      Effect.gen(function* () {
        const path = `${yield* directory}/journal`
        const journal = yield* open(path)
        journal.add(rows(0, 10))
        journal.keep()
        journal.add(rows(10, 12))
        assert.strictEqual(journal.waiting(), 12)
        const { seen } = yield* readAll(yield* afterKill(path))
        assert.deepStrictEqual(seen, range(0, 10))
      })
  )

  it.effect("leaves nothing behind when all of it is written, and the rest when it is not", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const first = yield* open(path)
      first.add(rows(0, 10))
      assert.deepStrictEqual(numbers(yield* first.take(100)), range(0, 10))
      first.settle()
      yield* first.leave
      assert.deepStrictEqual(files(path), [])
      const second = yield* open(path)
      second.add(rows(10, 20))
      yield* second.take(4)
      second.settle()
      assert.deepStrictEqual(second.close(), { lost: 0, waiting: 6 })
      yield* second.leave
      const { seen } = yield* readAll(path)
      assert.deepStrictEqual(seen.slice(-6), range(14, 20))
    })
  )

  it.effect("gives rows that were not written again, before those that came later", () =>
    Effect.gen(function* () {
      const journal = yield* open(`${yield* directory}/journal`)
      journal.add(rows(0, 5))
      yield* journal.take(3)
      journal.add(rows(5, 8))
      journal.restore()
      assert.deepStrictEqual(numbers(yield* journal.take(100)), range(0, 8))
      assert.strictEqual(journal.floor(), 0)
      journal.settle()
      assert.strictEqual(journal.floor(), 8)
    })
  )

  it.effect("is left to one process at a time", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      const error = yield* Effect.flip(open(path))
      assert.deepInclude(error, { _tag: "DatabaseError", reason: "InUse" })
      yield* journal.leave
      yield* open(path)
    })
  )

  it.effect("skips and counts a last line that was cut short, wherever that was", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      journal.add(rows(0, 3, 3))
      journal.keep()
      const [file = ""] = files(path)
      const whole = readFileSync(file)
      for (let length = 0; length <= whole.length; length += 7) {
        const copy = yield* afterKill(path)
        truncateSync(files(copy)[0] ?? "", length)
        const left = whole.subarray(0, length).toString("utf8").split("\n").length - 1
        const isCut = length > 0 && whole[length - 1] !== 0x0a
        assert.deepStrictEqual(yield* readAll(copy), { seen: range(0, left), damaged: isCut ? 1 : 0 })
      }
    })
  )

  it.effect("skips and counts a damaged line, and finds the next one", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      journal.add(rows(0, 20))
      journal.keep()
      const [file = ""] = files(path)
      const whole = readFileSync(file)
      const lines = whole.toString("utf8").split("\n")
      for (const [line, column] of [
        [0, 0],
        [7, 8],
        [7, 12],
        [19, 30]
      ] as const) {
        const copy = yield* afterKill(path)
        const damaged = Buffer.from(whole)
        const at = lines.slice(0, line).join("\n").length + (line === 0 ? 0 : 1) + column
        damaged[at] = (damaged[at] ?? 0) ^ 1
        writeFileSync(files(copy)[0] ?? "", damaged)
        const { damaged: count, seen } = yield* readAll(copy, 3)
        assert.deepStrictEqual(seen, range(0, 20).toSpliced(line, 1))
        assert.strictEqual(count, 1)
      }
    })
  )

  it.effect("takes lines that are longer than what is read at once", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      journal.add([row(0, 400_000), row(1), row(2, 200_000)])
      journal.keep()
      assert.deepStrictEqual((yield* readAll(yield* afterKill(path))).seen, [0, 1, 2])
    })
  )

  it.effect("drops its oldest file when it is full, and counts the rows that nobody took", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path, { maxBytes: 40_000, segmentBytes: 10_000 })
      journal.add(rows(0, 10, 20))
      journal.keep()
      const batch = yield* journal.take(5)
      assert.deepStrictEqual(numbers(batch), range(0, 5))
      for (let n = 10; n < 2_000; n += 1) {
        journal.add([row(n, 20)])
        journal.keep()
        assert.isAtMost(journal.status().bytes, 40_000 + 200)
      }
      const ofOthers = journal.dropped()
      assert.strictEqual(ofOthers, journal.floor() === 0 ? 1_995 - journal.waiting() : -1)
      journal.restore()
      assert.strictEqual(journal.dropped(), ofOthers + 5)
      const left: Array<number> = []
      while (journal.waiting() > 0) {
        left.push(...numbers(yield* journal.take(7)))
        journal.settle()
      }
      assert.deepStrictEqual(left, range(2_000 - left.length, 2_000))
      assert.strictEqual(journal.dropped(), 2_000 - left.length)
      assert.isAbove(left.length, 100)
    })
  )

  it.effect("says how much waits, and since when", () =>
    Effect.gen(function* () {
      const journal = yield* open(`${yield* directory}/journal`)
      assert.deepInclude(journal.status(), { records: 0, oldestAt: undefined, dropped: 0, problem: undefined })
      journal.add(rows(0, 100))
      journal.keep()
      assert.deepInclude(journal.status(), { records: 100, oldestAt: row(0).at })
      yield* journal.take(50)
      assert.strictEqual(journal.status().records, 100)
      journal.settle()
      assert.deepInclude(journal.status(), { records: 50, oldestAt: row(50).at })
      assert.isAbove(journal.status().bytes, 1_000)
      yield* journal.take(50)
      journal.settle()
      assert.deepInclude(journal.status(), { records: 0, oldestAt: undefined })
    })
  )

  it.effect("holds rows in memory while the disk takes nothing, and goes on in a new file", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      const journal = yield* open(path)
      journal.add(rows(0, 5))
      journal.keep()
      // As good as a disk that fails.
      const [file = ""] = files(path)
      blockBehindItsBack(file)
      journal.add(rows(5, 8))
      journal.keep()
      assert.include(journal.status().problem, "EBADF")
      assert.deepStrictEqual(numbers(yield* journal.take(5)), range(0, 5))
      journal.settle()
      assert.deepStrictEqual(numbers(yield* journal.take(2)), [5, 6])
      journal.restore()
      assert.deepStrictEqual(numbers(yield* journal.take(2)), [5, 6])
      journal.settle()
      // The disk is left alone for a second, and timers may be a little early.
      yield* Effect.sleep("1100 millis")
      journal.add(rows(8, 12))
      journal.keep()
      assert.isUndefined(journal.status().problem)
      assert.deepStrictEqual((yield* readAll(yield* afterKill(path))).seen.slice(-5), range(7, 12))
      assert.deepStrictEqual(numbers(yield* journal.take(100)), range(7, 12))
      journal.settle()
      assert.strictEqual(journal.dropped(), 0)
    })
  )

  it.effect("refuses sizes that make no sense, by name", () =>
    Effect.gen(function* () {
      const path = `${yield* directory}/journal`
      for (const [options, says] of [
        [{ maxBytes: 0 }, "maxBytes must be a whole number"],
        [{ segmentBytes: 1.5 }, "segmentBytes must be a whole number"],
        [{ maxBytes: 100, segmentBytes: 60 }, "maxBytes must be at least two files (120), got 100"]
      ] as const) {
        assert.include(String(yield* Effect.exit(open(path, options))), says)
      }
    })
  )

  const Step = Schema.Union([
    Schema.TaggedStruct("Add", { count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 })) }),
    Schema.TaggedStruct("Keep", {}),
    Schema.TaggedStruct("Write", {
      max: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 })),
      takes: Schema.Boolean
    }),
    Schema.TaggedStruct("Kill", {})
  ])
  it.effect.prop(
    "in any sequence of rows, batches, failures and kills, loses no row that was kept and changes no order",
    [Schema.Array(Step)],
    ([steps]) =>
      Effect.gen(function* () {
        let path = `${yield* directory}/journal`
        // Small files, so that there are several.
        const options = { maxBytes: 2 ** 20, segmentBytes: 600 }
        let journal = yield* open(path, options)
        let added = 0
        /** Rows from here on are not in the database, up to those that were kept. */
        let written = 0
        let kept = 0
        for (const step of steps) {
          switch (step._tag) {
            case "Add":
              journal.add(rows(added, added + step.count))
              added += step.count
              break
            case "Keep":
              journal.keep()
              kept = added
              break
            case "Write": {
              const taken = numbers(yield* journal.take(step.max))
              kept = added
              if (taken.length > 0) {
                assert.deepStrictEqual(taken, range(taken[0] ?? 0, (taken[0] ?? 0) + taken.length))
                assert.isAtMost(taken[0] ?? 0, written)
              }
              if (step.takes) {
                journal.settle()
                written = Math.max(written, (taken.at(-1) ?? -1) + 1)
              } else {
                journal.restore()
              }
              break
            }
            case "Kill": {
              path = yield* afterKill(path)
              journal = yield* open(path, options)
              // What was not kept is gone; its numbers are given anew.
              added = kept
              break
            }
          }
        }
        assert.isAtLeast(journal.waiting(), added - written)
        let last: number | undefined
        while (journal.waiting() > 0) {
          const taken = numbers(yield* journal.take(50))
          if (last === undefined) assert.isAtMost(taken[0] ?? 0, written)
          else assert.strictEqual(taken[0], last + 1)
          last = taken.at(-1)
          journal.settle()
        }
        if (written < added) assert.strictEqual(last, added - 1)
        assert.strictEqual(journal.dropped() + journal.status().damaged, 0)
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 60 } }
  )
})
