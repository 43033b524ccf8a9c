/** What guards do to each other, and to those who queue. */
import { Effect } from "effect"
import { type Behaviour, check } from "../Behaviour.ts"
import { expectStatus } from "./steps.ts"

export const guarding: ReadonlyArray<Behaviour> = [
  {
    number: 30,
    given: "An own refusal: open circuit, full bulkhead, limit, budget",
    when: "it reaches a circuit or a retry around it",
    then: "not recorded, not retried in place",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const problems: Array<string> = []
      for (const { opensOuterCircuit, source, timesAsked } of yield* subject.refusing) {
        if (yield* opensOuterCircuit) problems.push(`a circuit records the refusal of an inner ${source} as a failure`)
        const asked = yield* timesAsked
        if (asked !== undefined && asked > 1) {
          problems.push(`a retry asks the refusing ${source} ${asked} times`)
        }
      }
      yield* check(problems.length === 0, problems.join("; "))
    })
  },
  {
    number: 31,
    given: "Bulkhead of 1 with a queue of 1",
    when: "a third call; then the queued caller goes away",
    then: "refused; the next one takes its place and runs, the count is exact",
    sources: ["CK"],
    run: Effect.fnUntraced(function* (subject) {
      const bulkhead = yield* subject.bulkhead({ concurrent: 1, queue: 1 })
      const expectCounts = Effect.fnUntraced(function* (running: number, waiting: number, when: string) {
        const counts = yield* bulkhead.counts
        yield* check(
          counts.running === running && counts.waiting === waiting,
          `${when} it counts ${counts.running} running and ${counts.waiting} waiting; expected ${running} and ${waiting}`
        )
      })
      const first = yield* bulkhead.start
      const second = yield* bulkhead.start
      yield* expectStatus(first, "running", "the first call")
      yield* expectStatus(second, "waiting", "the second call")
      yield* expectStatus(yield* bulkhead.start, "refused", "the third call")
      yield* second.cancel
      const next = yield* bulkhead.start
      yield* expectStatus(next, "waiting", "the call after a queued one went away")
      yield* expectCounts(1, 1, "after another one took the place of the queued one")
      yield* first.end("success")
      yield* expectStatus(next, "running", "the next in line once the slot is free")
      yield* expectCounts(1, 0, "with the next one running")
      yield* next.end("failure")
      yield* expectCounts(0, 0, "after all")
    })
  }
]
