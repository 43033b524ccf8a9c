import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Sampling } from "@holdfast/core"

const current = Effect.map(Sampling.Current, (sampling) => sampling)

describe("sampling", () => {
  it.effect("is the provider's own unless set", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* current, {})
    })
  )

  it.effect("lays the inner options over the outer ones", () =>
    Effect.gen(function* () {
      const seen = yield* current.pipe(
        Sampling.provide({ temperature: 0, seed: 7 }),
        Sampling.provide({ temperature: 1, maxOutputTokens: 100 })
      )
      assert.deepStrictEqual(seen, { temperature: 0, seed: 7, maxOutputTokens: 100 })
    })
  )

  it.effect("ends where its effect ends", () =>
    Effect.gen(function* () {
      const [inner, outer] = yield* Effect.all([current.pipe(Sampling.provide({ topK: 3 })), current]).pipe(
        Sampling.provide({ topP: 0.5 })
      )
      assert.deepStrictEqual(inner, { topK: 3, topP: 0.5 })
      assert.deepStrictEqual(outer, { topP: 0.5 })
    })
  )
})
