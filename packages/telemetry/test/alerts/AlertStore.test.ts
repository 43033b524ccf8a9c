import { assert, describe, it } from "@effect/vitest"
import { NodeFileSystem } from "@effect/platform-node"
import { Effect, FileSystem, Layer, Option } from "effect"
import { AlertStore } from "@holdfast/telemetry"

const { AlertStore: Store } = AlertStore

/** What every store has to do. */
const suite = <E>(name: string, layer: Layer.Layer<AlertStore.AlertStore, E>) =>
  it.live(`${name} has nothing at first, and then what was saved last`, () =>
    Effect.gen(function* () {
      const store = yield* Store
      assert.deepStrictEqual(yield* store.load, Option.none())
      yield* store.save("one")
      yield* store.save("two, and längér")
      assert.deepStrictEqual(yield* store.load, Option.some("two, and längér"))
    }).pipe(Effect.provide(layer))
  )

const temporary = Layer.unwrap(
  Effect.map(
    FileSystem.FileSystem.use((files) => files.makeTempDirectoryScoped()),
    (folder) => AlertStore.layerFile(`${folder}/alerts.json`)
  )
).pipe(Layer.provide(NodeFileSystem.layer))

describe("a store", () => {
  suite("in memory", AlertStore.layerMemory)
  suite("in a file", temporary)

  it.live("in a file is only this user's, survives its layer, and says what is wrong without a path", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const folder = yield* files.makeTempDirectoryScoped()
      const layer = AlertStore.layerFile(`${folder}/canary.json`)
      yield* Store.use((store) => store.save("kept")).pipe(Effect.provide(layer))
      assert.strictEqual((yield* files.stat(`${folder}/canary.json`)).mode & 0o777, 0o600)
      assert.deepStrictEqual(yield* Store.use((store) => store.load).pipe(Effect.provide(layer)), Option.some("kept"))
      const nowhere = AlertStore.layerFile(`${folder}/none/canary.json`)
      const error = yield* Effect.flip(Store.use((store) => store.save("x")).pipe(Effect.provide(nowhere)))
      assert.strictEqual(error.message, "The state of the alerts cannot be kept: the file, NotFound")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
