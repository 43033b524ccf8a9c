/**
 * A provider as its callers meet it: what becomes of a call that comes at an instant. Slots that serve one call each, first
 * come first served, a queue before them, limits, a quota, a mix of errors, and outages. What it has accepted it works off
 * and charges for, also when its caller has left: whoever offers it more than it serves, for long enough, has it answer
 * only callers that are gone. A machine without clock or fibers; its chance is the source it is made with.
 */
import type * as Failure from "@holdfast/core/Failure"
import type { Chance } from "./internal/Chance.ts"
import { Heap } from "./internal/Heap.ts"
import { type Job, rest } from "./internal/Job.ts"
import * as Scenario from "./Scenario.ts"

/** What becomes of a call. Instants are milliseconds, perhaps fractions. */
export type Verdict =
  | { readonly _tag: "Answer"; readonly firstAt: number; readonly endAt: number }
  /** It begins, and breaks off. */
  | { readonly _tag: "Cut"; readonly firstAt: number; readonly at: number; readonly class: Failure.Class }
  | {
      readonly _tag: "Refused"
      readonly at: number
      readonly class: Failure.Class
      readonly status: number | undefined
      /** Milliseconds that the provider names. */
      readonly retryAfter: number | undefined
      /** Its limits have turned the call away. */
      readonly isLimited?: boolean
    }
  /** No connection comes to stand. */
  | { readonly _tag: "Unreachable" }
  /** Nothing comes. */
  | { readonly _tag: "Hang" }

type Refused = Extract<Verdict, { readonly _tag: "Refused" }>

/** What is left of a limit, and how long until all of it is there again, in milliseconds. */
export interface Left {
  readonly limit: number
  readonly remaining: number
  readonly resetMillis: number
}

/** What it has seen and done so far. */
export interface Counts {
  /** Calls that it was offered. */
  calls: number
  /** Calls that it answers, or has answered, in full. */
  served: number
  /** What it charges for, in US dollars. */
  usd: number
}

interface Span {
  readonly from: number
  /** From here on it goes down. */
  readonly until: number
  readonly onset: number
  readonly recovery: number
  readonly outage: Scenario.Outage
}

/** An answer to a call that was not served: when, as a part of a second, and as what. */
const refusals: {
  readonly [Each in Exclude<Scenario.Trouble, "hang" | "unreachable" | "truncated">]: {
    readonly class: Failure.Class
    readonly status?: number
  }
} = {
  "service-unavailable": { class: "ServiceUnavailable", status: 503 },
  overloaded: { class: "ModelOverloaded", status: 529 },
  "rate-limited": { class: "RateLimit", status: 429 },
  quota: { class: "QuotaExceeded", status: 429 },
  authentication: { class: "Authentication", status: 401 },
  "invalid-response": { class: "InvalidResponse", status: 200 },
  network: { class: "Network" }
}

/** Providers whose headers say nothing about limits. */
const mute: ReadonlySet<string> = new Set(["gemini", "google", "vertex"])

/** How soon an error comes, in milliseconds: a round trip and a little. */
const errorMillis = { p50: 120, p99: 800 }

export class ProviderModel {
  readonly counts: Counts = { calls: 0, served: 0, usd: 0 }
  readonly settings: Scenario.Provider
  #chance: Chance
  readonly #chanceOf: ((job: Job) => Chance) | undefined
  readonly #poisoned: "invalid-request" | "content-policy" | "service-unavailable"
  readonly #spans: ReadonlyArray<Span>
  /** When each busy slot is free again. */
  readonly #slots = new Heap()
  /** When each call that waits gets its slot: in order, since they come first come first served. */
  #starts: Array<number> = []
  #started = 0
  /** When each call of a provider that limits them ends. */
  readonly #underWay = new Heap()
  readonly #requests: Bucket | undefined
  readonly #tokens: Bucket | undefined
  #period = 0
  #used = { requests: 0, tokens: 0, usd: 0 }

  /** `chance`: what all calls draw from in their order; or, given each call's job, what that call alone draws from. */
  constructor(settings: Scenario.Provider, workload: Scenario.Workload, chance: Chance | ((job: Job) => Chance)) {
    this.settings = settings
    this.#chanceOf = typeof chance === "function" ? chance : undefined
    this.#chance = typeof chance === "function" ? chance(rest) : chance
    this.#poisoned = workload.poisoned?.kind ?? "invalid-request"
    this.#spans = (settings.outages ?? []).flatMap(spansOf).toSorted((a, b) => a.from - b.from)
    const { requestsPerMinute, tokensPerMinute, window = 60_000 } = settings.limits ?? {}
    this.#requests = requestsPerMinute === undefined ? undefined : new Bucket(requestsPerMinute / 60_000, window)
    this.#tokens = tokensPerMinute === undefined ? undefined : new Bucket(tokensPerMinute / 60_000, window)
  }

  /** Calls that are served at this instant. */
  busy(now: number): number {
    this.#slots.dropUpTo(now)
    return this.#slots.size
  }

