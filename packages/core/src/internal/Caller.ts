/** One caller of a route: what is reported to it and about it, once, whoever answered in the end. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Cache from "../Cache.ts"
import type * as Event from "../Event.ts"
import type * as EventBus from "../EventBus.ts"
import type * as Failure from "../Failure.ts"
import type { Desk } from "../Operation.ts"
import * as Provenance from "../Provenance.ts"
import type * as Refusal from "../Refusal.ts"
import * as guards from "./guards.ts"

type Errors = Failure.Failure | Refusal.Refusal
type End = Parameters<Desk["ended"]>[0]

/** What answered instead of an attempt. */
type Substitute =
  | { readonly source: "cache"; readonly entry: Cache.Entry; readonly ageMillis: number }
  | { readonly source: "stale"; readonly entry: Cache.Entry; readonly ageMillis: number; readonly instead: Errors }
  | { readonly source: "last-resort"; readonly instead: Errors }

export class Caller implements Desk {
  readonly id: string
  /** What the pipeline says about the operation's own attempts. */
  readonly collector = Provenance.collector()
  readonly #bus: EventBus.EventBus["Service"]
  readonly #route: string
  readonly #kind: Event.Kind
  readonly #clock: Clock.Clock
  readonly #startedAt: number
  readonly #sink: Provenance.Collector | undefined
  #end: End | undefined
  #substitute: Substitute | undefined
  #isOver = false

  constructor(
    bus: EventBus.EventBus["Service"],
    route: string,
    kind: Event.Kind,
    fiber: Fiber.Fiber<unknown, unknown>
  ) {
    this.#bus = bus
    this.id = bus.nextIdUnsafe()
    this.#route = route
    this.#kind = kind
    this.#clock = fiber.getRef(Clock.Clock)
    this.#startedAt = this.#clock.currentTimeMillisUnsafe()
    this.#sink = fiber.getRef(Provenance.Sink)
  }

  get now(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }

  ended(end: End): void {
    this.#end = end
  }

  /** Something else answers than an attempt. */
  answerFrom(substitute: Substitute): void {
    this.#substitute = substitute
  }

  /** Writes down where the answer comes from, for whoever asked. */
  report(): void {
    if (this.#sink === undefined) return
    const { attempts = [], degraded = false, lane, model, sent = 0 } = this.collector.provenance ?? {}
    const common = { operation: this.id, route: this.#route, sent, attempts, coalesced: false }
    const by = this.#substitute
    if (by === undefined) {
      this.#sink.provenance = { ...common, lane, model, degraded, cached: false, stale: false }
    } else if (by.source === "last-resort") {
      const nobody = { lane: undefined, model: undefined }
      this.#sink.provenance = { ...common, ...nobody, degraded: true, cached: false, stale: false }
    } else {
      const stale = by.source === "stale"
      this.#sink.provenance = {
        ...common,
        lane: by.entry.lane,
        model: by.entry.model,
        degraded: stale || by.entry.degraded,
        cached: true,
        stale,
        ageMillis: by.ageMillis
      }
    }
  }

  /** Reports the end; only the first one counts. */
  close(exit: Exit.Exit<unknown, Errors>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.report()
    if (!this.#bus.isHeard()) return
    const { now } = this
    const by = Exit.isSuccess(exit) ? this.#substitute : undefined
    this.#bus.publishUnsafe(now, {
      _tag: "OperationEnded",
      operation: this.id,
      route: this.#route,
      kind: this.#kind,
      result: guards.resultOf(exit),
      lane: by === undefined ? this.#end?.lane : undefined,
      attempts: this.#end?.attempts ?? 0,
      durationMillis: now - this.#startedAt,
      degraded: by === undefined ? (this.#end?.degraded ?? false) : by.source !== "cache" || by.entry.degraded,
      ...(by === undefined ? {} : { source: by.source }),
      ...(by === undefined || by.source === "cache" ? {} : { instead: by.instead._tag })
    })
  }

  /** The caller has left, unless it was told the end. */
  leave(): void {
    this.close(Exit.interrupt())
  }

  /** The effect, with its end reported. */
  toTheEnd<A, R>(self: Effect.Effect<A, Errors, R>): Effect.Effect<A, Errors, R> {
    return Effect.onExit(self, (exit) => Effect.sync(() => this.close(exit)))
  }
}
