/** When a closed circuit opens. */
import { Effect } from "effect"
import { type Behaviour, check } from "../Behaviour.ts"
import type { Window } from "../Subject.ts"
import { expectState, openMillis, run } from "./steps.ts"

const failures = (minimumCalls: number, window: Window) =>
  ({ trip: { failureRate: 0.5, minimumCalls, window }, openMillis }) as const

const slow = { trip: { slowRate: 0.5, slowMillis: 1000, minimumCalls: 4 }, openMillis } as const

const tenSeconds = { millis: 10_000 }

export const tripping: ReadonlyArray<Behaviour> = [
  {
    number: 1,
    given: "Closed, opens at 3 consecutive failures",
    when: "fail, fail, ok, fail, fail",
    then: "still closed",
    sources: ["CK", "FI"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({ trip: { consecutiveFailures: 3 }, openMillis })
      yield* run(circuit, "failure", 2)
      yield* run(circuit, "success", 1)
      yield* run(circuit, "failure", 2)
      yield* expectState(circuit, "closed", "after fail, fail, ok, fail, fail")
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "open", "after three failures in a row")
    })
  },
  {
    number: 2,
    given: "Failure rate 50 %, minimum 10 calls",
    when: "9 of 9 fail, then a 10th",
    then: "closed after the 9th, open after the 10th",
    sources: ["R4", "CK"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(failures(10, "any"))
      yield* run(circuit, "failure", 9)
      yield* expectState(circuit, "closed", "after 9 failures, with a minimum of 10 calls,")
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "open", "after the 10th failure")
    })
  },
  {
    number: 3,
    given: "Failure rate exactly at the threshold",
    when: "it is evaluated",
    then: "open: the threshold itself trips (≥, where some mean >)",
    sources: ["R4", "PO"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(failures(10, "any"))
      yield* run(circuit, "success", 5)
      yield* run(circuit, "failure", 5)
      yield* expectState(circuit, "open", "with 5 failures of 10 calls and a threshold of 50 %")
    })
  },
  {
    number: 4,
    given: "Time window W",
    when: "failures, W passes, one more failure",
    then: "it counts as 1",
    sources: ["PO"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(failures(5, tenSeconds))
      yield* run(circuit, "failure", 4)
      yield* subject.advance(10_000)
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "closed", "with 4 failures older than the window and 1 in it")
      yield* run(circuit, "failure", 3)
      yield* expectState(circuit, "closed", "with 4 failures in the window and a minimum of 5 calls")
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "open", "with 5 failures in the window")
    })
  },
  {
    number: 5,
    given: "Time window of ten slices, calls in each",
    when: "one slice past the window",
    then: "exactly the oldest slice has dropped out",
    sources: ["PO"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(failures(12, tenSeconds))
      yield* subject.advance(500)
      yield* run(circuit, "failure", 2)
      for (let slice = 1; slice <= 9; slice++) {
        yield* subject.advance(1000)
        yield* run(circuit, "failure", 1)
      }
      yield* expectState(circuit, "closed", "with 11 failures and a minimum of 12 calls")
      yield* subject.advance(1000)
      // Nine of the eleven are left: it takes three more to make twelve, and neither two nor four.
      yield* run(circuit, "failure", 2)
      yield* expectState(circuit, "closed", "after the slice with 2 of 11 failures dropped out and 2 more,")
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "open", "after the slice with 2 of 11 failures dropped out and 3 more,")
    })
  },
  {
    number: 6,
    given: "Time window with calls in every slice",
    when: "the clock jumps 1000 windows, one more failure",
    then: "all old slices are cleared",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(failures(12, tenSeconds))
      for (let slice = 1; slice <= 10; slice++) {
        yield* run(circuit, "failure", 1)
        yield* subject.advance(1000)
      }
      yield* subject.idle(10_000_000)
      for (let n = 1; n <= 11; n++) {
        yield* run(circuit, "failure", 1)
        yield* expectState(circuit, "closed", `with ${n} failures since 1000 windows and a minimum of 12 calls`)
      }
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "open", "with 12 failures since 1000 windows")
    })
  },
  {
    number: 7,
    given: "Empty window",
    when: "its rate is read",
    then: "not evaluable, rather than 0",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(failures(2, tenSeconds))
      const rate = circuit.failureRate
      yield* check((yield* rate) === undefined, `a window that never had a call has the rate ${yield* rate}`)
      yield* run(circuit, "success", 3)
      yield* check((yield* rate) === 0, `after 3 successes the rate is ${yield* rate}`)
      yield* subject.advance(20_000)
      yield* check((yield* rate) === undefined, `a window whose calls are too old has the rate ${yield* rate}`)
    })
  },
  {
    number: 8,
    given: "Slow calls at the slow-call rate, all of them successes",
    when: "they are evaluated",
    then: "open, because of slowness",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(slow)
      yield* run(circuit, "success", 2)
      for (const call of yield* circuit.startMany(2)) {
        yield* subject.advance(1001)
        yield* call.end("success")
      }
      yield* expectState(circuit, "open", "with 2 slow successes of 4 calls")
      const reason = yield* circuit.openedBecause
      yield* check(/slow/i.test(reason), `it gives "${reason}" for opening on slow successes`)
    })
  },
  {
    number: 9,
    given: "A duration exactly at the slow-call threshold",
    when: "it is recorded",
    then: "not slow",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(slow)
      for (const millis of [1000, 1001]) {
        yield* expectState(circuit, "closed", `before the calls of ${millis} ms`)
        const calls = yield* circuit.startMany(4)
        yield* subject.advance(millis)
        for (const call of calls) yield* call.end("success")
      }
      yield* expectState(circuit, "open", "after 4 calls at the threshold and 4 over it")
    })
  }
]
