/**
 * Stops calling what keeps failing, and finds out by one probe at a time whether it has recovered. The circuits belong to
 * this layer, one `Ref` per key around the pure machine of `internal/BreakerState.ts`.
 *
 * It is not `effect/persistence/CircuitBreaker`: probes hold a lease and lapse, outcomes are told apart by what they say
 * (a caller's mistake is neutral, a refused credential trips at once), keys are listed, and changes are events.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import * as Schema from "effect/Schema"
import * as Disposition from "./Disposition.ts"
import * as EventBus from "./EventBus.ts"
import * as Failure from "./Failure.ts"
import * as BreakerState from "./internal/BreakerState.ts"
import { hintMillis } from "./internal/hint.ts"
import { override, type Options } from "./internal/override.ts"
import { PositiveDuration } from "./internal/PositiveDuration.ts"
import * as Refusal from "./Refusal.ts"

export const Settings = Schema.Struct({
  /** Consecutive failures that open the circuit. */
  consecutiveFailures: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })),
  /** How long it stays open. */
  open: PositiveDuration,
  /** Growth of the open time each time a probe fails; 1 for none. */
  openGrowth: Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 10 })),
  /** Ceiling of the open time. A provider's hint may be longer. */
  openMax: PositiveDuration,
  /** Part of the open time that chance may take off (0 to 1), so that a fleet does not probe in step. */
  openJitter: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  /** A probe that has not reported by then loses its slot to the next caller, and its late result is void. */
  probeLease: PositiveDuration
}).check(
  Schema.makeFilter((settings) =>
    Duration.isLessThan(settings.openMax, settings.open)
      ? {
          path: ["openMax"],
          issue: `expected at least open (${Duration.format(settings.open)}), got ${Duration.format(settings.openMax)}`
        }
      : undefined
  )
)
export type Settings = typeof Settings.Type

export const defaults: Settings = {
  consecutiveFailures: 5,
  open: Duration.seconds(60),
  openGrowth: 2,
  openMax: Duration.minutes(2),
  openJitter: 0.2,
  probeLease: Duration.seconds(120)
}

/** The right to one call. Settle it exactly once, with the outcome. */
export interface Permit {
  readonly circuit: string
  readonly generation: number
}

/** Why a circuit is settled as it is. */
export interface Because {
  readonly reason: string
  /** The wait the provider named: it lengthens the open time, never shortens it. */
  readonly retryAfter?: Duration.Duration | undefined
}

/** What a circuit is doing, at the instant it was asked. */
export interface Snapshot {
  readonly circuit: string
  readonly state: "closed" | "open" | "half-open"
  /** Consecutive failures. */
  readonly failures: number
  /** Until the next call may go; zero when one may go now. */
  readonly retryAfter: Duration.Duration
}

export class CircuitBreaker extends Context.Service<
  CircuitBreaker,
  {
    /** Milliseconds until the circuit would admit a call, 0 when it would now. Changes nothing. */
    readonly waitMillis: (circuit: string) => Effect.Effect<number>
    /** Asks to make one call for `lane`. Fails with `CircuitOpen` and sends nothing. */
    readonly admit: (circuit: string, lane: string, settings: Settings) => Effect.Effect<Permit, Refusal.CircuitOpen>
    /**
     * Records how an admitted call ended, and says what that did to the circuit. A permit of an older generation changes
     * nothing.
     */
    readonly settle: (
      permit: Permit,
      outcome: BreakerState.Outcome,
      settings: Settings,
      because: Because
    ) => Effect.Effect<"opened" | "closed" | "unchanged">
    /** Subscribes to the circuit's next change of state; the inner effect waits for it, and misses none in between. */
    readonly nextChange: (circuit: string) => Effect.Effect<Effect.Effect<void>>
    /** Opens a circuit at once, whatever it counted: a refused credential, say. */
    readonly trip: (circuit: string, settings: Settings, because: Because) => Effect.Effect<void>
    readonly snapshot: (circuit: string) => Effect.Effect<Snapshot>
    /** Every circuit that has been used. */
    readonly list: Effect.Effect<ReadonlyArray<Snapshot>>
  }
