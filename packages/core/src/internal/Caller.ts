/** One caller of a route: what is reported to it and about it, once, whoever answered in the end. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Cache from "../Cache.ts"
import type * as Event from "../Event.ts"
import type * as EventBus from "../EventBus.ts"
import type * as Failure from "../Failure.ts"
import { type Desk, Tenant } from "../Operation.ts"
import * as Provenance from "../Provenance.ts"
import * as Refusal from "../Refusal.ts"
import { traceOf } from "./ambient.ts"
import * as ending from "./ending.ts"
import { ruleOf } from "./running.ts"

type Errors = Failure.Failure | Refusal.Refusal
type End = Parameters<Desk["ended"]>[0]

/** One operation of the pipeline, on behalf of one caller or of several. */
export class Errand implements Desk {
  readonly id: string
  /** What the pipeline says about it. */
  readonly collector = Provenance.collector()
  #end: End | undefined
  #isClaimed = false

  constructor(id: string) {
    this.id = id
  }

  ended(end: End): void {
    this.#end = end
  }

  get end(): End | undefined {
    return this.#end
  }

  /** What was sent and used, for the first who asks: they were sent once, however many share them. */
  claim(): End | undefined {
    if (this.#isClaimed) return undefined
    this.#isClaimed = this.#end !== undefined
    return this.#end
  }
}

/** What answered instead of an attempt. */
type Substitute =
  | { readonly source: "cache"; readonly entry: Cache.Entry; readonly ageMillis: number }
  | { readonly source: "stale"; readonly entry: Cache.Entry; readonly ageMillis: number; readonly instead: Errors }
  | { readonly source: "last-resort"; readonly instead: Errors }

export interface Options {
  readonly bus: EventBus.EventBus["Service"]
  readonly route: string
  readonly kind: Event.Kind
  /** The time it has. */
  readonly total: Duration.Duration
}

export class Caller {
  readonly id: string
  readonly #options: Options
  readonly #clock: Clock.Clock
  readonly #startedAt: number
  readonly #sink: Provenance.Collector | undefined
  readonly #tenant: string | undefined
  readonly #trace: Event.Trace | undefined
  #errand: Errand
  #rounds = 0
  #substitute: Substitute | undefined
  #isOver = false

  constructor(options: Options, fiber: Fiber.Fiber<unknown, unknown>) {
    this.#options = options
    this.id = options.bus.nextIdUnsafe()
    this.#errand = new Errand(this.id)
    this.#clock = fiber.getRef(Clock.Clock)
    this.#startedAt = this.#clock.currentTimeMillisUnsafe()
    this.#sink = fiber.getRef(Provenance.Sink)
    this.#tenant = fiber.getRef(Tenant)
    this.#trace = traceOf(fiber.context)
  }

  get now(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }

  /** Milliseconds until its time is over. */
  get restMillis(): number {
    return this.#startedAt + Duration.toMillis(this.#options.total) - this.now
  }

  get deadlineExceeded(): Refusal.DeadlineExceeded {
    return new Refusal.DeadlineExceeded({ total: this.#options.total })
  }

  /** The operation that is run for it. */
  get errand(): Errand {
    return this.#errand
  }

  /** It waits for an operation that may be another caller's. */
  share(errand: Errand): void {
    this.#errand = errand
    this.#rounds += 1
  }

  /** Whether the operation it waits for may go on when its own time is over. */
  get needsClock(): boolean {
    return this.isSharing || this.#rounds > 1
  }

  get isSharing(): boolean {
    return this.#errand.id !== this.id
  }

  /** Something else answers than an attempt. */
  answerFrom(substitute: Substitute): void {
    this.#substitute = substitute
  }

  /** Writes down where the answer comes from, for whoever asked. */
  report(): void {
    if (this.#sink === undefined) return
    const {
      adapted,
      attempts = [],
      continuedFrom,
      degraded = false,
      lane,
      model,
      sent = 0
    } = this.#errand.collector.provenance ?? {}
    const common = {
      operation: this.id,
      route: this.#options.route,
      ...(this.isSharing ? { sent: 0, attempts: [] } : { sent, attempts }),
      cached: false,
      stale: false,
      coalesced: this.isSharing
    }
    const by = this.#substitute
    if (by === undefined) {
      this.#sink.provenance = {
        ...common,
        lane,
        model,
        degraded,
        ...(adapted && { adapted }),
        ...(continuedFrom && { continuedFrom })
      }
    } else if (by.source === "last-resort") {
      this.#sink.provenance = { ...common, lane: undefined, model: undefined, degraded: true }
    } else {
      const { ageMillis, entry } = by
      const stale = by.source === "stale"
      const degraded = stale || entry.degraded
      this.#sink.provenance = {
        ...common,
        lane: entry.lane,
        model: entry.model,
        degraded,
        cached: true,
        stale,
        ageMillis
      }
    }
  }

  /** Reports the end; only the first one counts. */
  close(exit: Exit.Exit<unknown, Errors>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.report()
    const { bus, kind, route } = this.#options
    const own = this.#errand.claim()
    if (!bus.isHeard()) return
    const { now } = this
    const by = Exit.isSuccess(exit) ? this.#substitute : undefined
    const { end } = this.#errand
    const source = by?.source ?? (this.isSharing && Exit.isSuccess(exit) ? "shared" : undefined)
    bus.publishUnsafe(now, {
      _tag: "OperationEnded",
      operation: this.id,
      route,
      kind,
      ...account(own),
      result: ending.resultOf(exit),
      rule: ruleOf(exit),
      tenant: this.#tenant,
      trace: this.#trace,
      lane: by === undefined ? end?.lane : undefined,
      attempts: own?.attempts ?? 0,
      durationMillis: now - this.#startedAt,
      degraded: by === undefined ? (end?.degraded ?? false) : by.source !== "cache" || by.entry.degraded,
      ...(source === undefined ? {} : { source }),
      ...(this.isSharing ? { joined: this.#errand.id } : {}),
      ...(by === undefined || by.source === "cache" ? {} : { instead: by.instead._tag }),
      ...(this.#trace === undefined ? {} : { trace: this.#trace })
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

/** What the attempts of an operation came to. */
const account = (end: End | undefined): Partial<End> => {
  if (end === undefined) return {}
  const { cachedTokens, continued, estimated, firstContentMillis, hedged, inputTokens, outputTokens } = end
  const { truncated, usd, waitedMillis } = end
  return {
    cachedTokens,
    continued,
    estimated,
    firstContentMillis,
    hedged,
    inputTokens,
    outputTokens,
    truncated,
    usd,
    waitedMillis
  }
}
