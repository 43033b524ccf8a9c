import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { folder, holdfast } from "./Command.ts"

const run = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
  const { ended, output } = yield* holdfast(["migrate", ...args])
  return [yield* ended, output().trim().split("\n")]
})

describe("holdfast migrate", () => {
  it.live(
    "says what it would do, does it once, and then has nothing to do",
    () =>
      Effect.gen(function* () {
        const data = yield* folder
        const steps = [
          "step 1: mission tables",
          "step 2: sharing tables",
          "step 3: ledger tables",
          "step 4: alert tables",
          "step 5: operator tables"
        ]
        // That it changes nothing shows in what is done next.
        assert.deepStrictEqual(yield* run("--dry-run", "--data", data), [0, steps.map((step) => `would take ${step}`)])
        assert.deepStrictEqual(yield* run("--data", data), [0, steps.map((step) => `took ${step}`)])
        assert.deepStrictEqual(yield* run("--data", data), [0, ["The database is up to date."]])
      }),
    120_000
  )
})
