import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Script } from "@holdfast/chaos"
import { CircuitBreaker } from "@holdfast/core"
import { Answerer, type Piece } from "../src/Answerer.ts"
import * as Library from "../src/Library.ts"
import { chat, chatBehind, layer, stocked } from "./Scripted.ts"

const question = "What do sea otters eat?"
const ask = Answerer.use((answerer) => answerer.answer(question))
const listen = Stream.unwrap(Answerer.useSync((answerer) => answerer.stream(question)))
const textOf = (pieces: ReadonlyArray<Piece>) =>
  pieces.map((piece) => (piece._tag === "Text" ? piece.delta : "")).join("")

describe("an answer", () => {
  it.effect("stands on the passages that were found, and says which of them it used", () =>
    Effect.gen(function* () {
      yield* stocked
      const answer = yield* ask
      assert.strictEqual(answer.text, "They eat urchins [1].")
      assert.strictEqual(answer.sources[0]?.document, "otters")
      assert.deepInclude(answer, {
        answeredBy: chat,
        cited: [1],
        degraded: false,
        searchedBy: "gemini-embedding-001@3072"
      })
      assert.notProperty(answer, "notice")
      const [call] = yield* Script.calls(chat)
      const prompt = JSON.stringify(call?.request)
      assert.include(prompt, "[1] Sea otters eat the urchins that graze on kelp.")
      assert.include(prompt, question)
    }).pipe(Effect.provide(layer({ [chat]: [Script.reply("They eat urchins [1].")] })))
  )

  it.effect("comes from the model behind while the first one's circuit is open, and says so until it is closed", () =>
    Effect.gen(function* () {
      yield* stocked
      // Five failures: two operations with two retries each.
      for (let n = 0; n < 2; n++) assert.strictEqual((yield* Script.inTime(ask)).answeredBy, chatBehind)
      assert.strictEqual((yield* CircuitBreaker.state(chat)).state, "open")
      const degraded = yield* ask
      assert.deepInclude(degraded, { answeredBy: chatBehind, degraded: true })
      assert.strictEqual(degraded.notice, `The usual model is not available; ${chatBehind} answered.`)
      assert.strictEqual((yield* Script.calls(chat)).length, 5)
      yield* TestClock.adjust("15 seconds")
      const healed = yield* ask
      assert.deepInclude(healed, { text: "I am back [1].", answeredBy: chat, degraded: false })
      assert.strictEqual((yield* CircuitBreaker.state(chat)).state, "closed")
    }).pipe(
      Effect.provide(
        layer({
          [chat]: [Script.times(5, Script.serviceUnavailable), Script.reply("I am back [1].")],
          [chatBehind]: [Script.always(Script.reply("Urchins [1]."))]
        })
      )
    )
  )

  it.effect("is the passages themselves when no model can be asked, and says that it is none", () =>
    Effect.gen(function* () {
      yield* stocked
      const whole = yield* Script.inTime(ask)
      const pieces = yield* Script.inTime(Stream.runCollect(listen))
      const end = pieces.at(-1)
      assert.strictEqual(end?._tag, "End")
      for (const said of [whole, end]) {
        assert.deepInclude(said, { degraded: true })
        assert.notProperty(said, "answeredBy")
        assert.include(said && "notice" in said ? said.notice : "", "this is not an answer")
      }
      for (const text of [whole.text, textOf(pieces)]) {
        assert.match(text, /^I cannot answer at the moment[^]*\[1\] Sea otters eat the urchins/)
      }
    }).pipe(
      Effect.provide(
        layer({
          [chat]: [Script.always(Script.serviceUnavailable)],
          [chatBehind]: [Script.always(Script.fail("Network"))]
        })
      )
    )
  )

  it.effect("is refused where the question is at fault: no other model is asked, and nothing stands in", () =>
    Effect.gen(function* () {
      yield* stocked
      assert.strictEqual((yield* Effect.flip(ask))._tag, "ContentPolicy")
      assert.deepStrictEqual(yield* Script.calls(chatBehind), [])
    }).pipe(Effect.provide(layer({ [chat]: [Script.fail("ContentPolicy")] })))
  )

  it.effect("is not asked for when there is nothing it could stand on", () =>
    Effect.gen(function* () {
      const answer = yield* ask
      assert.deepInclude(answer, { text: "The documents say nothing about that.", sources: [], degraded: false })
      const pieces = yield* Stream.runCollect(listen)
      assert.strictEqual(textOf(pieces), answer.text)
      assert.deepStrictEqual(yield* Script.calls(chat), [])
    }).pipe(Effect.provide(layer({})))
  )
})

