import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "../conformance/behaviours/steps.ts"
import { effect } from "../conformance/EffectBreaker.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** Ten calls at least; nine failures, 59 idle minutes, one failure. */
const acrossAnHour = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({
    trip: { failureRate: 0.5, minimumCalls: 10, window: "any" },
    openMillis: 30_000
  })
  yield* run(circuit, "failure", 9)
  yield* subject.idle(59 * 60_000)
  yield* run(circuit, "failure", 1)
  return yield* circuit.state
})

describe("D10: failures of an hour ago do not open a circuit now", () => {
  it.effect("ours has forgotten them", (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, holdfast, acrossAnHour), "closed")
    })
  )

  it.effect(`effect ${effect.version} opens at the tenth`, (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, effect, acrossAnHour), "open")
    })
  )
})
