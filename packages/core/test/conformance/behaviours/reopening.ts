/** How long an open circuit stays open, this time and the next. */
import { Effect } from "effect"
import { type Behaviour, check } from "../Behaviour.ts"
import { expectState, expectStatus, open, openMillis, probeAfter, run } from "./steps.ts"

const growing = (maxMillis: number) =>
  ({ trip: { failures: 1 }, openMillis, growth: { factor: 2, maxMillis } }) as const

export const reopening: ReadonlyArray<Behaviour> = [
  {
    number: 10,
    given: "Open until T",
    when: "a call at T − 1 ms, a call at T",
    then: "refused with a wait of 1 ms, admitted as a probe",
    sources: ["PO", "EF"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
      yield* open(circuit)
      yield* subject.advance(openMillis - 1)
      const early = yield* circuit.start
      yield* expectStatus(early, "refused", "a call at T − 1 ms")
      const wait = yield* early.retryAfterMillis
      yield* subject.advance(1)
      yield* expectStatus(yield* circuit.start, "running", "a call at T")
      yield* check(
        wait === 1,
        wait === undefined ? "a refusal names no wait" : `the refusal names a wait of ${wait} ms`
      )
    })
  },
  {
    number: 15,
    given: "Half-open",
    when: "the first probe fails",
    then: "open; the next open time is the next step of the backoff",
    sources: ["CK", "PO"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(growing(8 * openMillis))
      yield* open(circuit)
      for (const step of [1, 2, 4]) {
        const probe = yield* probeAfter(subject, circuit, step * openMillis)
        yield* probe.end("failure")
        yield* expectState(circuit, "open", "after the probe failed")
      }
    })
  },
  {
    number: 16,
    given: "Backoff at a later step",
    when: "the circuit closes",
    then: "the backoff begins anew as documented: at once, or after a healthy time",
    sources: ["PO", "EF"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(growing(8 * openMillis))
      yield* open(circuit)
      yield* (yield* probeAfter(subject, circuit, openMillis)).end("failure")
      yield* (yield* probeAfter(subject, circuit, 2 * openMillis)).end("success")
      yield* expectState(circuit, "closed", "after the probe succeeded")
      if (subject.backoffResets !== "at once") {
        yield* open(circuit)
        yield* (yield* probeAfter(subject, circuit, 4 * openMillis)).end("success")
        yield* subject.advance(4 * openMillis)
      }
      yield* open(circuit)
      yield* probeAfter(subject, circuit, openMillis)
    })
  },
  {
    number: 17,
    given: "Backoff at its last step",
    when: "it opens again and again",
    then: "the last open time each time, never zero",
    sources: ["FI"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(growing(2 * openMillis))
      yield* open(circuit)
      for (const step of [1, 2, 2, 2, 2]) {
        yield* (yield* probeAfter(subject, circuit, step * openMillis)).end("failure")
      }
    })
  },
  {
    number: 23,
    given: "Open, two calls from before under way",
    when: "both fail",
    then: "the open time is not extended, no second announcement",
    sources: ["PO"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
      const late = yield* circuit.startMany(2)
      yield* open(circuit)
      yield* subject.advance(10_000)
      for (const call of late) yield* call.end("failure")
      const openings = yield* circuit.openings
      yield* check(openings === 1, `it announces ${openings} openings for one`)
      yield* probeAfter(subject, circuit, openMillis - 10_000)
    })
  },
  {
    number: 27,
    given: "Open time 30 s, hints believed up to 2 min",
    when: "the failure that trips it asks for 90 s, 5 s, an hour",
    then: "open for 90 s, 30 s, 2 min: longer, never shorter, capped",
    sources: ["EF", "R4"],
    run: Effect.fnUntraced(function* (subject) {
      for (const [hintMillis, openFor] of [
        [90_000, 90_000],
        [5000, openMillis],
        [3_600_000, 120_000]
      ] as const) {
        const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis, maxHintMillis: 120_000 })
        yield* run(circuit, { hintMillis }, 1)
        const probe = yield* probeAfter(subject, circuit, openFor)
        yield* probe.end("success")
      }
    })
  },
  {
    number: 28,
    given: "Half-open at a later step of the backoff, state written down",
    when: "it is loaded again, first call",
    then: "one probe at once; the backoff goes on where it was",
    sources: ["CK"],
    run: Effect.fnUntraced(function* (subject) {
      const before = yield* subject.circuit(growing(8 * openMillis))
      yield* open(before)
      yield* (yield* probeAfter(subject, before, openMillis)).end("failure")
      yield* probeAfter(subject, before, 2 * openMillis)
      const circuit = yield* before.reload
      const [probe, second] = yield* circuit.startMany(2)
      if (probe === undefined || second === undefined) return yield* Effect.die("two calls were started")
      yield* expectStatus(probe, "running", "the first call after loading")
      yield* check((yield* second.status) !== "running", "two calls at once are let through after loading")
      yield* probe.end("failure")
      yield* probeAfter(subject, circuit, 4 * openMillis)
    })
  }
]
