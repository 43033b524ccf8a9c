import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as PassageStore from "../src/PassageStore.ts"
import { database } from "./Harness.ts"
import { storeSuite } from "./storeSuite.ts"

layer(PassageStore.layer.pipe(Layer.provide(database)), { excludeTestServices: true })(
  "the passage store in PostgreSQL",
  storeSuite
)

describe("the tables of the passage store", () => {
  it.live("are made once", () =>
    Effect.gen(function* () {
      const store = yield* PassageStore.make
      yield* store.put({ id: "a", title: "A", text: "Text." })
      const again = yield* PassageStore.make
      assert.strictEqual((yield* again.coverage("any")).passages, 1)
    }).pipe(Effect.provide(database))
  )
})
