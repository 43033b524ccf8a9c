/**
 * A circuit as one would write it first: every call of the window in a list, a permit is the object it was given out as,
 * admissions of a ramp are counted from its beginning. It knows nothing of generations, credits or counters.
 */
import type * as BreakerState from "../../src/internal/BreakerState.ts"
import type { Mode } from "../../src/internal/Circuit.ts"

export interface Settings extends Omit<BreakerState.Settings, "openMillis"> {
  readonly openMillis: ReadonlyArray<number>
  /** A time window of so many slices, or a window of so many calls. */
  readonly window: { readonly sliceMillis: number; readonly slices: number } | { readonly calls: number }
  readonly idleMillis: number
}

export interface Transition {
  readonly from: string
  readonly to: string
  readonly openMillis: number | undefined
}

/** What a call was given: nothing to report to, the closed circuit, or a probe's slot. */
export type Ticket = "none" | Call | Probe

interface Call {
  readonly kind: "call"
  status: "out" | "succeeded" | "failed" | "gone"
  /** When it was first noticed that it had been sent, and that it was gone. */
  noticedAt: number | undefined
  goneAt: number | undefined
  /** It was over before another one was answered. */
  isPast: boolean
}

interface Probe {
  readonly kind: "probe"
  readonly leaseUntil: number
  status: "out" | "succeeded" | "failed" | "gone"
}

interface End {
  readonly outcome: BreakerState.Outcome
  readonly isSlow: boolean
  readonly hintMillis: number
  readonly random: number
}

const strength: ReadonlyArray<Mode> = ["force-open", "force-closed", "observe"]

export class BreakerModel {
  readonly settings: Settings
  state: "closed" | "open" | "half-open" = "closed"
  failures = 0
  openings = 0
  refused = 0
  until = 0
  reason: BreakerState.Reason | undefined
  holds: ReadonlyArray<Mode> = []
  readonly transitions: Array<Transition>
  /** Every call of this closed time, in the order in which they were sent. */
  #sent: ReadonlyArray<Call> = []
  #probes: ReadonlyArray<Probe> = []
  #calls: ReadonlyArray<{ readonly at: number; readonly failed: boolean; readonly slow: boolean }> = []
  /** `due`: the admissions due to all who asked so far, in units of a tenth of the ramp's length, so that they are exact. */
  #ramp: { readonly from: number; due: number; through: number } | undefined
  #usedAt: number

  constructor(settings: Settings, now: number, transitions: Array<Transition> = []) {
    this.settings = settings
    this.transitions = transitions
    this.#usedAt = now
  }

  /** The one that follows when it is forgotten: it only shares the record of what happened. */
  heir(now: number): BreakerModel {
    return new BreakerModel(this.settings, now, this.transitions)
  }

  get mode(): Mode | undefined {
    return strength.find((mode) => this.holds.includes(mode))
  }

  /** Whether everything about it would have been forgotten by now. */
  isForgotten(now: number): boolean {
    return this.state === "closed" && this.holds.length === 0 && now - this.#usedAt >= this.settings.idleMillis
  }

  openingsAt(now: number): number {
    return this.#hasRamped(now) ? 0 : this.openings
  }

  recent(now: number) {
    const { window } = this.settings
    const calls =
      "calls" in window ? this.#calls.slice(-window.calls) : this.#calls.filter(({ at }) => this.#isRecent(at, now))
    return {
      calls: calls.length,
      failures: calls.filter(({ failed }) => failed).length,
      slow: calls.filter(({ slow }) => slow).length
    }
  }

