import { NodeServices } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, FileSystem } from "effect"
import * as DirectoryLock from "../../src/internal/DirectoryLock.ts"

layer(NodeServices.layer, { excludeTestServices: true })("DirectoryLock", (it) => {
  const directory = Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = `${yield* fs.makeTempDirectoryScoped({ prefix: "holdfast-test-" })}/data`
    return { fs, path, lock: `${path}.lock` }
  })

  it.effect("holds the directory until its scope closes, also against this process", () =>
    Effect.gen(function* () {
      const { fs, lock, path } = yield* directory
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* DirectoryLock.acquire(path)
          const error = yield* Effect.flip(Effect.scoped(DirectoryLock.acquire(path)))
          assert.deepInclude(error, { _tag: "DatabaseError", reason: "InUse" })
          assert.include(error.message, `remove ${lock}`)
          assert.isTrue(yield* fs.exists(lock))
        })
      )
      assert.isFalse(yield* fs.exists(lock))
      yield* Effect.scoped(DirectoryLock.acquire(path))
    })
  )

  it.effect("takes over from a process that has ended", () =>
    Effect.gen(function* () {
      const { fs, lock, path } = yield* directory
      // No process has a number above the kernel's limit of 2^22.
      yield* fs.writeFileString(lock, "99999999 12345")
      yield* DirectoryLock.acquire(path)
      assert.match(yield* fs.readFileString(lock), new RegExp(`^${process.pid} \\d+$`))
    })
  )

  it.effect("is not fooled by another process that got the number of a dead one", () =>
    Effect.gen(function* () {
      const { fs, lock, path } = yield* directory
      yield* fs.writeFileString(lock, `${process.ppid} 1`)
      yield* DirectoryLock.acquire(path)
      assert.match(yield* fs.readFileString(lock), new RegExp(`^${process.pid} `))
    })
  )

  it.effect("respects a live process of which no more than the number is known", () =>
    Effect.gen(function* () {
      const { fs, lock, path } = yield* directory
      yield* fs.writeFileString(lock, `${process.ppid} 0`)
      const error = yield* Effect.flip(DirectoryLock.acquire(path))
      assert.deepInclude(error, { reason: "InUse" })
    })
  )

  it.effect("respects a lock that is just being written", () =>
    Effect.gen(function* () {
      const { fs, lock, path } = yield* directory
      yield* fs.writeFileString(lock, "")
      const error = yield* Effect.flip(DirectoryLock.acquire(path))
      assert.deepInclude(error, { reason: "InUse" })
    })
  )

  it.effect("lets one of many through, whether or not a dead one's lock is in the way", () =>
    Effect.gen(function* () {
      const { fs, lock, path } = yield* directory
      for (const stale of [true, false]) {
        if (stale) yield* fs.writeFileString(lock, "99999999 12345")
        const exits = yield* Effect.scoped(
          Effect.all(
            Array.from({ length: 20 }, () => Effect.exit(DirectoryLock.acquire(path))),
            { concurrency: "unbounded" }
          )
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
      }
    })
  )
})
