import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { open, openMillis, probeAfter } from "../conformance/behaviours/steps.ts"
import { cockatiel } from "../conformance/Cockatiel.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** A call from before the trip fails while the probe is under way; then the probe succeeds. */
const lateFailure = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
  const late = yield* circuit.start
  yield* open(circuit)
  const probe = yield* probeAfter(subject, circuit, openMillis)
  yield* late.end("failure")
  const afterLate = yield* circuit.state
  yield* probe.end("success")
  return { afterLate, afterProbe: yield* circuit.state }
})

describe("D2: a failure from before the trip says nothing about the probe", () => {
  it.effect("ours leaves the verdict to the probe", (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, holdfast, lateFailure), {
        afterLate: "half-open",
        afterProbe: "closed"
      })
    })
  )

  it.effect(`cockatiel ${cockatiel.version} reopens and ignores the probe's success`, (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, cockatiel, lateFailure), {
        afterLate: "open",
        afterProbe: "open"
      })
    })
  )
})
