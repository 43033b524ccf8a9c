import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { halfOpen } from "../conformance/behaviours/steps.ts"
import { effect } from "../conformance/EffectBreaker.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** A probe that never settles: a call a day later, and one after the probe was interrupted. */
const behindTheProbe = Effect.fnUntraced(function* (subject: Subject) {
  const { circuit, probe } = yield* halfOpen(subject)
  yield* subject.idle(86_400_000)
  const aDayLater = yield* circuit.start
  const status = yield* aDayLater.status
  yield* aDayLater.cancel
  yield* probe.cancel
  return { aDayLater: status, afterInterruption: yield* (yield* circuit.start).status }
})

describe("D9: a probe that never settles does not block the circuit", () => {
  it.effect("ours gives its slot to the next call", (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, holdfast, behindTheProbe), {
        aDayLater: "running",
        afterInterruption: "running"
      })
    })
  )

  it.effect(`effect ${effect.version} refuses a day later, until the probe is interrupted`, (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, effect, behindTheProbe), {
        aDayLater: "refused",
        afterInterruption: "running"
      })
    })
  )
})
