import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { halfOpen, open, openMillis, probeAfter } from "../conformance/behaviours/steps.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import { opossum } from "../conformance/Opossum.ts"
import type { Subject } from "../conformance/Subject.ts"

/** A call from before the trip succeeds while the probe is under way. */
const lateSuccess = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
  const late = yield* circuit.start
  yield* open(circuit)
  yield* probeAfter(subject, circuit, openMillis)
  yield* late.end("success")
  return yield* circuit.state
})

/** A probe that never settles, and a call a day later. */
const aDayBehindTheProbe = Effect.fnUntraced(function* (subject: Subject) {
  const { circuit } = yield* halfOpen(subject)
  yield* subject.idle(86_400_000)
  return yield* (yield* circuit.start).status
})

describe("D8: a success from before the trip says nothing about the probe", () => {
  it.effect("ours leaves the verdict to the probe", (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, holdfast, lateSuccess), "half-open")
    })
  )

  it.effect(`opossum ${opossum.version} closes`, (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, opossum, lateSuccess), "closed")
    })
  )
})

describe("D8: a probe that never settles does not block the circuit", () => {
  it.effect("ours gives its slot to the next call", (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, holdfast, aDayBehindTheProbe), "running")
    })
  )

  it.effect(`opossum ${opossum.version} without a time limit refuses everybody for ever`, (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, opossum, aDayBehindTheProbe), "refused")
    })
  )
})
