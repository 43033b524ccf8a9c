/** What every passage store promises. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { documents } from "../src/demo/documents.ts"
import { PassageStore } from "../src/PassageStore.ts"

const titles = (passages: ReadonlyArray<{ readonly title: string }>) => passages.map(({ title }) => title)

/** Every test has names of its own, so that one database does for all of them. */
export const storeSuite = <R>(it: Vitest.MethodsNonLive<R | PassageStore>) => {
  it.effect("keeps passages in order, gives them vectors, and finds the nearest of one space", () =>
    Effect.gen(function* () {
      const store = yield* PassageStore
      const text = "One.\n\n  Two\n  lines. \n\n\n\nThree."
      assert.strictEqual(yield* store.put({ id: "numbers", title: "Numbers", text }), 3)
      const pending = yield* store.pending("plane@2", 100)
      assert.deepStrictEqual(
        pending.map((passage) => passage.text),
        ["One.", "Two lines.", "Three."]
      )
      assert.deepStrictEqual(
        (yield* store.pending("plane@2", 2)).map(({ id }) => id),
        pending.slice(0, 2).map(({ id }) => id)
      )
      const vectors = [
        [1, 0],
        [0, 1],
        [-0.6, 0.8]
      ]
      yield* store.index(
        "plane@2",
        pending.map(({ id }, n) => ({ id, vector: vectors[n] ?? [] }))
      )
      assert.deepStrictEqual(yield* store.pending("plane@2", 100), [])
      const found = yield* store.nearest("plane@2", [0.8, 0.6], 2)
      assert.deepStrictEqual(
        found.map((passage) => passage.text),
        ["One.", "Two lines."]
      )
      assert.closeTo(found[0]?.score ?? 0, 0.8, 1e-6)
      assert.closeTo(found[1]?.score ?? 0, 0.6, 1e-6)
    })
  )

  it.effect("refuses to search a space that has no vectors, and names those that have some", () =>
    Effect.gen(function* () {
      const store = yield* PassageStore
      yield* store.put({ id: "spaces", title: "Spaces", text: "Text." })
      const [passage] = yield* store.pending("old@2", 1)
      yield* store.index("old@2", [{ id: passage?.id ?? 0, vector: [1, 0] }])
      const refused = yield* Effect.flip(store.nearest("new@2", [1, 0], 3))
      assert.strictEqual(refused._tag, "SpaceNotIndexed")
      assert.include(refused.message, "There are no vectors of new@2; there are those of old@2")
      const { indexed, passages } = yield* store.coverage("new@2")
      assert.strictEqual(indexed, 0)
      assert.isAbove(passages, 0)
      assert.strictEqual((yield* store.coverage("old@2")).indexed, 1)
    })
  )

  it.effect("replaces a document with its passages and vectors, and drops vectors that come too late", () =>
    Effect.gen(function* () {
      const store = yield* PassageStore
      yield* store.put({ id: "changing", title: "Before", text: "Before." })
      const before = (yield* store.pending("late@1", 1000)).find(({ text }) => text === "Before.")
      yield* store.put({ id: "changing", title: "After", text: "After.\n\nMore." })
      yield* store.index("late@1", [{ id: before?.id ?? 0, vector: [1] }])
      assert.strictEqual((yield* store.coverage("late@1")).indexed, 0)
      const after = (yield* store.pending("late@1", 1000)).filter(({ text }) => /^(Before|After|More)/.test(text))
      assert.strictEqual(after.length, 2)
      yield* store.index("late@1", [{ id: after[0]?.id ?? 0, vector: [1] }])
      // A second fiber that embedded the same passage adds nothing and changes nothing.
      yield* store.index("late@1", [{ id: after[0]?.id ?? 0, vector: [-1] }])
      assert.deepStrictEqual(yield* store.nearest("late@1", [1], 1), [
        { document: "changing", title: "After", text: "After.", score: 1 }
      ])
    })
  )

  it.effect("finds by words what has any of them, best first", () =>
    Effect.gen(function* () {
      const store = yield* PassageStore
      for (const document of documents) yield* store.put(document)
      assert.strictEqual(titles(yield* store.withWords("Which animals eat urchins?", 3))[0], "Otters")
      assert.deepStrictEqual(yield* store.withWords("Xylophone?", 3), [])
      assert.deepStrictEqual(yield* store.withWords("' & | ! ) :*", 3), [])
    })
  )
}
