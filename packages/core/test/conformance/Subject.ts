/**
 * What a resilience library looks like to the conformance suite: the same words for all of them, so that a behaviour is
 * written once. An adapter says `CannotExpress` where its library has nothing of the kind; what it has, it is judged on.
 */
import { Data, type Effect, type Scope } from "effect"

/** The library has no such feature, so the behaviour says nothing about it. */
export class CannotExpress extends Data.TaggedError("CannotExpress")<{ readonly reason: string }> {}

export const cannot = (reason: string): CannotExpress => new CannotExpress({ reason })

/** How the dependency answers a call. */
export type End =
  | "success"
  | "failure"
  /** It says nothing about the dependency's health: the caller sent nonsense, say. */
  | "neutral"
  /** A failure that asks the caller to come back later. */
  | { readonly hintMillis: number }

/** One call, whose end the test decides. */
export interface Call {
  /** `waiting`: neither sent nor refused. `refused`: by the library itself, nothing was sent. */
  readonly status: Effect.Effect<"waiting" | "running" | "refused" | "ended" | "cancelled">
  /** The wait that the refusal names, if it names one. */
  readonly retryAfterMillis: Effect.Effect<number | undefined>
  readonly end: (how: End) => Effect.Effect<void>
  /** The caller goes away. */
  readonly cancel: Effect.Effect<void>
}

/** The calls a rate is computed over. */
export type Window =
  /** Whatever the library uses when it is not told. */
  | "any"
  /** Cut into ten slices. */
  | { readonly millis: number }

export type Trip =
  /** So many failures and no success between them, however the library counts. */
  | { readonly failures: number }
  | { readonly consecutiveFailures: number }
  | { readonly failureRate: number; readonly minimumCalls: number; readonly window: Window }
  | { readonly slowRate: number; readonly slowMillis: number; readonly minimumCalls: number }

export interface CircuitSettings {
  readonly trip: Trip
  /** How long it stays open the first time. */
  readonly openMillis: number
  /** How the open time grows with each probe that fails. None: it does not. */
  readonly growth?: { readonly factor: number; readonly maxMillis: number }
  /** How many calls probe a half-open circuit, and how many of them have to succeed. None: one of one. */
  readonly probes?: { readonly calls: number; readonly successes: number }
  /** How long a probe may take before its slot is given away, where the library has such a limit. */
  readonly leaseMillis?: number
  /** The longest hint that is believed. */
  readonly maxHintMillis?: number
}

export interface Starting {
  readonly start: Effect.Effect<Call>
  /** So many calls at the same instant. */
  readonly startMany: (count: number) => Effect.Effect<ReadonlyArray<Call>>
}

/** A circuit breaker around one dependency. */
export interface Circuit extends Starting {
  readonly state: Effect.Effect<"closed" | "open" | "half-open">
  /** How often it has announced that it opened. */
  readonly openings: Effect.Effect<number>
  /** Why it opened the last time, as it says so itself. */
  readonly openedBecause: Effect.Effect<string, CannotExpress>
  /** How many calls it has refused, as it says so itself. */
  readonly refusals: Effect.Effect<number, CannotExpress>
  /** The share of failures, or `undefined` when there is nothing to compute it from. */
  readonly failureRate: Effect.Effect<number | undefined, CannotExpress>
  /** Holds it open until the inner effect is run. */
  readonly isolate: Effect.Effect<Effect.Effect<void>, CannotExpress>
  /** Lets it count and announce, but refuse nothing. Yields how often it would have opened. */
  readonly observe: Effect.Effect<Effect.Effect<number>, CannotExpress>
  /** Writes its state down and makes a new circuit from that. */
  readonly reload: Effect.Effect<Circuit, CannotExpress, Scope.Scope>
}

/** A limit on calls at the same time, with a queue. */
interface Bulkhead extends Starting {
  readonly counts: Effect.Effect<{ readonly running: number; readonly waiting: number }>
}

/** How one attempt of an operation ends. */
export type Attempt =
  | "success"
  | "failure"
  | "hang"
  /** A failure of a kind that is usually retried, which says that it must not be. */
  | "do not retry"
  /** A failure that names a wait. `malformed`: it tries to, and nobody can tell what it means. */
  | { readonly hint: number | "malformed" }

export interface RetrySettings {
  readonly maxRetries: number
  /** The first delay. It doubles, and nothing is left to chance. */
  readonly baseMillis: number
  /** No attempt starts later than that. */
  readonly maxElapsedMillis?: number
  /** Ask somebody else instead of waiting longer than that. */
  readonly patienceMillis?: number
}

