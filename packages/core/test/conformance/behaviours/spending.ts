/** What extra attempts cost, and who pays for them: quotas, budgets, hedges. */
import { Effect } from "effect"
import { type Behaviour, check } from "../Behaviour.ts"
import type { HedgedOperation, Subject } from "../Subject.ts"

/** A hedged operation with as many attempts under way as it should have. */
const expectAttempts = Effect.fnUntraced(function* (operation: HedgedOperation, expected: number, when: string) {
  const attempts = yield* operation.attempts
  yield* check(attempts.length === expected, `${when} there are ${attempts.length} attempts; expected ${expected}`)
  return attempts
})

const hedged = Effect.fnUntraced(function* (subject: Subject) {
  const operation = yield* subject.hedged({ delayMillis: 2000 })
  const [primary] = yield* expectAttempts(operation, 1, "at the start")
  if (primary === undefined) return yield* Effect.die("there is one attempt")
  const afterDelay = Effect.fnUntraced(function* () {
    yield* subject.advance(2000)
    const [, hedge] = yield* expectAttempts(operation, 2, "after the delay")
    if (hedge === undefined) return yield* Effect.die("there are two attempts")
    return hedge
  })
  return { afterDelay, operation, primary }
})

export const spending: ReadonlyArray<Behaviour> = [
  {
    number: 34,
    given: "Quota 14, a retry costs 14",
    when: "500, 500",
    then: "one retry, then “quota exceeded”; quota 0",
    sources: ["AW"],
    run: Effect.fnUntraced(function* (subject) {
      const quota = yield* subject.quota({ capacity: 14, cost: 14 })
      const { attempts, left, result } = yield* quota.send([500, 500, 200])
      yield* check(attempts === 2, `${attempts} attempts with a quota for one retry`)
      yield* check(result === "quota exceeded", `it ends as ${result}`)
      yield* check(left === 0, `the quota is ${left}`)
    })
  },
  {
    number: 35,
    given: "Quota 30, a retry costs 14",
    when: "500, 502, ok",
    then: "quota 16: only the last retry's cost comes back",
    sources: ["AW"],
    run: Effect.fnUntraced(function* (subject) {
      const quota = yield* subject.quota({ capacity: 30, cost: 14 })
      const { attempts, left, result } = yield* quota.send([500, 502, 200])
      yield* check(attempts === 3 && result === "ok", `it ends as ${result} after ${attempts} attempts`)
      yield* check(left === 16, `the quota is ${left}`)
    })
  },
  {
    number: 36,
    given: "Budget of 20 %, no reserve",
    when: "10 000 calls, each asks for one retry",
    then: "2000 ± 1 retries",
    sources: ["FI"],
    run: Effect.fnUntraced(function* (subject) {
      const budget = yield* subject.budget({ ratio: 0.2 })
      let retries = 0
      for (let n = 0; n < 10_000; n++) {
        yield* budget.call
        if (yield* budget.mayRetry) retries += 1
      }
      yield* check(Math.abs(retries - 2000) <= 1, `${retries} retries for 10 000 calls`)
    })
  },
  {
    number: 39,
    given: "A hedge after 2 s",
    when: "the first fails at 0.5 s; fatally; one of two succeeds; both fail",
    then: "the next starts at once; all stop; the loser is cancelled; the last error",
    sources: ["GR", "PO"],
    run: Effect.fnUntraced(function* (subject) {
      const early = yield* hedged(subject)
      yield* subject.advance(500)
      yield* early.primary.end("failure")
      yield* expectAttempts(early.operation, 2, "after the first failed at 0.5 s")

      const fatal = yield* hedged(subject)
      const doomed = yield* fatal.afterDelay()
      yield* fatal.primary.end("fatal")
      yield* check((yield* doomed.status) === "cancelled", "the other attempt goes on after a fatal failure")
      yield* check((yield* fatal.operation.result) !== "running", "the operation goes on after a fatal failure")

      const won = yield* hedged(subject)
      yield* (yield* won.afterDelay()).end("success")
      yield* check((yield* won.operation.result) === "succeeded", "the answer of the second attempt is not taken")
      yield* check((yield* won.primary.status) === "cancelled", "the loser goes on")

      const lost = yield* hedged(subject)
      const second = yield* lost.afterDelay()
      yield* lost.primary.end("failure")
      yield* second.end("failure")
      const result = yield* lost.operation.result
      yield* check(typeof result !== "string" && result.failedWith === 2, "it does not end with the last error")
    })
  }
]
