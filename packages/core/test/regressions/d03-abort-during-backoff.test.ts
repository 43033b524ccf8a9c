import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { cockatiel } from "../conformance/Cockatiel.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** An abort at 50 ms of a delay of 1 s: what is known at 51 ms, and when the second is over. */
const abortDuringDelay = Effect.fnUntraced(function* (subject: Subject) {
  const retrying = yield* subject.retrying({ maxRetries: 3, baseMillis: 1000 })
  const operation = yield* retrying.start(() => "failure")
  yield* subject.advance(50)
  yield* operation.cancel
  yield* subject.advance(1)
  const at51 = yield* operation.result
  yield* subject.advance(949)
  return { at51, at1000: yield* operation.result }
})

describe("D3: an abort ends the wait between two attempts", () => {
  it.effect("ours is over at once", (context) =>
    Effect.gen(function* () {
      const { at51 } = yield* onSubject(context, holdfast, abortDuringDelay)
      assert.strictEqual(at51, "cancelled")
    })
  )

  it.effect(`cockatiel ${cockatiel.version} waits the whole delay before it settles`, (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, cockatiel, abortDuringDelay), {
        at51: "running",
        at1000: "cancelled"
      })
    })
  )
})