  /** Whether its headers say what is left of its limits. */
  statesLimits(provider: string): boolean {
    const { limits } = this.settings
    if (limits?.requestsPerMinute === undefined && limits?.tokensPerMinute === undefined) return false
    return limits.headers ?? !mute.has(provider)
  }

  /** What it has to say of its limits. */
  left(now: number): { readonly requests?: Left; readonly tokens?: Left } {
    const { requestsPerMinute = 0, tokensPerMinute = 0 } = this.settings.limits ?? {}
    const requests = this.#requests?.left(requestsPerMinute, now)
    const tokens = this.#tokens?.left(tokensPerMinute, now)
    return { ...(requests && { requests }), ...(tokens && { tokens }) }
  }

  /** Takes a call. `now` never goes back. */
  call(job: Job, now: number): Verdict {
    if (this.#chanceOf !== undefined) this.#chance = this.#chanceOf(job)
    const chance = this.#chance
    this.counts.calls += 1
    let slowdown = 1
    for (const { outage, ...span } of this.#spans) {
      if (span.from > now) break
      const share = shareAt(span, now) * (outage.share ?? 1)
      if (share === 0) continue
      if (outage.kind === "slow") {
        // Slowness comes and goes gradually, and is met by all or by a part of the calls.
        if (chance.happens(outage.share ?? 1)) slowdown *= 1 + ((outage.factor ?? 5) - 1) * shareAt(span, now)
      } else if (chance.happens(share)) {
        return this.#trouble(outage.kind, job, now, outage.retryAfter)
      }
    }
    const trouble = this.#error()
    if (trouble !== undefined) return this.#trouble(trouble, job, now, undefined)
    const limited = this.#limited(job, now) ?? this.#exhausted(job, now)
    if (limited !== undefined) return limited
    if (job.isPoisoned) {
      if (this.#poisoned === "invalid-request") return this.#refusal(now, "InvalidRequest", 400)
      if (this.#poisoned === "content-policy") return this.#refusal(now, "ContentPolicy", 400)
      return this.#refusal(now, "ServiceUnavailable", 500)
    }
    return this.#serve(job, now, slowdown)
  }

  #error(): Scenario.Trouble | undefined {
    const { errors } = this.settings
    if (errors === undefined) return undefined
    let draw = this.#chance.next()
    for (const trouble of Scenario.Trouble.literals) {
      const share = errors[trouble] ?? 0
      if (draw < share) return trouble
      draw -= share
    }
    return undefined
  }

  #trouble(kind: Scenario.Trouble, job: Job, now: number, retryAfter: number | undefined): Verdict {
    if (kind === "hang") return { _tag: "Hang" }
    if (kind === "unreachable") return { _tag: "Unreachable" }
    if (kind === "truncated") {
      const verdict = this.#serve(job, now, 1)
      if (verdict._tag !== "Answer") return verdict
      const { endAt, firstAt } = verdict
      const at = firstAt + (endAt - firstAt) * this.#chance.next()
      // A stream ends as if it were over; of anything else the length is known.
      return this.#cut(firstAt, at, job.isStream ? "StreamTruncated" : "Network")
    }
    const { class: class_, status } = refusals[kind]
    return this.#refusal(now, class_, status, retryAfter)
  }

  #refusal(now: number, class_: Failure.Class, status: number | undefined, retryAfter?: number): Refused {
    const after = this.#chance.logNormal(errorMillis.p50, errorMillis.p99)
    return { _tag: "Refused", at: now + after, class: class_, status, retryAfter }
  }

