/** The library of storms that comes with the package, each from what has really happened to somebody. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Scenario from "./Scenario.ts"

const folder = new URL("../storms/", import.meta.url)

const directory = Effect.gen(function* () {
  const path = yield* Path.Path
  return yield* Effect.orDie(path.fromFileUrl(folder))
})

/** Their names, in the alphabet's order. */
export const names: Effect.Effect<ReadonlyArray<string>, never, FileSystem.FileSystem | Path.Path> = Effect.gen(
  function* () {
    const files = yield* FileSystem.FileSystem
    const entries = yield* Effect.orDie(files.readDirectory(yield* directory))
    return entries
      .filter((entry) => entry.endsWith(".yaml"))
      .map((entry) => entry.slice(0, -".yaml".length))
      .toSorted()
  }
)

/** All of them, in the alphabet's order of their names. */
export const all = Effect.gen(function* () {
  const path = yield* Path.Path
  const where = yield* directory
  return yield* Effect.forEach(yield* names, (name) => Scenario.load(path.join(where, `${name}.yaml`)))
})

/** A storm of the library by its name, or a scenario in a file by its path. */
export const find = Effect.fnUntraced(function* (nameOrPath: string) {
  const path = yield* Path.Path
  const known = yield* names
  if (known.includes(nameOrPath)) return yield* Scenario.load(path.join(yield* directory, `${nameOrPath}.yaml`))
  const files = yield* FileSystem.FileSystem
  const isFile = yield* Effect.orElseSucceed(files.exists(nameOrPath), () => false)
  if (isFile) return yield* Scenario.load(nameOrPath)
  return yield* new Scenario.InvalidScenario({
    source: nameOrPath,
    problem: `no file, and no storm of the library (there is: ${known.join(", ")})`
  })
})
