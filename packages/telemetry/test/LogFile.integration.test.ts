import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { readdirSync, statSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { LogFile } from "../src/index.ts"
import * as Folder from "./Folder.ts"

/** A file in a scope of its own: `close` writes what is left. */
const open = Effect.fnUntraced(function* (options: Partial<LogFile.Options> & { readonly directory: string }) {
  const changes: Array<LogFile.Change> = []
  const waiting: Array<() => void> = []
  const scope = yield* Scope.make()
  const file = yield* LogFile.make({
    name: "x.log",
    maxBytes: 1_000_000,
    keep: 3,
    onChange: (change) => {
      changes.push(change)
      for (const look of waiting.splice(0)) look()
    },
    ...options
  }).pipe(Scope.provide(scope))
  return {
    ...file,
    changes,
    nextChange: Effect.callback<void>((resume) => void waiting.push(() => resume(Effect.void))),
    close: Scope.close(scope, Exit.void)
  }
})

const line = (n: number) => `line ${String(n).padStart(4, "0")}`

describe("a log file", () => {
  it.live("begins anew when it is full, and keeps so many old ones", () =>
    Effect.gen(function* () {
      const directory = join(yield* Folder.make, "made", "for", "it")
      // Ten lines of ten bytes.
      const file = yield* open({ directory, maxBytes: 100, keep: 3 })
      for (let n = 0; n < 65; n++) file.write(line(n), n)
      yield* file.close
      assert.deepStrictEqual(readdirSync(directory).toSorted(), ["x.log", "x.log.1", "x.log.2", "x.log.3"])
      assert.deepStrictEqual(Folder.lines(join(directory, "x.log")), [60, 61, 62, 63, 64].map(line))
      assert.deepStrictEqual(Folder.lines(join(directory, "x.log.1"))[0], line(50))
      assert.deepStrictEqual(Folder.lines(join(directory, "x.log.3"))[0], line(30))
      for (const name of ["x.log.1", "x.log.2", "x.log.3"])
        assert.strictEqual(statSync(join(directory, name)).size, 100)
      assert.strictEqual(file.lost(), 0)
      assert.deepStrictEqual(file.changes, [])
    })
  )

  it.live("goes on with the file that is there", () =>
    Effect.gen(function* () {
      const directory = yield* Folder.make
      const first = yield* open({ directory, maxBytes: 100 })
      for (let n = 0; n < 5; n++) first.write(line(n), n)
      yield* first.close
      const second = yield* open({ directory, maxBytes: 100 })
      for (let n = 5; n < 12; n++) second.write(line(n), n)
      yield* second.close
      assert.deepStrictEqual(
        Folder.lines(join(directory, "x.log.1")),
        Array.from({ length: 10 }, (_, n) => line(n))
      )
      assert.deepStrictEqual(Folder.lines(join(directory, "x.log")), [10, 11].map(line))
    })
  )

  it.live("says once that it cannot be written, loses lines without a word, and says when it can again", () =>
    Effect.gen(function* () {
      const parent = yield* Folder.make
      const directory = join(parent, "logs")
      writeFileSync(directory, "in the way")
      const file = yield* open({ directory })
      file.write(line(0), 0)
      yield* file.nextChange
      for (let n = 1; n < 100; n++) file.write(line(n), n)
      // Ten seconds later it tries again, in vain.
      file.write(line(100), 10_000)
      yield* Effect.promise(() => rm(directory))
      file.write(line(101), 19_999)
      assert.strictEqual(file.changes.length, 1)
      assert.deepInclude(file.changes[0], { file: `${directory}/x.log`, problem: "ENOTDIR" })
      file.write(line(102), 20_000)
      yield* file.nextChange
      file.write(line(103), 20_001)
      yield* file.close
      assert.deepStrictEqual(Folder.lines(join(directory, "x.log")), [102, 103].map(line))
      assert.strictEqual(file.lost(), 102)
      assert.deepStrictEqual(file.changes[1], { file: `${directory}/x.log`, problem: undefined, lost: 102 })
      assert.strictEqual(file.changes.length, 2)
    })
  )

  it.live("takes nothing more once it is closed", () =>
    Effect.gen(function* () {
      const directory = yield* Folder.make
      const file = yield* open({ directory })
      file.write(line(0), 0)
      yield* file.close
      file.write(line(1), 1)
      assert.deepStrictEqual(Folder.lines(join(directory, "x.log")), [line(0)])
    })
  )

  it("refuses sizes that are none", () => {
    for (const [field, value] of [
      ["maxBytes", 0],
      ["keep", 1.5]
    ] as const) {
      const options = { directory: ".", name: "x", maxBytes: 1, keep: 1, onChange: () => {}, [field]: value }
      assert.throws(() => Effect.runSync(Effect.scoped(LogFile.make(options))), RangeError, `${field} must be`)
    }
  })
})
