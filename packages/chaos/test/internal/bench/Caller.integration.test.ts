import { NodeHttpClient } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { type Fault, FaultPlan, Healthy, OpenAiEmulator } from "@holdfast/chaos"
import * as Caller from "../../../src/internal/bench/Caller.ts"

const ask = Effect.fnUntraced(function* (fault?: Fault.Input, patience = Duration.seconds(20)) {
  const rules = fault === undefined ? [] : [{ fault }]
  const { journal, url } = yield* OpenAiEmulator.make({ plan: FaultPlan.make({ rules }) })
  const [, ending] = yield* Caller.ask({ url, headers: { authorization: "Bearer any" } }, "m", patience)
  return { ending, journal: yield* journal, url }
})

layer(NodeHttpClient.layerUndici, { excludeTestServices: true })("the caller of the fault bench", (it) => {
  it.effect("reads a whole answer with its model and usage", () =>
    Effect.gen(function* () {
      const { ending, journal } = yield* ask()
      assert.deepInclude(ending, { _tag: "Answer", text: Healthy.sixtyWords, model: "m", hasUsage: true })
      assert.isTrue(journal[0]?.keyGiven)
    })
  )

  it.effect("is content with a clean end, however the stream says so", () =>
    Effect.gen(function* () {
      assert.nestedPropertyVal(yield* ask({ _tag: "NoDone" }), "ending.text", Healthy.sixtyWords)
      assert.nestedPropertyVal(yield* ask({ _tag: "MalformedChunk" }), "ending.text", Healthy.sixtyWords)
      const truncated = yield* ask({ _tag: "Truncate", after: 3, ending: "clean" })
      assert.nestedPropertyVal(truncated, "ending.text", Healthy.sixtyWords.split(" ").slice(0, 3).join(" "))
    })
  )

  it.effect("tells an error by status, inside a stream, by a broken connection, and does not ask again", () =>
    Effect.gen(function* () {
      const status = yield* ask({ _tag: "Overloaded" })
      assert.nestedPropertyVal(
        status,
        "ending.reason",
        "503 server_is_overloaded: The server is currently overloaded. Please try again later."
      )
      assert.strictEqual(status.journal.length, 1)
      const inside = yield* ask({ _tag: "StreamError", after: 2 })
      assert.match("reason" in inside.ending ? inside.ending.reason : "", /^in the stream: /)
      for (const fault of [{ _tag: "Reset" }, { _tag: "Truncate", after: 2 }] as const) {
        const broken = yield* ask(fault)
        assert.nestedPropertyVal(broken, "ending._tag", "Failed")
        assert.strictEqual(broken.journal.length, 1)
      }
    })
  )

  it.effect("takes a mute connection for a hang, and closes it", () =>
    Effect.gen(function* () {
      const { journal, awaitClosed, url } = yield* OpenAiEmulator.make({
        plan: FaultPlan.make({ rules: [{ fault: { _tag: "Hang" } }] })
      })
      const [, ending] = yield* Caller.ask({ url, headers: {} }, "m", Duration.seconds(1))
      assert.deepStrictEqual(ending, { _tag: "Hung" })
      const [entry] = yield* journal
      assert.strictEqual((yield* awaitClosed(entry?.id ?? -1)).closedBy, "client")
    })
  )

  it.effect("knows a living endpoint from one that errs or is not there", () =>
    Effect.gen(function* () {
      const alive = (url: string) =>
        Caller.isAnswered({ url, headers: {} }, "m", Healthy.sixtyWords, Duration.seconds(20))
      assert.isTrue(yield* alive((yield* OpenAiEmulator.make()).url))
      assert.isFalse(yield* alive((yield* ask({ _tag: "WrongShape" })).url))
      const { takeDown, url } = yield* OpenAiEmulator.make()
      yield* takeDown
      assert.isFalse(yield* alive(url))
    })
  )
})
