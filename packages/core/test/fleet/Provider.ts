/**
 * A provider with a bounded capacity, as its callers meet it: slots that serve one call each, a queue before them, and an
 * outage. What it has accepted it works off, also for callers that have left. So whoever offers it more than it serves, for
 * long enough, has it answer only callers that are gone: its goodput collapses, and stays down while the offer stays up.
 */
import { Clock, Effect, Random } from "effect"
import { Failure } from "@holdfast/core"

export interface Outage {
  /**
   * - `down`: every call fails at once, and those under way are cut.
   * - `hung`: calls are accepted, nothing is served; it goes on where it stopped.
   * - `partial`: a part of the calls fails at once, the others are served.
   */
  readonly kind: "down" | "hung" | "partial"
  /** The part of the calls that fails in a `partial` one. Default 0.4. */
  readonly part?: number | undefined
  /** From this instant, in milliseconds of the test's clock. */
  readonly from: number
  /** Until before this instant. */
  readonly until: number
}

export interface Options {
  readonly name: string
  /** Calls it serves at once. A call takes a second on average, so this is also what it serves per second. */
  readonly slots: number
  /** Calls that wait for a slot; one more is refused. */
  readonly maxQueue: number
  readonly outage?: Outage | undefined
}

/** One call, as the provider saw it. */
export interface Call {
  readonly client: number
  /** When it came, in milliseconds. */
  readonly at: number
  /** Whether its client made it to find out whether the provider is back. */
  readonly isProbe: boolean
  /** Calls that waited for a slot when it came. */
  readonly waiting: number
  /** Whether its caller left before the answer. */
  isAbandoned: boolean
}

export interface Provider {
  readonly name: string
  /** Everything it was offered so far, in order. */
  readonly calls: ReadonlyArray<Call>
  /** Makes one call. An interrupted caller leaves its work behind. */
  readonly call: (client: number, isProbe: boolean) => Effect.Effect<void, Failure.Failure>
}

/** How long a slot serves a call: evenly spread whole milliseconds. */
const serviceMillis = { from: 500, to: 1501 }
/** How soon a call fails that is not served. */
const failingMillis = 50

/** Its chance is the `Random` it is made under. */
export const make = Effect.fnUntraced(function* ({ maxQueue, name, outage, slots }: Options) {
  const random = yield* Random.Random
  const calls: Array<Call> = []
  /** When each slot is free, in working time: what passes while nothing hangs. */
  const freeAt = new Float64Array(slots)
  /** When each accepted call gets its slot, in working time, in the order they came. */
  const starts: Array<number> = []
  let started = 0

  const isOut = (kind: Outage["kind"], at: number): boolean =>
    outage?.kind === kind && at >= outage.from && at < outage.until

  const toWorking = (at: number): number =>
    outage?.kind === "hung" ? at - Math.max(0, Math.min(at, outage.until) - outage.from) : at

  const fromWorking = (at: number): number =>
    outage?.kind === "hung" && at > outage.from ? at + outage.until - outage.from : at

  /** Gives the call the next free slot: when it will have been served, in working time. */
  const accept = (working: number): number => {
    let next = 0
    for (let slot = 1; slot < slots; slot++) if (freeAt[slot]! < freeAt[next]!) next = slot
    const start = Math.max(working, freeAt[next]!)
    const { from, to } = serviceMillis
    const end = start + from + Math.floor(random.nextDoubleUnsafe() * (to - from))
    freeAt[next] = end
    starts.push(start)
    return end
  }

  const failing = (class_: Failure.Class, millis: number) =>
    Effect.andThen(
      Effect.sleep(millis),
      Effect.fail(Failure.make(class_, { provider: name, model: "m", lane: name, scope: "model", rule: "fleet" }))
    )

  const answer = (call: Call): Effect.Effect<void, Failure.Failure> => {
    const { at } = call
    if (isOut("down", at)) return failing("ServiceUnavailable", failingMillis)
    if (isOut("partial", at) && random.nextDoubleUnsafe() < (outage?.part ?? 0.4)) {
      return failing("ServiceUnavailable", failingMillis)
    }
    if (call.waiting >= maxQueue) return failing("ModelOverloaded", failingMillis)
    const end = fromWorking(accept(toWorking(at)))
    if (outage?.kind === "down" && at < outage.from && end > outage.from) return failing("Network", outage.from - at)
    return Effect.sleep(end - at)
  }

  const call = (client: number, isProbe: boolean) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => {
      while (started < starts.length && starts[started]! <= toWorking(at)) started += 1
      const seen: Call = { client, at, isProbe, waiting: starts.length - started, isAbandoned: false }
      calls.push(seen)
      const leave = Effect.sync(() => {
        seen.isAbandoned = true
      })
      return Effect.onInterrupt(answer(seen), () => leave)
    })

  return { name, calls, call } satisfies Provider
})