>()("@holdfast/core/CircuitBreaker") {}

export const make: Effect.Effect<CircuitBreaker["Service"], never, EventBus.EventBus> = Effect.gen(function* () {
  const bus = yield* EventBus.EventBus
  const circuits = new Map<string, Ref.Ref<BreakerState.State>>()
  const changes = new Map<string, Deferred.Deferred<void>>()

  const refOf = (circuit: string): Ref.Ref<BreakerState.State> => {
    const known = circuits.get(circuit)
    if (known !== undefined) return known
    const made = Ref.makeUnsafe<BreakerState.State>(BreakerState.initial)
    circuits.set(circuit, made)
    return made
  }

  const announce = (
    circuit: string,
    before: BreakerState.State,
    after: BreakerState.State,
    reason: string,
    now: number
  ): Effect.Effect<void> => {
    wake(circuit)
    if (before._tag === after._tag) return Effect.void
    return bus.publish({
      _tag: "CircuitChanged",
      circuit,
      from: stateName[before._tag],
      to: stateName[after._tag],
      reason,
      failures: after.failures,
      ...(after._tag === "Open" ? { openMillis: after.until - now } : {})
    })
  }

  const wake = (circuit: string): void => {
    const change = changes.get(circuit)
    if (change === undefined) return
    changes.delete(circuit)
    Deferred.doneUnsafe(change, Exit.void)
  }

  const nextChange = (circuit: string) =>
    Effect.sync(() => {
      const change = changes.get(circuit) ?? Deferred.makeUnsafe<void>()
      changes.set(circuit, change)
      return Deferred.await(change)
    })

  const waitMillis = (circuit: string) =>
    Effect.clockWith((clock) => {
      const ref = circuits.get(circuit)
      if (ref === undefined) return Effect.succeed(0)
      return Effect.map(Ref.get(ref), (state) => BreakerState.waitMillis(state, clock.currentTimeMillisUnsafe()))
    })

  const admit = Effect.fnUntraced(function* (circuit: string, lane: string, settings: Settings) {
    const ref = refOf(circuit)
    const now = yield* Clock.currentTimeMillis
    const [generation, before, after] = yield* Ref.modify(ref, (state) => {
      const [generation, next] = BreakerState.admit(state, now, machineSettings(settings))
      return [[generation, state, next] as const, next]
    })
    if (generation === undefined) {
      const retryAfter = Duration.millis(BreakerState.waitMillis(after, now))
      return yield* new Refusal.CircuitOpen({ lane, circuit, retryAfter })
    }
    if (before !== after) yield* announce(circuit, before, after, "time to probe", now)
    return { circuit, generation }
  })

  const settle: CircuitBreaker["Service"]["settle"] = Effect.fnUntraced(function* (permit, outcome, settings, because) {
    const now = yield* Clock.currentTimeMillis
    const random = outcome === "failure" || outcome === "trip" ? yield* Random.next : 0
    const [before, after] = yield* Ref.modify(refOf(permit.circuit), (state) => {
      const settlement = {
        generation: permit.generation,
        outcome,
        hintMillis: hintMillis(because.retryAfter) ?? 0,
        random
      }
      const next = BreakerState.settle(state, settlement, now, machineSettings(settings))
      return [[state, next] as const, next]
    })
    if (before === after) return "unchanged"
    // Within the closed state only the count moved; everything else may let a waiting caller through.
    if (before._tag === "Closed" && after._tag === "Closed") return "unchanged"
    yield* announce(permit.circuit, before, after, because.reason, now)
    return before._tag === after._tag ? "unchanged" : after._tag === "Open" ? "opened" : "closed"
  })

  const trip: CircuitBreaker["Service"]["trip"] = (circuit, settings, because) =>
    Effect.flatMap(Ref.get(refOf(circuit)), (state) =>
      Effect.asVoid(settle({ circuit, generation: state.generation }, "trip", settings, because))
    )

  const snapshot = (circuit: string): Effect.Effect<Snapshot> =>
    Effect.clockWith((clock) =>
      Effect.map(Ref.get(circuits.get(circuit) ?? closedRef), (state) => ({
        circuit,
        state: stateName[state._tag],
        failures: state.failures,
        retryAfter: Duration.millis(BreakerState.waitMillis(state, clock.currentTimeMillisUnsafe()))
      }))
    )

  const list = Effect.suspend(() => Effect.forEach([...circuits.keys()].toSorted(), snapshot))

  return CircuitBreaker.of({ waitMillis, admit, settle, nextChange, trip, snapshot, list })
})

