/**
 * A provider with a bounded capacity, as its callers meet it: some slots that each serve one call at a time, a queue in
 * front of them, and an outage. What it has accepted it works off, also for callers that have left; so when more is
 * offered than it can serve for long enough, it answers only callers that are gone (goodput collapse).
 */
import { Clock, Effect, Random } from "effect"
import { Failure } from "@holdfast/core"

export interface Outage {
  /**
   * - `down`: every call fails at once, those under way are cut.
   * - `hung`: calls are accepted and nothing is served; it goes on where it stopped.
   * - `partial`: a part of the calls fails at once.
   */
  readonly kind: "down" | "hung" | "partial"
  /** Of `partial`: the part of the calls that fails. Default 0.4. */
  readonly part?: number | undefined
  /** Milliseconds of the test's clock. */
  readonly from: number
  readonly until: number
}

export interface Options {
  readonly name: string
  /** Calls it serves at once. With a service time of one second this is also what it serves per second. */
  readonly slots: number
  /** Calls that wait for a slot; one more is refused at once. */
  readonly maxQueue: number
  readonly outage?: Outage | undefined
}

/** One call as the provider saw it. */
export interface Call {
  readonly client: number
  /** When it came, in milliseconds. */
  readonly at: number
  readonly isProbe: boolean
  readonly isRefused: boolean
  /** Calls that waited for a slot when it came. */
  readonly waiting: number
  /** The caller left before the answer. */
  isAbandoned: boolean
}

export interface Provider {
  readonly name: string
  readonly slots: number
  readonly calls: ReadonlyArray<Call>
  /** One call: succeeds when it is served, fails as a provider does. An interrupted caller leaves its work behind. */
  readonly call: (client: number, isProbe: boolean) => Effect.Effect<void, Failure.Failure>
}

/** A call is served in this many milliseconds, evenly spread: one second on average. */
const service = { from: 500, to: 1500 }
/** What is refused or down says so after this many milliseconds. */
const refusalMillis = 50

export const make = Effect.fnUntraced(function* (options: Options) {
  const { maxQueue, name, outage, slots } = options
  const random = yield* Random.Random
  const calls: Array<Call> = []
  /** When each slot is free, in working time: the time that passes while it is not hung. */
  const freeAt = new Float64Array(slots)
  /** When the calls that were accepted get their slot, in working time and in their order. */
  const starts: Array<number> = []
  let started = 0

  const isOut = (kind: Outage["kind"], at: number) => outage?.kind === kind && at >= outage.from && at < outage.until
  const toWorking = (at: number) =>
    outage?.kind === "hung" ? at - Math.max(0, Math.min(at, outage.until) - outage.from) : at
  const fromWorking = (at: number) =>
    outage?.kind === "hung" && at > outage.from ? at + outage.until - outage.from : at

  /** Takes a place in the queue: when the call will be served. */
  const accept = (at: number): number => {
    let next = 0
    for (let slot = 1; slot < slots; slot++) if (freeAt[slot]! < freeAt[next]!) next = slot
    const start = Math.max(at, freeAt[next]!)
    const end = start + service.from + random.nextDoubleUnsafe() * (service.to - service.from)
    freeAt[next] = end
    starts.push(start)
    return end
  }

  const fail = (class_: Failure.Class, client: number) =>
    Effect.fail(
      Failure.make(class_, { provider: name, model: "m", lane: `${name}/m`, scope: "model", rule: `fleet/${client}` })
    )

  const call = (client: number, isProbe: boolean) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const working = toWorking(now)
      while (started < starts.length && starts[started]! <= working) started += 1
      const waiting = starts.length - started
      const fails = isOut("down", now) || (isOut("partial", now) && random.nextDoubleUnsafe() < (outage?.part ?? 0.4))
      const isRefused = !fails && waiting >= maxQueue
      const seen: Call = { client, at: now, isProbe, isRefused, waiting, isAbandoned: false }
      calls.push(seen)
      if (fails || isRefused) {
        return Effect.andThen(
          Effect.sleep(refusalMillis),
          fail(fails ? "ServiceUnavailable" : "ModelOverloaded", client)
        )
      }
      const end = fromWorking(accept(working))
      const isCut = outage?.kind === "down" && now < outage.from && end > outage.from
      return Effect.sleep((isCut ? outage.from : end) - now).pipe(
        Effect.andThen(isCut ? fail("Network", client) : Effect.void),
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            seen.isAbandoned = true
          })
        )
      )
    })

  return { name, slots, calls, call } satisfies Provider
})
