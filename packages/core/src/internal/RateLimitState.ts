/**
 * How much may be sent with one credential to one model, as a pure machine: requests and tokens per minute, ours and the
 * provider's, and a cool-down that everybody shares. Updated in place, owned by one service, O(1) per step. Instants are
 * milliseconds.
 *
 * The life of a request: `admit`, or when that says to wait, `join` → sleep → `take` until it passes (or `leave`); then
 * `settle` with the tokens it really used, or `cancel` when it was never sent. Its response's headers go to `correct`, a
 * "too many requests" to `cool`.
 *
 * It is not `effect/persistence/RateLimiter`: that has one count per key, no estimate that is settled later, and lets all
 * who wait go at once.
 */
import { atLeast, positive } from "./bounds.ts"
import * as LimitedResource from "./LimitedResource.ts"
import * as WaitingLine from "./WaitingLine.ts"

export interface Settings {
  /** `undefined`: no limit of our own, only what the provider states. */
  readonly requests: LimitedResource.Limit | undefined
  readonly tokens: LimitedResource.Limit | undefined
  /** The least distance between two who wait, and the width of the jitter on each. */
  readonly gapMillis: number
  /**
   * No cool-down and no statement of a provider holds longer: then a request finds out whether it still does. A lane that
   * is never called learns nothing, so a single absurd header must not close it for good.
   */
  readonly maxHoldMillis: number
}

export const defaults: Settings = { requests: undefined, tokens: undefined, gapMillis: 100, maxHoldMillis: 3_600_000 }

export interface RateLimit {
  readonly gapMillis: number
  readonly maxHoldMillis: number
  readonly requests: LimitedResource.LimitedResource
  readonly tokens: LimitedResource.LimitedResource
  readonly line: WaitingLine.WaitingLine
  coolUntil: number
  /** The latest instant seen. */
  seen: number
}

/** Leave to send one request. */
export interface Reservation {
  /** Requests are numbered from 1 in the order in which they were let through. */
  readonly sequence: number
  readonly tokens: number
  /** All tokens taken, up to and with this request. */
  readonly tokensTaken: number
  /** Until it is settled or cancelled. */
  open: boolean
}

/** Throws a `RangeError` that names an impossible option. */
export const make = (settings: Settings = defaults): RateLimit => ({
  gapMillis: atLeast("gapMillis", 0, settings.gapMillis),
  maxHoldMillis: positive("maxHoldMillis", settings.maxHoldMillis),
  requests: LimitedResource.make("requests", settings.requests),
  tokens: LimitedResource.make("tokens", settings.tokens),
  line: WaitingLine.make(),
  coolUntil: Number.NEGATIVE_INFINITY,
  seen: Number.NEGATIVE_INFINITY
})

/** What a request waits for: the end of a cool-down, or room under a limit. */
export type Binding = "cooling" | "requests" | "tokens"

/** Whether nothing holds anybody back and nothing need be counted: whoever asks may go without asking. */
export const isQuiet = (state: RateLimit, now: number): boolean =>
  LimitedResource.isUnlimited(state.requests) &&
  LimitedResource.isUnlimited(state.tokens) &&
  state.coolUntil <= now &&
  state.line.waiting === 0

/** What holds such a request back the longest, or would, if anything does. */
export const binding = (state: RateLimit, tokens: number): Binding => {
  const requests = LimitedResource.readyAt(state.requests, 1)
  const byTokens = LimitedResource.readyAt(state.tokens, sane(tokens))
  if (state.coolUntil >= Math.max(requests, byTokens)) return "cooling"
  return requests >= byTokens ? "requests" : "tokens"
}

/** Whether the number of tokens makes a difference. */
export const countsTokens = (state: RateLimit): boolean => !LimitedResource.isUnlimited(state.tokens)

/** Milliseconds until such a request may go, for somebody whose turn in the line has come. */
export const readyMillis = (state: RateLimit, tokens: number, now: number): number => {
  observe(state, now)
  return millisUntil(readyAt(state, sane(tokens)), now)
}

/** Milliseconds until a new request of about so many tokens would be let through; 0 when it would be now. */
export const waitMillis = (state: RateLimit, tokens: number, now: number): number => {
  observe(state, now)
  return millisUntil(WaitingLine.behind(state.line, readyAt(state, sane(tokens))), now)
}

/** Asks to send a request of about so many tokens now: leave, or the milliseconds to wait. A refusal changes nothing. */
export const admit = (state: RateLimit, tokens: number, now: number): Reservation | number => {
  const wait = waitMillis(state, tokens, now)
  return wait > 0 ? wait : reserve(state, tokens, now)
}

/**
 * Joins those who wait, who are let go one after another at the rate of the limits, each with a jitter of up to a gap: the
 * milliseconds until this one's turn, or `undefined` if that is longer than its patience, and nothing has changed.
 * `random` is in [0, 1).
 */
