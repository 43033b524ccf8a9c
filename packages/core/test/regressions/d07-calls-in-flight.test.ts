import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "../conformance/behaviours/steps.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import { opossum } from "../conformance/Opossum.ts"
import type { Subject } from "../conformance/Subject.ts"

/** Ten calls under way, and nine that fail. */
const nineOfNine = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({
    trip: { failureRate: 0.5, minimumCalls: 9, window: "any" },
    openMillis: 30_000
  })
  yield* circuit.startMany(10)
  yield* run(circuit, "failure", 9)
  return yield* circuit.state
})

describe("D7: calls that are under way do not count in the failure rate", () => {
  it.effect("ours opens when nine of nine calls have failed", (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, holdfast, nineOfNine), "open")
    })
  )

  it.effect(`opossum ${opossum.version} takes them for nine of nineteen and stays closed`, (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, opossum, nineOfNine), "closed")
    })
  )
})