/** An operation of several attempts. */
export interface Operation {
  /** Attempts that have begun, and those begun at somebody else's. */
  readonly attempts: Effect.Effect<{ readonly here: number; readonly elsewhere: number }>
  /** How it ended; a failure says which attempt's error it is, if it is one of theirs. */
  readonly result: Effect.Effect<"running" | "succeeded" | "cancelled" | { readonly failedWith: number | "other" }>
  readonly cancel: Effect.Effect<void>
}

export interface Retrying {
  readonly start: (
    /** How the n-th attempt ends, 1 for the first. */
    script: (attempt: number) => Attempt,
    /** The caller goes away before the first attempt. */
    options?: { readonly cancelled: boolean }
  ) => Effect.Effect<Operation>
}

/** Delays with chance in them. */
export interface Jitter {
  readonly name: string
  /** The delays before retry 1, 2, …, `count`. */
  readonly delays: (baseMillis: number, capMillis: number, count: number) => Effect.Effect<ReadonlyArray<number>>
  /** Between which delays the library says the one before retry `retry` lies. */
  readonly bounds: (
    baseMillis: number,
    capMillis: number,
    retry: number,
    previousMillis: number
  ) => readonly [least: number, most: number]
}

/** One of our own refusals on its way out, through what stands around its source. */
export interface Refusing {
  readonly source: "open circuit" | "full bulkhead" | "limit" | "budget"
  /** Whether a circuit around it, which opens at the first failure, has opened. */
  readonly opensOuterCircuit: Effect.Effect<boolean>
  /** How often a retry around it has asked; `undefined` where the library has no retry. */
  readonly timesAsked: Effect.Effect<number | undefined>
}

/** A retry quota that a client's requests share, paid per retry. */
interface Quota {
  /** Sends a request whose attempts get these statuses in turn. */
  readonly send: (statuses: ReadonlyArray<number>) => Effect.Effect<{
    readonly attempts: number
    readonly result: "ok" | "quota exceeded" | "other"
    readonly left: number
  }>
}

/** Retries as a share of the calls. */
interface Budget {
  readonly call: Effect.Effect<void>
  readonly mayRetry: Effect.Effect<boolean>
}

export interface HedgedOperation {
  readonly attempts: Effect.Effect<ReadonlyArray<Hedge>>
  readonly result: Operation["result"]
}

interface Hedge {
  readonly status: Call["status"]
  readonly end: (how: "success" | "failure" | "fatal") => Effect.Effect<void>
}

/** A library under test. */
export interface Subject {
  readonly name: "holdfast" | "cockatiel" | "opossum" | "effect"
  readonly version: string
  /** Puts the library on virtual time, until the scope closes. */
  readonly install: Effect.Effect<void, never, Scope.Scope>
  /** Lets time pass; whatever is due runs in its turn. */
  readonly advance: (millis: number) => Effect.Effect<void>
  /** Lets a long time pass in which nobody calls. */
  readonly idle: (millis: number) => Effect.Effect<void>

  readonly circuit: (settings: CircuitSettings) => Effect.Effect<Circuit, CannotExpress, Scope.Scope>
  /** When a closed circuit begins again with the first open time, by the library's own documentation. */
  readonly backoffResets: "at once" | "after it was closed as long as it was open"
  /** A circuit whose store is away, by what it does then. */
  readonly circuitWithoutStore: (onStoreError: "allow" | "fail") => Effect.Effect<Circuit, CannotExpress, Scope.Scope>
  readonly refusing: Effect.Effect<ReadonlyArray<Refusing>, CannotExpress, Scope.Scope>
  readonly bulkhead: (limits: {
    readonly concurrent: number
    readonly queue: number
  }) => Effect.Effect<Bulkhead, CannotExpress, Scope.Scope>
  readonly retrying: (settings: RetrySettings) => Effect.Effect<Retrying, CannotExpress, Scope.Scope>
  readonly jitters: Effect.Effect<ReadonlyArray<Jitter>, CannotExpress>
  readonly quota: (settings: {
    readonly capacity: number
    readonly cost: number
  }) => Effect.Effect<Quota, CannotExpress, Scope.Scope>
  readonly budget: (settings: { readonly ratio: number }) => Effect.Effect<Budget, CannotExpress, Scope.Scope>
  /** Starts an operation that sends a second attempt after the delay. */
  readonly hedged: (settings: {
    readonly delayMillis: number
  }) => Effect.Effect<HedgedOperation, CannotExpress, Scope.Scope>
}
