/** The verdict on one scenario, from what was seen of it. Pure. */
import type { Observation, Reply } from "./Observation.ts"
import { isComplete, type Scenario } from "./Scenario.ts"

/**
 * `pass`: the ideal outcome, and nothing to say against how. `partial`: the ideal outcome in a way that costs. `safe`: an
 * honest error. `fail`: a hang, an answer that is not the answer, or a rule broken.
 */
export type Verdict = "pass" | "partial" | "safe" | "fail"

export interface Judgement {
  readonly verdict: Verdict
  /** Which rules are broken. */
  readonly reasons: ReadonlyArray<string>
}

export const judge = (scenario: Pick<Scenario, "ideal" | "checks">, observation: Observation): Judgement => {
  const { replies } = observation
  const checks = scenario.checks(observation).filter(({ holds }) => !holds)
  const broken = (weight: "required" | "advisory") =>
    checks.filter((check) => check.weight === weight).map(({ otherwise }) => otherwise)
  const isWrong = (reply: Reply) => reply._tag === "Answer" && !isComplete(reply)

  const fatal = [
    ...(replies.some((reply) => reply._tag === "Hung") ? ["hung"] : []),
    ...(scenario.ideal === "answer" && replies.some(isWrong) ? ["ended as if whole, with another text"] : []),
    ...broken("required")
  ]
  if (fatal.length > 0) return { verdict: "fail", reasons: fatal }

  const isIdeal =
    scenario.ideal === "answer" ? replies.every(isComplete) : replies.every((reply) => reply._tag === "Failed")
  const faults = broken("advisory")
  // Where an error is the ideal, an answer is less than that and no error either.
  if (isIdeal || scenario.ideal === "error") {
    return faults.length > 0 ? { verdict: "partial", reasons: faults } : { verdict: "pass", reasons: [] }
  }
  return { verdict: "safe", reasons: [] }
}
