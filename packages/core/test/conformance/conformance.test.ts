import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { judge, type Verdict } from "./Behaviour.ts"
import { behaviours } from "./behaviours/all.ts"
import { expected } from "./expected.ts"
import { subjects } from "./subjects.ts"

it("there are forty behaviours, numbered in order", () => {
  assert.deepStrictEqual(
    behaviours.map(({ number }) => number),
    Array.from({ length: 40 }, (_, index) => index + 1)
  )
})

const wording = { pass: "passes", fail: "fails", "cannot express": "has nothing for" }

describe.each(subjects)("$name $version", (subject) => {
  const { fails, lacks } = expected[subject.name]
  const expectedOf = (number: number): Verdict["result"] => {
    if (fails.includes(number)) return "fail"
    return lacks.includes(number) ? "cannot express" : "pass"
  }
  for (const behaviour of behaviours) {
    const { given, number, then, when } = behaviour
    const result = expectedOf(number)
    it.effect(`${wording[result]} ${number}: ${given} / ${when} / ${then}`, () =>
      Effect.gen(function* () {
        const verdict = yield* judge(subject, behaviour)
        assert.strictEqual(
          verdict.result,
          result,
          "reason" in verdict ? verdict.reason : "it passes now: expected.ts and docs/conformance.md are due"
        )
      })
    )
  }
})
