/** Circuits that somebody holds, and circuits that have lost their store. */
import { Effect } from "effect"
import { type Behaviour, check } from "../Behaviour.ts"
import { count, expectStatus, openMillis, run } from "./steps.ts"

const settings = { trip: { failures: 1 }, openMillis } as const

export const holding: ReadonlyArray<Behaviour> = [
  {
    number: 24,
    given: "Isolated, calls from before under way",
    when: "one succeeds, one fails, time passes",
    then: "stays isolated",
    sources: ["PO"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(settings)
      const [first, second] = yield* circuit.startMany(2)
      if (first === undefined || second === undefined) return yield* Effect.die("two calls were started")
      const release = yield* circuit.isolate
      yield* first.end("success")
      yield* expectStatus(yield* circuit.start, "refused", "a call after a success under isolation")
      yield* second.end("failure")
      yield* expectStatus(yield* circuit.start, "refused", "a call after a failure under isolation")
      yield* subject.advance(10 * openMillis)
      yield* expectStatus(yield* circuit.start, "refused", "a call long after it was isolated")
      yield* release
      // What failed while nobody could call may count or not; a probe is let through at the latest.
      yield* subject.advance(openMillis)
      yield* expectStatus(yield* circuit.start, "running", "a call after the isolation")
    })
  },
  {
    number: 25,
    given: "Two isolate handles",
    when: "one is disposed of, once and again",
    then: "still isolated, the second time changes nothing",
    sources: ["CK"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(settings)
      const first = yield* circuit.isolate
      const second = yield* circuit.isolate
      yield* first
      yield* expectStatus(yield* circuit.start, "refused", "a call with one of two handles left")
      yield* first
      yield* expectStatus(yield* circuit.start, "refused", "a call after the same handle was disposed of twice")
      yield* second
      yield* expectStatus(yield* circuit.start, "running", "a call without a handle left")
    })
  },
  {
    number: 26,
    given: "Observe-only",
    when: "the threshold is passed, again and again",
    then: "nothing is refused, one announcement that it would have opened",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({ ...settings, trip: { failures: 3 } })
      const wouldHaveOpened = yield* circuit.observe
      yield* run(circuit, "failure", 10)
      const refused = yield* count(yield* circuit.startMany(10), "refused")
      yield* check(refused === 0, `${refused} of 10 calls are refused while it only observes`)
      const announced = yield* wouldHaveOpened
      yield* check(announced === 1, `it announces ${announced} times that it would have opened`)
    })
  },
  {
    number: 29,
    given: "The store is away",
    when: "a call",
    then: "runs without it, or fails with an error of its own, as the option says",
    sources: ["EF"],
    run: Effect.fnUntraced(function* (subject) {
      const lenient = yield* subject.circuitWithoutStore("allow")
      yield* run(lenient, "failure", 5)
      yield* expectStatus(yield* lenient.start, "running", "a call without a store, after failures")
      const strict = yield* subject.circuitWithoutStore("fail")
      yield* expectStatus(yield* strict.start, "refused", "a call without a store, where that is to fail,")
    })
  }
]
