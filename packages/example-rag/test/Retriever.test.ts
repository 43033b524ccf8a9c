import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { Script } from "@holdfast/chaos"
import * as Embedder from "../src/Embedder.ts"
import * as Library from "../src/Library.ts"
import { PassageStore } from "../src/PassageStore.ts"
import { Retriever } from "../src/Retriever.ts"
import { embed, embedSecond, embedStandby, layer, stocked } from "./Scripted.ts"

const search = (question: string) => Script.inTime(Retriever.use((retriever) => retriever.search(question, 2)))

const question = "What do sea otters eat?"

/** Works until the documents are in, and not after. */
const failing = [Script.always(Script.serviceUnavailable)]
const failingAfter = (calls: number) => [Script.times(calls, Script.vectors()), ...failing]
const documents = 4

describe("a search", () => {
  it.effect("is by meaning, and asks for a vector of a question, not of a document", () =>
    Effect.gen(function* () {
      yield* stocked
      const found = yield* search(question)
      assert.strictEqual(found.by, "gemini-embedding-001@3072")
      assert.strictEqual(found.passages[0]?.document, "otters")
      assert.isUndefined(found.notice)
      const calls = yield* Script.calls(embed)
      assert.deepStrictEqual<ReadonlyArray<string | undefined>>(
        calls.map(({ request }) => ("task" in request ? request.task : undefined)),
        [...Array.from({ length: documents }, () => "document"), "query"]
      )
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("goes on in the same space when one project fails and the other makes the vectors", () =>
    Effect.gen(function* () {
      yield* stocked
      const found = yield* search(question)
      assert.strictEqual(found.by, "gemini-embedding-001@3072")
      assert.strictEqual(found.passages[0]?.document, "otters")
      assert.isUndefined(found.notice)
      assert.strictEqual((yield* Script.calls(embedSecond)).length, 1)
    }).pipe(Effect.provide(layer({ [embed]: failingAfter(documents) })))
  )

  it.effect("is made in the space on stand-by, with vectors of its own, when the first one is gone", () =>
    Effect.gen(function* () {
      yield* stocked
      const found = yield* search(question)
      assert.strictEqual(found.by, "text-embedding-3-small@1536")
      assert.strictEqual(found.passages[0]?.document, "otters")
      assert.include(found.notice, "another index")
    }).pipe(
      Effect.provide(
        layer({ [embed]: failingAfter(documents), [embedSecond]: [Script.always(Script.fail("Authentication"))] })
      )
    )
  )

  it.effect("is by words rather than in half an index", () =>
    Effect.gen(function* () {
      const library = yield* Library.Library
      yield* library.add({ id: "a", title: "A", text: "Nothing of the kind." })
      yield* library.catchUp
      yield* TestClock.adjust("1 second")
      const store = yield* PassageStore
      yield* store.put({ id: "b", title: "B", text: "Sea otters eat urchins." })
      const found = yield* search(question)
      assert.deepInclude(found, { by: "words" })
      assert.deepStrictEqual(
        found.passages.map((passage) => passage.document),
        ["b"]
      )
      assert.include(found.notice, "words of the question")
    }).pipe(Effect.provide(layer({ [embed]: failingAfter(1), [embedSecond]: failing })))
  )

  it.effect("never compares vectors of two spaces, and is back when the new space has its own", () =>
    Effect.gen(function* () {
      // An index that another model made: the last one, say, before this application was given a new one.
      const store = yield* PassageStore
      // The library has looked for work by then, and found none.
      yield* TestClock.adjust("1 second")
      yield* store.put({ id: "b", title: "B", text: "Sea otters eat urchins." })
      const pending = yield* store.pending("old-model@3072", 10)
      yield* store.index(
        "old-model@3072",
        pending.map(({ id }) => ({ id, vector: Array.from({ length: 3072 }, () => 0.018) }))
      )
      const before = yield* search(question)
      assert.deepInclude(before, { by: "words" })
      const { space } = yield* Embedder.Embedder
      const library = yield* Library.Library
      assert.deepStrictEqual(yield* library.catchUp, { [space]: 1, "text-embedding-3-small@1536": 1 })
      const after = yield* search(question)
      assert.strictEqual(after.by, space)
      assert.isAbove(after.passages[0]?.score ?? 0, 0.4)
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("fails with what is wrong with the question, and tries nothing else then", () =>
    Effect.gen(function* () {
      yield* stocked
      const before = (yield* Script.calls(embedStandby)).length
      assert.strictEqual((yield* Effect.flip(search(question)))._tag, "ContextLengthExceeded")
      assert.strictEqual((yield* Script.calls(embedStandby)).length, before)
    }).pipe(
      Effect.provide(
        layer({ [embed]: [Script.times(documents, Script.vectors()), Script.fail("ContextLengthExceeded")] })
      )
    )
  )
})
