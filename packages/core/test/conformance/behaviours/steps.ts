/** What scenarios are made of: calls that end one way or another, and what is expected of a circuit in between. */
import { Effect } from "effect"
import { check, Deviates } from "../Behaviour.ts"
import type { Call, Circuit, End, Subject } from "../Subject.ts"

export const openMillis = 30_000

const inWords = {
  waiting: "waits",
  running: "runs",
  refused: "is refused",
  ended: "has ended",
  cancelled: "is cancelled"
}

type Status = keyof typeof inWords

export const expectStatus = (call: Call, expected: Status, who: string): Effect.Effect<void, Deviates> =>
  Effect.flatMap(call.status, (status) =>
    check(status === expected, `${who} ${inWords[status]}; expected that it ${inWords[expected]}`)
  )

export const expectState = (
  circuit: Circuit,
  expected: "closed" | "open" | "half-open",
  when: string
): Effect.Effect<void, Deviates> =>
  Effect.flatMap(circuit.state, (state) => check(state === expected, `${when} it is ${state}; expected ${expected}`))

/** Calls one after another, each of which has to be let through. */
export const run = Effect.fnUntraced(function* (circuit: Circuit, how: End, times: number) {
  for (let n = 1; n <= times; n++) {
    const call = yield* circuit.start
    yield* expectStatus(call, "running", `call ${n} of ${times}`)
    yield* call.end(how)
  }
})

/** Opens a circuit that was made to open at its first failure. */
export const open = Effect.fnUntraced(function* (circuit: Circuit) {
  yield* run(circuit, "failure", 1)
  yield* expectState(circuit, "open", "after the failure that trips it")
})

/** Waits on until a call is let through, to be able to say how long it really took. */
const reallyOpenFor = Effect.fnUntraced(function* (subject: Subject, circuit: Circuit, millis: number) {
  for (let waited = millis; waited < 50 * millis; waited += millis) {
    yield* subject.advance(millis)
    if ((yield* (yield* circuit.start).status) === "running") return `${(waited + millis) / 1000} s`
  }
  return "much longer"
})

/** Waits as long as the circuit is to stay open, and yields its probe: refused a millisecond before, admitted then. */
export const probeAfter = Effect.fnUntraced(function* (subject: Subject, circuit: Circuit, millis: number) {
  yield* subject.advance(millis - 1)
  yield* expectStatus(yield* circuit.start, "refused", `1 ms before ${millis / 1000} s of open time are over a call`)
  yield* subject.advance(1)
  const probe = yield* circuit.start
  if ((yield* probe.status) !== "running") {
    const really = yield* reallyOpenFor(subject, circuit, millis)
    return yield* new Deviates({ reason: `it stays open for ${really} instead of ${millis / 1000} s` })
  }
  return probe
})

/** A circuit that opens at the first failure and is half-open now, with its probe under way. */
export const halfOpen = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
  yield* open(circuit)
  const probe = yield* probeAfter(subject, circuit, openMillis)
  return { circuit, probe }
})

/** How many of the calls are as they should be. */
export const count = (calls: ReadonlyArray<Call>, status: Status): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(calls, (call) => call.status),
    (all) => all.filter((one) => one === status).length
  )
