import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { count, halfOpen } from "../conformance/behaviours/steps.ts"
import { cockatiel } from "../conformance/Cockatiel.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** A thousand callers while the probe is under way, before and after it succeeds. */
const herd = Effect.fnUntraced(function* (subject: Subject) {
  const { circuit, probe } = yield* halfOpen(subject)
  const callers = yield* circuit.startMany(1000)
  const [waiting, refused] = [yield* count(callers, "waiting"), yield* count(callers, "refused")]
  yield* probe.end("success")
  return { waiting, refused, startedTogether: yield* count(callers, "running") }
})

describe("D4: callers of a half-open circuit are refused, and do not gather before it", () => {
  it.effect("ours refuses all of them at once", (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, holdfast, herd), {
        waiting: 0,
        refused: 1000,
        startedTogether: 0
      })
    })
  )

  it.effect(`cockatiel ${cockatiel.version} lets all of them wait, and go together`, (context) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* onSubject(context, cockatiel, herd), {
        waiting: 1000,
        refused: 0,
        startedTogether: 1000
      })
    })
  )
})