export const join = (
  state: RateLimit,
  tokens: number,
  patienceMillis: number,
  random: number,
  now: number
): number | undefined => {
  observe(state, now)
  const cost = sane(tokens)
  const turn = WaitingLine.next(state.line, readyAt(state, cost), spacing(state, cost), now) + random * state.gapMillis
  const wait = millisUntil(turn, now)
  if (!(wait <= patienceMillis)) return undefined
  WaitingLine.join(state.line, turn + LimitedResource.debtMillis(state.tokens, cost))
  return wait
}

/** Asks again when one's turn has come: leave, or the milliseconds to a new turn. */
export const take = (state: RateLimit, tokens: number, random: number, now: number): Reservation | number => {
  if (readyMillis(state, tokens, now) > 0) return again(state, tokens, random, now)
  WaitingLine.leave(state.line)
  return reserve(state, tokens, now)
}

/** A new turn for somebody whose turn had come while the gate was shut: the milliseconds until then. */
export const again = (state: RateLimit, tokens: number, random: number, now: number): number => {
  const cost = sane(tokens)
  const jitter = random * state.gapMillis
  return millisUntil(WaitingLine.rejoin(state.line, readyAt(state, cost), spacing(state, cost), jitter), now)
}

/** Counts a request of about so many tokens, whether or not there is room for it. */
export const reserve = (state: RateLimit, tokens: number, now: number): Reservation => {
  const cost = sane(tokens)
  LimitedResource.take(state.requests, 1, now)
  LimitedResource.take(state.tokens, cost, now)
  return { sequence: state.requests.taken, tokens: cost, tokensTaken: state.tokens.taken, open: true }
}

/** Gives up one's place in the line. */
export const leave = (state: RateLimit): void => WaitingLine.leave(state.line)

/** Replaces the estimate by the tokens that were used: the rest comes back, what was missing is owed. Once. */
export const settle = (state: RateLimit, reservation: Reservation, tokens: number, now: number): void => {
  if (!reservation.open) return
  reservation.open = false
  observe(state, now)
  LimitedResource.adjust(state.tokens, sane(tokens) - reservation.tokens, reservation.sequence, now)
}

/** The request was never sent: everything comes back. Once, and not after `settle`. */
export const cancel = (state: RateLimit, reservation: Reservation, now: number): void => {
  if (!reservation.open) return
  settle(state, reservation, 0, now)
  LimitedResource.adjust(state.requests, -1, reservation.sequence, now)
}

/** Nobody goes before `until`. The deadline only moves forward; true if it did. */
export const cool = (state: RateLimit, until: number, now: number): boolean => {
  observe(state, now)
  const bounded = Math.min(until, now + state.maxHoldMillis)
  if (!(bounded > Math.max(now, state.coolUntil))) return false
  state.coolUntil = bounded
  return true
}

/**
 * Takes over what the headers of the response to a request say is left. False if the response to a later request has
 * spoken before, or there is nothing in them; then nothing has changed.
 */
export const correct = (
  state: RateLimit,
  reservation: Reservation,
  said: {
    readonly requests?: LimitedResource.Stated | undefined
    readonly tokens?: LimitedResource.Stated | undefined
  },
  now: number
): boolean => {
  observe(state, now)
  const { sequence } = reservation
  const requestsSince = state.requests.taken - sequence
  const tokensSince = state.tokens.taken - reservation.tokensTaken
  const aboutRequests = LimitedResource.believe(
    state.requests,
    said.requests,
    sequence,
    requestsSince,
    state.maxHoldMillis,
    now
  )
  const aboutTokens = LimitedResource.believe(
    state.tokens,
    said.tokens,
    sequence,
    tokensSince,
    state.maxHoldMillis,
    now
  )
  return aboutRequests || aboutTokens
}

/** An estimate that is no number, or none that can be counted, must not spoil the count for everybody. */
const sane = (tokens: number): number => (tokens > 0 ? Math.min(tokens, Number.MAX_SAFE_INTEGER) : 0)

/** Whole milliseconds, upwards: who sleeps so long finds the gate open. A nanosecond is forgiven. */
const millisUntil = (instant: number, now: number): number => Math.max(0, Math.ceil(instant - now - 1e-6))

/** A clock that was set back takes the deadlines with it; else everybody would wait until it has caught up. */
const observe = (state: RateLimit, now: number): void => {
  const back = now - state.seen
  state.seen = now
  if (!(back < 0)) return
  state.coolUntil += back
  WaitingLine.shift(state.line, back)
  LimitedResource.shift(state.requests, back)
  LimitedResource.shift(state.tokens, back)
}

/** The instant from which so many tokens may be sent, as far as the line is not concerned. */
const readyAt = (state: RateLimit, tokens: number): number =>
  Math.max(state.coolUntil, LimitedResource.readyAt(state.requests, 1), LimitedResource.readyAt(state.tokens, tokens))

/** The distance to the one before in the line: the time in which the limits let such a request flow in. */
const spacing = (state: RateLimit, tokens: number): number =>
  Math.max(
    state.gapMillis,
    LimitedResource.inflowMillis(state.requests, 1),
    LimitedResource.inflowMillis(state.tokens, tokens)
  )