  #isRecent(at: number | undefined, now: number): boolean {
    const { window } = this.settings
    if (at === undefined || "calls" in window) return false
    return Math.floor(now / window.sliceMillis) - Math.floor(at / window.sliceMillis) < window.slices
  }

  /** How many were sent in a window of time and have not gone without a word. */
  #sentRecently(now: number): number {
    const having = (at: "noticedAt" | "goneAt") => this.#sent.filter((call) => this.#isRecent(call[at], now)).length
    return having("noticedAt") - having("goneAt")
  }

  probesOut(now: number): ReadonlyArray<Probe> {
    return this.#probes.filter(({ leaseUntil, status }) => status === "out" && leaseUntil > now)
  }

  /** Until its own state lets a call through; `soon` where that depends on who else comes. */
  waitMillis(now: number): number | "soon" {
    if (this.state === "open") return Math.max(0, this.until - now)
    if (this.state === "closed") return this.#isDue(now) ? 0 : "soon"
    const out = this.probesOut(now)
    const reported = this.#probes.filter(({ status }) => status === "succeeded" || status === "failed")
    if (out.length + reported.length < this.settings.probes) return 0
    return Math.min(...out.map(({ leaseUntil }) => leaseUntil)) - now
  }

  /** `undefined`: refused. */
  admit(now: number): Ticket | undefined {
    this.#usedAt = now
    const { mode } = this
    if (mode === "force-closed") return "none"
    const wait = this.waitMillis(now)
    if (mode === "force-open" || wait !== 0) {
      if (mode !== "force-open") this.#ask(now, 0)
      if (mode === "observe") return "none"
      this.refused += 1
      return undefined
    }
    if (this.state === "closed") {
      this.#ask(now, 1)
      const call: Call = { kind: "call", status: "out", noticedAt: undefined, goneAt: undefined, isPast: false }
      this.#sent = [...this.#sent, call]
      return call
    }
    if (this.state === "open") this.#become("half-open", now)
    const probe: Probe = { kind: "probe", leaseUntil: now + this.settings.probeMillis, status: "out" }
    this.#probes = [...this.#probes, probe]
    return probe
  }

  /** It was looked at, would have refused, and is told so. */
  refuse(now: number): void {
    this.#usedAt = now
    this.refused += 1
    if (this.mode === undefined) this.#ask(now, 0)
  }

  settle(ticket: Ticket, end: End, now: number): void {
    if (ticket === "none") return
    this.#usedAt = now
    const outcome = this.mode === "force-closed" ? "neutral" : end.outcome
    if (ticket.kind === "probe") this.#settleProbe(ticket, { ...end, outcome }, now)
    else if (this.state === "closed" && this.#sent.includes(ticket)) this.#settleCall(ticket, { ...end, outcome }, now)
  }

  #settleCall(call: Call, end: End, now: number): void {
    call.status = end.outcome === "neutral" ? "gone" : end.outcome === "success" ? "succeeded" : "failed"
    const isFirst = end.outcome === "failure" && this.recent(now).failures === 0
    for (const [index, sent] of this.#sent.entries()) {
      if (!isFirst) sent.noticedAt ??= now
      else {
        // Those before the first that has failed do not speak for those behind it.
        sent.noticedAt = index < this.#sent.indexOf(call) ? Number.NEGATIVE_INFINITY : now
        sent.goneAt = undefined
      }
    }
    if (end.outcome === "neutral") {
      call.goneAt = now
      return
    }
    if (end.outcome === "trip") return this.#open("trip", this.failures + 1, end, now)
    const failed = end.outcome === "failure"
    if (!failed) for (const sent of this.#sent) sent.isPast ||= sent.status !== "out"
    const failures = failed ? this.failures + 1 : 0
    const { consecutiveFailures, minimumCalls, rate, slowRate } = this.settings
    // Nothing is kept where nobody watches a rate.
    if (rate + slowRate > 0) this.#calls = [...this.#calls, { at: now, failed, slow: end.isSlow }]
    const recent = this.recent(now)
    const says = (least: number, part: number) =>
      least > 0 && recent.calls >= minimumCalls && part / recent.calls >= least
    const inARow = Math.min(failures, this.#inARow(call))
    if (failed && consecutiveFailures > 0 && inARow >= this.#needed(failures, now))
      this.#open("consecutive", failures, end, now)
    else if (failed && says(rate, recent.failures) && recent.failures >= rate * this.#sentRecently(now))
      this.#open("rate", failures, end, now)
    else if ((failed || end.isSlow) && says(slowRate, recent.slow)) this.#open("slow", failures, end, now)
    else this.failures = failures
  }

  /**
   * Failures sent one after the other since an answer, this one among them: whoever is out, was answered or was over before
   * that parts them, who is gone does not.
   */
  #inARow(call: Call): number {
    const at = this.#sent.indexOf(call)
    const parts = ({ isPast, status }: Call) => isPast || status === "out" || status === "succeeded"
    const from = this.#sent.slice(0, at).findLastIndex(parts) + 1
    const length = this.#sent.slice(at).findIndex(parts)
    const stretch = this.#sent.slice(from, length === -1 ? undefined : at + length)
    return stretch.filter(({ status }) => status === "failed").length
  }

  #needed(failures: number, now: number): number {
    const { consecutiveFailures, minimumCalls } = this.settings
    const recent = this.recent(now)
    const others = recent.calls - failures
    if (others < minimumCalls) return consecutiveFailures
    const rate = (Math.max(0, recent.failures - failures) + 1) / (others + 2)
    // The first length that is as improbable at this rate as that of the settings is at one in ten.
    return Math.ceil((consecutiveFailures * Math.log(0.1)) / Math.log(Math.max(0.1, rate)))
  }

  #settleProbe(probe: Probe, end: End, now: number): void {
    if (this.state !== "half-open" || !this.probesOut(now).includes(probe)) return
    if (end.outcome === "trip") return this.#open("trip", this.failures + 1, end, now)
    const tooSlow = end.outcome === "success" && end.isSlow && this.settings.slowRate > 0
    if (end.outcome === "neutral") probe.status = "gone"
    else probe.status = end.outcome === "failure" || tooSlow ? "failed" : "succeeded"
    if (probe.status === "failed") this.failures = tooSlow ? 0 : this.failures + 1
    const having = (status: Probe["status"]) => this.#probes.filter((one) => one.status === status).length
    const { probeSuccesses, probes } = this.settings
    if (having("succeeded") >= probeSuccesses) this.#close(now)
    else if (having("failed") > probes - probeSuccesses) this.#open(tooSlow ? "slow" : "probe", this.failures, end, now)
  }

  #open(reason: BreakerState.Reason, failures: number, { hintMillis, random }: End, now: number): void {
    const { hintMaxMillis, openJitter, openMillis } = this.settings
    if (this.#hasRamped(now)) this.openings = 0
    const longest = openMillis.at(-1) ?? 0
    const own = (openMillis[this.openings] ?? longest) * (1 - openJitter * random)
    this.openings += 1
    this.failures = failures
    this.reason = reason
    this.until = now + Math.ceil(Math.max(own, Math.min(hintMillis, hintMaxMillis)))
    this.#become("open", now)
  }

  #close(now: number): void {
    this.failures = 0
    this.#calls = []
    this.#sent = []
    const { rampMillis } = this.settings
    this.#ramp = rampMillis === 0 ? undefined : { from: now, due: 9 * rampMillis, through: 0 }
    if (rampMillis === 0) this.openings = 0
    this.#become("closed", now)
  }

  #become(to: BreakerModel["state"], now: number): void {
    this.transitions.push({ from: this.state, to, openMillis: to === "open" ? this.until - now : undefined })
    this.state = to
    this.#probes = []
    if (to !== "closed") this.#ramp = undefined
  }

  #hasRamped(now: number): boolean {
    return this.#ramp !== undefined && now - this.#ramp.from >= this.settings.rampMillis
  }

  /** What is due with one who asks now. */
  #due(now: number): number {
    if (this.#ramp === undefined) return 0
    return this.#ramp.due + this.settings.rampMillis + 9 * (now - this.#ramp.from)
  }

  #isDue(now: number): boolean {
    if (this.#ramp === undefined || this.#hasRamped(now)) return true
    return Math.floor(this.#due(now) / (10 * this.settings.rampMillis)) > this.#ramp.through
  }

  #ask(now: number, through: number): void {
    if (this.#hasRamped(now)) {
      if (through === 0) return
      this.#ramp = undefined
      this.openings = 0
    }
    if (this.#ramp === undefined) return
    this.#ramp.through += through
    // Whoever looked and left though it was their turn leaves it to the next, and no more than that.
    this.#ramp.due = Math.min(this.#due(now), 10 * this.settings.rampMillis * (this.#ramp.through + 1))
  }
}
