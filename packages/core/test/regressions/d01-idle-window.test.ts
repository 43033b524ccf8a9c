import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { run } from "../conformance/behaviours/steps.ts"
import { cockatiel } from "../conformance/Cockatiel.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** Ten seconds of window, five calls at least; four failures, an idle hour, a success, a failure. */
const afterIdleHour = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({
    trip: { failureRate: 0.5, minimumCalls: 5, window: { millis: 10_000 } },
    openMillis: 30_000
  })
  yield* run(circuit, "failure", 4)
  yield* subject.idle(3_600_000)
  yield* run(circuit, "success", 1)
  yield* run(circuit, "failure", 1)
  return yield* circuit.state
})

describe("D1: a window forgets while nobody calls", () => {
  it.effect("ours has forgotten failures that are an hour old", (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, holdfast, afterIdleHour), "closed")
    })
  )

  it.effect(`cockatiel ${cockatiel.version} counts them and opens (connor4312/cockatiel#64)`, (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, cockatiel, afterIdleHour), "open")
    })
  )
})