export const layer: Layer.Layer<CircuitBreaker, never, EventBus.EventBus> = Layer.effect(CircuitBreaker, make)

/** What a circuit is doing now. A circuit that was never used is closed. */
export const state = (circuit: string): Effect.Effect<Snapshot, never, CircuitBreaker> =>
  CircuitBreaker.use((breaker) => breaker.snapshot(circuit))

/**
 * Runs an effect if the circuit lets it through, and records how it ended: failures of the union by their disposition,
 * any other error as a failure. Interruption settles as neutral and frees a probe's slot.
 *
 * **Gotchas**
 *
 * Our own refusals pass through unrecorded, so a guard around a whole pipeline never opens because of an inner one.
 */
export const guard = (
  circuit: string,
  options: Options<Settings> = {}
): (<A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Refusal.CircuitOpen, R | CircuitBreaker>) => {
  const settings = override("CircuitBreaker", Settings, defaults, options)
  return (self) =>
    Effect.uninterruptibleMask((restore) =>
      CircuitBreaker.use((breaker) =>
        Effect.flatMap(breaker.admit(circuit, circuit, settings), (permit) =>
          Effect.flatMap(Effect.exit(restore(self)), (exit) =>
            Effect.andThen(breaker.settle(permit, outcomeOf(exit), settings, becauseOf(exit)), exit)
          )
        )
      )
    )
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): BreakerState.Outcome => {
  if (Exit.isSuccess(exit)) return "success"
  if (Cause.hasInterruptsOnly(exit.cause)) return "neutral"
  const error = Cause.squash(exit.cause)
  if (Refusal.isRefusal(error)) return "neutral"
  if (!Failure.isFailure(error)) return "failure"
  const { outcome } = Disposition.of(error)
  return outcome === "throttled" ? "neutral" : outcome
}

const becauseOf = (exit: Exit.Exit<unknown, unknown>) => {
  if (Exit.isSuccess(exit)) return { reason: "probe succeeded" }
  const error = Cause.squash(exit.cause)
  return Failure.isFailure(error) ? { reason: error._tag, retryAfter: error.retryAfter } : { reason: "failure" }
}

const stateName = { Closed: "closed", Open: "open", HalfOpen: "half-open" } as const
const closedRef = Ref.makeUnsafe<BreakerState.State>(BreakerState.initial)

const machines = new WeakMap<Settings, BreakerState.Settings>()

/** The settings in the machine's units, worked out once per settings value. */
const machineSettings = (settings: Settings): BreakerState.Settings => {
  const known = machines.get(settings)
  if (known !== undefined) return known
  const made: BreakerState.Settings = {
    consecutiveFailures: settings.consecutiveFailures,
    openMillis: Duration.toMillis(settings.open),
    openGrowth: settings.openGrowth,
    openMaxMillis: Duration.toMillis(settings.openMax),
    openJitter: settings.openJitter,
    probeMillis: Duration.toMillis(settings.probeLease)
  }
  machines.set(settings, made)
  return made
}