  #cut(firstAt: number, at: number, class_: "StreamTruncated" | "Network"): Verdict {
    this.counts.served -= 1
    return { _tag: "Cut", firstAt: Math.min(firstAt, at), at, class: class_ }
  }

  /** Whether its limits turn the call away. What is turned away is not counted against them. */
  #limited(job: Job, now: number): Verdict | undefined {
    const { concurrent, hints = true } = this.settings.limits ?? {}
    if (concurrent !== undefined) {
      this.#underWay.dropUpTo(now)
      if (this.#underWay.size >= concurrent) return { ...this.#refusal(now, "RateLimit", 429), isLimited: true }
    }
    const tokens = job.inputTokens + job.outputTokens
    const wait = Math.max(this.#requests?.waitMillis(1, now) ?? 0, this.#tokens?.waitMillis(tokens, now) ?? 0)
    if (wait > 0) return { ...this.#refusal(now, "RateLimit", 429, hints ? wait : undefined), isLimited: true }
    this.#requests?.take(1)
    this.#tokens?.take(tokens)
    return undefined
  }

  #exhausted(job: Job, now: number): Verdict | undefined {
    const { quota } = this.settings
    if (quota === undefined) return undefined
    const period = quota.every === undefined ? 0 : Math.floor(now / quota.every)
    if (period !== this.#period) {
      this.#period = period
      this.#used = { requests: 0, tokens: 0, usd: 0 }
    }
    const { requests, tokens, usd } = this.#used
    const isOver =
      (quota.requests !== undefined && requests >= quota.requests) ||
      (quota.tokens !== undefined && tokens >= quota.tokens) ||
      (quota.usd !== undefined && usd >= quota.usd)
    if (!isOver) {
      const used = { requests: requests + 1, tokens: tokens + job.inputTokens + job.outputTokens }
      this.#used = { ...used, usd: usd + this.priceOf(job) }
      return undefined
    }
    const isHinted = quota.hint === true && quota.every !== undefined
    return this.#refusal(now, "QuotaExceeded", 429, isHinted ? (period + 1) * (quota.every ?? 0) - now : undefined)
  }

  #serve(job: Job, now: number, slowdown: number): Verdict {
    const { capacity } = this.settings
    const busy = this.busy(now)
    const load = capacity === undefined ? 0 : Math.min(1, busy / capacity.slots)
    const loaded = capacity === undefined ? 1 : 1 + ((capacity.slowdown ?? 1) - 1) * load * load
    const latency = this.#latency() * slowdown * loaded
    const { tokensPerSecond } = this.settings
    const generation =
      tokensPerSecond === undefined ? 0 : ((job.outputTokens * 1000) / tokensPerSecond) * slowdown * loaded
    let start = now
    if (capacity !== undefined && busy >= capacity.slots) {
      if (this.#waiting(now) >= (capacity.queue ?? 0)) {
        const { refusalCost = 0 } = capacity
        if (refusalCost > 0) {
          const free = this.#slots.take() ?? now
          this.#slots.add(Math.max(now, free) + (latency + generation) * refusalCost)
        }
        return this.#refusal(now, "ModelOverloaded", 529)
      }
      start = this.#slots.take() ?? now
      this.#starts.push(start)
    }
    const firstAt = start + latency
    const endAt = firstAt + generation
    this.#slots.add(endAt)
    if (this.settings.limits?.concurrent !== undefined) this.#underWay.add(endAt)
    this.counts.usd += this.priceOf(job)
    this.counts.served += 1
    return this.#meetsOutage(now, firstAt, endAt) ?? { _tag: "Answer", firstAt, endAt }
  }

  /** Whether an outage begins before the answer is complete: then the connection is lost. */
  #meetsOutage(now: number, firstAt: number, endAt: number): Verdict | undefined {
    for (const { from, onset, outage } of this.#spans) {
      if (from >= endAt) break
      if (from <= now || onset > 0 || !cuts(outage.kind) || !this.#chance.happens(outage.share ?? 1)) continue
      if (outage.kind !== "hang") return this.#cut(firstAt, from, "Network")
      this.counts.served -= 1
      return { _tag: "Hang" }
    }
    return undefined
  }

  #latency(): number {
    const { latency } = this.settings
    if ("constant" in latency) return latency.constant
    if ("exponential" in latency) return this.#chance.exponential(latency.exponential)
    return this.#chance.logNormal(latency.p50, latency.p99)
  }

  #waiting(now: number): number {
    const starts = this.#starts
    while (this.#started < starts.length && (starts[this.#started] ?? 0) <= now) this.#started += 1
    if (this.#started > 4096 && this.#started * 2 > starts.length) {
      this.#starts = starts.slice(this.#started)
      this.#started = 0
    }
    return this.#starts.length - this.#started
  }

  /** What a call costs, in US dollars. */
  priceOf({ inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number }): number {
    const { price } = this.settings
    return price === undefined ? 0 : (inputTokens * price.input + outputTokens * price.output) / 1_000_000
  }
}

const cuts = (kind: Scenario.Outage["kind"]): boolean =>
  kind === "network" || kind === "service-unavailable" || kind === "hang"

const spansOf = (outage: Scenario.Outage): ReadonlyArray<Span> =>
  Array.from({ length: outage.times ?? 1 }, (_, index) => {
    const from = outage.at + index * (outage.every ?? 0)
    return { from, until: from + outage.for, onset: outage.onset ?? 0, recovery: outage.recovery ?? 0, outage }
  })

/** How far an outage is up, from 0 to 1. */
const shareAt = ({ from, onset, recovery, until }: Omit<Span, "outage">, now: number): number => {
  if (now >= until + recovery) return 0
  if (now >= until) return 1 - (now - until) / recovery
  return now < from + onset ? (now - from) / onset : 1
}

/** A token bucket: fills at a rate, up to what a window brings. */
class Bucket {
  readonly #rate: number
  readonly #size: number
  #level: number
  #at = 0

  constructor(rate: number, window: number) {
    this.#rate = rate
    this.#size = Math.max(1, rate * window)
    this.#level = this.#size
  }

  left(limit: number, now: number): Left {
    this.#fill(now)
    const remaining = Math.max(0, Math.floor(this.#level + 1e-9))
    return { limit, remaining, resetMillis: (this.#size - this.#level) / this.#rate }
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#size, this.#level + (now - this.#at) * this.#rate)
    this.#at = now
  }

  /** Milliseconds until so much could be taken; what is more than it ever holds may be taken once it is full. */
  waitMillis(amount: number, now: number): number {
    this.#fill(now)
    // A little less than a whole one is one: the level is a sum of fractions.
    const missing = Math.min(amount, this.#size) - this.#level
    return missing <= 1e-9 ? 0 : missing / this.#rate
  }

  take(amount: number): void {
    this.#level -= amount
  }
}
