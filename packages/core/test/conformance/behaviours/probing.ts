/** Who may call a half-open circuit, and what it learns from them. */
import { Effect } from "effect"
import { type Behaviour, check, Deviates } from "../Behaviour.ts"
import type { Circuit, Subject } from "../Subject.ts"
import { count, expectState, expectStatus, halfOpen, open, openMillis, probeAfter, run } from "./steps.ts"

const minute = 60_000
const day = 24 * 60 * minute

const several = (calls: number, successes: number) => ({
  trip: { failures: 1 },
  openMillis,
  probes: { calls, successes }
})

/** What a probe that says nothing has to leave behind: a free slot, and no verdict. */
const leavesNoVerdict = Effect.fnUntraced(function* (circuit: Circuit, what: string) {
  const state = yield* circuit.state
  yield* check(state !== "closed", `${what} closes the circuit`)
  yield* check(state !== "open", `${what} reopens the circuit`)
  yield* expectStatus(yield* circuit.start, "running", `the next call after ${what}`)
})

/** The call that gets the slot of an overdue probe; if there is none, a day is enough to be sure of it. */
const replacementOf = Effect.fnUntraced(function* (subject: Subject, circuit: Circuit) {
  const next = yield* circuit.start
  if ((yield* next.status) === "running") return next
  yield* check((yield* circuit.state) !== "open", "an overdue probe counts as a failure and reopens the circuit")
  yield* subject.idle(day)
  const status = yield* (yield* circuit.start).status
  const fate = { waiting: "waits behind it", refused: "is still refused", running: "is the first to be let through" }
  return yield* new Deviates({
    reason: `a day after a probe began to hang a call ${status in fate ? fate[status as keyof typeof fate] : status}`
  })
})

export const probing: ReadonlyArray<Behaviour> = [
  {
    number: 11,
    given: "Open until T",
    when: "1000 concurrent calls at T",
    then: "exactly as many are admitted as there are probes",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const admitted = Effect.fnUntraced(function* (circuit: Circuit, probes: number) {
        yield* open(circuit)
        yield* subject.advance(openMillis)
        const running = yield* count(yield* circuit.startMany(1000), "running")
        yield* check(running === probes, `${running} of 1000 calls are admitted for ${probes} probes`)
      })
      yield* admitted(yield* subject.circuit({ trip: { failures: 1 }, openMillis }), 1)
      // Who has but one probe has nothing more to show.
      yield* subject.circuit(several(4, 4)).pipe(
        Effect.flatMap((circuit) => admitted(circuit, 4)),
        Effect.catchTag("CannotExpress", () => Effect.void)
      )
    })
  },
  {
    number: 12,
    given: "Half-open, 4 probes",
    when: "5 calls",
    then: "4 are admitted, the 5th is refused and counted",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(several(4, 4))
      yield* open(circuit)
      yield* subject.advance(openMillis)
      const calls = yield* circuit.startMany(5)
      const running = yield* count(calls, "running")
      yield* check(running === 4, `${running} of 5 calls are admitted for 4 probes`)
      const refused = yield* count(calls, "refused")
      yield* check(refused === 1, "the 5th call waits instead of being refused")
      const counted = yield* circuit.refusals
      yield* check(counted === 1, `${counted} refusals are counted for one`)
    })
  },
  {
    number: 13,
    given: "Half-open, 4 probes, half of them must succeed",
    when: "3 succeed, 1 fails",
    then: "closed; the windows begin empty",
    sources: ["R4"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({
        trip: { failureRate: 0.5, minimumCalls: 10, window: "any" },
        openMillis,
        probes: { calls: 4, successes: 2 }
      })
      yield* run(circuit, "failure", 10)
      yield* subject.advance(openMillis)
      for (const [n, probe] of (yield* circuit.startMany(4)).entries())
        yield* probe.end(n === 1 ? "failure" : "success")
      yield* expectState(circuit, "closed", "after 3 of 4 probes succeeded")
      yield* run(circuit, "failure", 9)
      yield* expectState(circuit, "closed", "after 9 failures since it closed, with a minimum of 10 calls,")
      yield* run(circuit, "failure", 1)
      yield* expectState(circuit, "open", "after 10 failures since it closed")
    })
  },
  {
    number: 14,
    given: "Half-open, 3 of 4 probes must succeed",
    when: "2 fail",
    then: "reopens before the other results are in",
    sources: ["FG"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit(several(4, 3))
      yield* open(circuit)
      yield* subject.advance(openMillis)
      const [first, second] = yield* circuit.startMany(4)
      if (first === undefined || second === undefined) return yield* Effect.die("four calls were started")
      yield* first.end("failure")
      yield* expectState(circuit, "half-open", "after 1 of 4 probes failed, of which 3 must succeed,")
      yield* second.end("failure")
      yield* expectState(circuit, "open", "after 2 of 4 probes failed, of which 3 must succeed,")
    })
  },
  {
    number: 18,
    given: "Half-open",
    when: "the probe ends in a way that says nothing",
    then: "its slot is free; neither closed nor reopened",
    sources: ["FI", "R4", "EF"],
    run: Effect.fnUntraced(function* (subject) {
      const { circuit, probe } = yield* halfOpen(subject)
      yield* probe.end("neutral")
      yield* leavesNoVerdict(circuit, "a probe that says nothing")
    })
  },
  {
    number: 19,
    given: "Half-open",
    when: "the probe is cancelled by its caller",
    then: "its slot is free; neither closed nor reopened",
    sources: ["FI", "R4", "EF"],
    run: Effect.fnUntraced(function* (subject) {
      const { circuit, probe } = yield* halfOpen(subject)
      yield* probe.cancel
      yield* leavesNoVerdict(circuit, "a probe that its caller cancels")
    })
  },
  {
    number: 20,
    given: "Half-open",
    when: "the probe never reports",
    then: "its slot goes to the next call after a while, its late result is void",
    sources: ["EF"],
    run: Effect.fnUntraced(function* (subject) {
      for (const late of ["success", "failure"] as const) {
        const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis, leaseMillis: minute })
        yield* open(circuit)
        const hanging = yield* probeAfter(subject, circuit, openMillis)
        yield* subject.advance(minute)
        const next = yield* replacementOf(subject, circuit)
        yield* hanging.end(late)
        yield* expectState(circuit, "half-open", `after the late ${late} of a probe that was replaced`)
        yield* next.end("success")
        yield* expectState(circuit, "closed", "after the second probe succeeded")
      }
    })
  },
  {
    number: 21,
    given: "Half-open, a call from before it opened still under way",
    when: "that call fails",
    then: "no effect; the probe decides",
    sources: ["EF"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
      const late = yield* circuit.start
      yield* open(circuit)
      const probe = yield* probeAfter(subject, circuit, openMillis)
      yield* late.end("failure")
      yield* expectState(circuit, "half-open", "after the failure of a call from before it opened")
      yield* probe.end("success")
      yield* expectState(circuit, "closed", "after the probe succeeded")
    })
  },
  {
    number: 22,
    given: "Half-open, a call from before it opened still under way",
    when: "that call succeeds",
    then: "it does not close; the probe decides",
    sources: ["EF"],
    run: Effect.fnUntraced(function* (subject) {
      const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis })
      const late = yield* circuit.start
      yield* open(circuit)
      const probe = yield* probeAfter(subject, circuit, openMillis)
      yield* late.end("success")
      yield* expectState(circuit, "half-open", "after the success of a call from before it opened")
      yield* probe.end("failure")
      yield* expectState(circuit, "open", "after the probe failed")
    })
  }
]