describe("a streamed answer", () => {
  it.effect("is its sources, its text in pieces, and what there is to say about it", () =>
    Effect.gen(function* () {
      yield* stocked
      const pieces = yield* Stream.runCollect(listen)
      assert.deepStrictEqual(
        pieces.map((piece) => piece._tag),
        ["Sources", "Text", "Text", "End"]
      )
      assert.strictEqual(textOf(pieces), "Urchins [1].")
      assert.deepInclude(pieces.at(-1), { answeredBy: chat, cited: [1], degraded: false })
    }).pipe(Effect.provide(layer({ [chat]: [Script.reply("Urchins [1].")] })))
  )

  it.effect("is gone on with by the other model when it breaks off, and says so at its end", () =>
    Effect.gen(function* () {
      yield* stocked
      const pieces = yield* Script.inTime(Stream.runCollect(listen))
      assert.strictEqual(textOf(pieces), "They eat urchins [1].")
      const end = pieces.at(-1)
      assert.deepInclude(end, { answeredBy: chatBehind, cited: [1], degraded: true })
      assert.include(end?._tag === "End" ? end.notice : "", "finished what another model began")
    }).pipe(
      Effect.provide(layer({ [chat]: [Script.cut("They eat")], [chatBehind]: [Script.reply("They eat urchins [1].")] }))
    )
  )

  it.effect("that cannot be gone on with fails, and never ends as if it were whole", () =>
    Effect.gen(function* () {
      yield* stocked
      const seen: Array<Piece> = []
      const error = yield* Script.inTime(
        Effect.flip(Stream.runForEach(listen, (piece) => Effect.sync(() => seen.push(piece))))
      )
      assert.strictEqual(error._tag, "StreamTruncated")
      assert.strictEqual(textOf(seen), "They eat")
      assert.isFalse(seen.some((piece) => piece._tag === "End"))
    }).pipe(
      Effect.provide(
        layer({
          [chat]: [Script.cut("They eat"), Script.always(Script.serviceUnavailable)],
          [chatBehind]: [Script.always(Script.serviceUnavailable)]
        })
      )
    )
  )

  it.effect("holds nothing once its reader has left", () =>
    Effect.gen(function* () {
      yield* stocked
      const reading = yield* Effect.forkChild(Stream.runDrain(listen))
      yield* TestClock.adjust("1 second")
      const script = yield* Script.Script
      assert.strictEqual(yield* script.open(chat), 1)
      yield* Fiber.interrupt(reading)
      assert.strictEqual(yield* script.open(chat), 0)
    }).pipe(Effect.provide(layer({ [chat]: [Script.hang] })))
  )
})

describe("a document", () => {
  it.effect("is kept although nobody can embed it, and is embedded when somebody can", () =>
    Effect.gen(function* () {
      const library = yield* Library.Library
      const added = yield* Script.inTime(library.add({ id: "a", title: "A", text: "Otters eat urchins." }))
      assert.deepStrictEqual(added, { passages: 1, isSearchable: false })
      const byWords = yield* Script.inTime(ask)
      assert.deepInclude(byWords, { text: "Urchins.", searchedBy: "words", degraded: true })
      // Nobody calls: the library tries again by itself.
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* Script.inTime(ask), { searchedBy: "gemini-embedding-001@3072", degraded: false })
    }).pipe(
      Effect.provide(
        layer({
          [chat]: [Script.always(Script.reply("Urchins."))],
          "gemini/gemini-embedding-001": [Script.times(5, Script.serviceUnavailable), Script.always(Script.vectors())],
          "gemini/gemini-embedding-001@second": [
            Script.times(5, Script.serviceUnavailable),
            Script.always(Script.vectors())
          ],
          "openai/text-embedding-3-small": [Script.times(5, Script.serviceUnavailable), Script.always(Script.vectors())]
        })
      )
    )
  )
})
