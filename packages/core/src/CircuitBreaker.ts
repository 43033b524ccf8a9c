/**
 * Stops calling what keeps failing, and finds out by a few probes whether it has recovered. The circuits belong to this
 * layer, one `Ref` per key around the pure machine of `internal/BreakerState.ts`.
 *
 * It is not `effect/persistence/CircuitBreaker`: it has a time window, slow calls, several probes under leases, a ramp,
 * holds, a list of its keys, and outcomes that are told apart by what they say (a caller's mistake is neutral, a refused
 * credential trips at once). `EffectCircuitBreaker` gives it that module's interface.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Event from "./Event.ts"
import * as EventBus from "./EventBus.ts"
import * as BreakerState from "./internal/BreakerState.ts"
import { type Advice, type Circuit, type Fleet, type Mode, restored } from "./internal/Circuit.ts"
import { Circuits } from "./internal/Circuits.ts"
import * as breakerSettings from "./internal/breakerSettings.ts"
import { hintMillis } from "./internal/hint.ts"
import { override, type Options } from "./internal/override.ts"
import { askFirst } from "./internal/Probing.ts"
import * as SlidingWindow from "./internal/SlidingWindow.ts"
import { verdictOf } from "./internal/verdict.ts"
import type * as Refusal from "./Refusal.ts"

export const Settings = breakerSettings.Settings
export type Settings = breakerSettings.Settings
export const defaults: Settings = breakerSettings.defaults

/** How long circuits stay open by a schedule: the delays it gives out, at most 64; the last one holds for all further. */
export const openTimes = (
  schedule: Schedule.Schedule<unknown>
): Effect.Effect<readonly [Duration.Duration, ...Array<Duration.Duration>]> =>
  Effect.gen(function* () {
    const step = yield* Schedule.toStep(schedule)
    const times: Array<Duration.Duration> = []
    for (let now = 0; times.length < 64;) {
      const next = yield* step(now, undefined).pipe(
        Effect.map(([, delay]): Duration.Duration | undefined => delay),
        Pull.catchDone(() => Effect.void)
      )
      if (next === undefined) break
      times.push(next)
      now += Duration.toMillis(next)
    }
    const [first, ...rest] = times
    if (first === undefined) throw new RangeError("a schedule of open times must give at least one delay")
    return [first, ...rest]
  })

/** The right to one call. Settle it exactly once, with the outcome. */
export interface Permit {
  readonly circuit: string
  readonly permit: number
}

/** Why a circuit is settled as it is. */
export interface Because {
  readonly reason: string
  /** The wait the provider named: it lengthens the open time, never shortens it. */
  readonly retryAfter?: Duration.Duration | undefined
  /** The call took longer than it should have. Default false. */
  readonly isSlow?: boolean | undefined
}

/** What a person has decided about a circuit. */
export interface HoldSnapshot {
  readonly mode: Mode
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** What a circuit is doing, at the instant it was asked. */
export interface Snapshot {
  readonly circuit: string
  readonly state: "closed" | "open" | "half-open"
  /** Consecutive failures. */
  readonly failures: number
  /** Openings in a row without a healthy time in between. */
  readonly openings: number
  /** What opened it last, while it is open. */
  readonly reason?: Reason | undefined
  /** Until the next call may go by its own state, without the holds; zero when one may now. A second at most in a ramp. */
  readonly retryAfter: Duration.Duration
  /** Calls in its window, and how many of them failed and were slow. Empty where its settings watch neither rate. */
  readonly window: SlidingWindow.Rates
  /** The part of them that failed; absent without calls. */
  readonly failureRate?: number | undefined
  /** Calls it has refused so far. */
  readonly refused: number
  /** The holds on it; the strongest one decides. */
  readonly holds: ReadonlyArray<HoldSnapshot>
}

export class CircuitBreaker extends Context.Service<
  CircuitBreaker,
  {
    /** Milliseconds until the circuit would admit a call, 0 when it would now. Changes nothing. */
    readonly waitMillis: (circuit: string, settings?: Settings) => Effect.Effect<number>
    /** Asks to make one call for `lane`. Fails with `CircuitOpen` and sends nothing. */
    readonly admit: (circuit: string, lane: string, settings: Settings) => Effect.Effect<Permit, Refusal.CircuitOpen>
    /** The refusal a call would meet now. Fails with it; asks for nothing and counts as refused. */
    readonly refuse: (circuit: string, lane: string, settings: Settings) => Effect.Effect<never, Refusal.CircuitOpen>
    /**
     * Records how an admitted call ended, and says what that did to the circuit. A permit that no longer holds changes
     * nothing.
     */
    readonly settle: (
      permit: Permit,
      outcome: BreakerState.Outcome,
      settings: Settings,
      because: Because
    ) => Effect.Effect<"opened" | "closed" | "unchanged">
    /** Opens a circuit at once, whatever it counted: a refused credential, say. */
    readonly trip: (circuit: string, settings: Settings, because: Because) => Effect.Effect<void>
    /** Subscribes to the circuit's next change; the inner effect waits for it, and misses none in between. */
    readonly nextChange: (circuit: string) => Effect.Effect<Effect.Effect<void>>
    /**
     * Puts a hold on a circuit, whatever its traffic, until the answer is run; running it twice does nothing more. Holds
     * add up: a circuit is free when the last one is gone.
     */
    readonly hold: (circuit: string, mode: Mode, reason: string) => Effect.Effect<Effect.Effect<void>>
    readonly snapshot: (circuit: string) => Effect.Effect<Snapshot>
    /** Every circuit that is known. */
    readonly list: Effect.Effect<ReadonlyArray<Snapshot>>
    /** What has to be written down to go on after a restart: the circuits that are not simply closed. */
    readonly persisted: Effect.Effect<ReadonlyArray<Persisted>>
    /** Takes up what was written down. A circuit that was half-open probes at once; its step of the open time is kept. */
    readonly restore: (persisted: ReadonlyArray<Persisted>) => Effect.Effect<void>
    /** Changes of state from now on. */
    readonly transitions: Stream.Stream<CircuitChanged>
    /**
     * Follows another instance's advice about a circuit as far as what is known here allows; true when it changed
     * something. Advice about a circuit that is unknown here is dropped when there are too many.
     */
    readonly advise: (circuit: string, advice: Advice) => Effect.Effect<boolean>
    /**
     * Tells the other instances of every change, and has every probe ask them for leave first, until the scope closes.
     * Dies if that is done already.
     */
    readonly share: (fleet: Fleet) => Effect.Effect<void, never, Scope.Scope>
    /** The circuit itself, for code that cannot wait. A pinned one is never forgotten; do not keep any other. */
    readonly circuitUnsafe: (circuit: string, settings: Settings, pinned?: boolean) => Circuit
  }
>()("@holdfast/core/CircuitBreaker") {}

/**
 * What opened a circuit: failures in a row, the failure rate, slow calls, a failure that trips at once, probes that failed,
 * or the advice of another instance.
 */
export const Reason = Schema.Literals(["consecutive", "rate", "slow", "trip", "probe", "advice"])
export type Reason = typeof Reason.Type

/** An open or half-open circuit as it is written down. */
export const Persisted = Schema.Struct({
  circuit: Schema.String,
  failures: Schema.Int,
  openings: Schema.Int,
  /** When a probe may go, in milliseconds since the epoch. */
  until: Schema.Finite,
  /** What opened it, where that is known. */
  reason: Schema.optionalKey(Reason)
})
export type Persisted = typeof Persisted.Type

export type CircuitChanged = Extract<Event.Event, { readonly _tag: "CircuitChanged" }>

export interface MakeOptions {
  /** Circuits that are remembered at once. Idle ones make room; open, half-open, held and lanes' own ones never do. Default 10,000. */
  readonly maxCircuits?: number | undefined
  /** How long a circuit is remembered that nobody asks for. Default 1 hour. */
  readonly idleTimeToLive?: Duration.Input | undefined
}

export const make = (options: MakeOptions = {}): Effect.Effect<CircuitBreaker["Service"], never, EventBus.EventBus> =>
  Effect.gen(function* () {
    const bus = yield* EventBus.EventBus
    const maxCircuits = options.maxCircuits ?? 10_000
    if (!Number.isInteger(maxCircuits) || maxCircuits < 1) {
      throw new RangeError(`maxCircuits must be a whole number of at least 1, got ${maxCircuits}`)
    }
    const idleMillis = Duration.toMillis(Duration.fromInputUnsafe(options.idleTimeToLive ?? "1 hour"))
    if (!(idleMillis > 0)) throw new RangeError(`idleTimeToLive must be above zero, got ${idleMillis} ms`)

    const announce = (circuit: Circuit, before: BreakerState.State, after: BreakerState.State, now: number): void =>
      bus.publishUnsafe(now, {
        _tag: "CircuitChanged",
        circuit: circuit.key,
        from: stateName[before._tag],
        to: stateName[after._tag],
        reason: reasonOf(after, circuit.because),
        failures: after.failures,
        ...(after._tag === "Open" ? { openMillis: Math.max(0, after.until - now), openings: after.openings } : {}),
        ...(circuit.mode === "observe" ? { observed: true } : {}),
        ...(circuit.advisedBy === undefined ? {} : { advisedBy: circuit.advisedBy })
      })

    const fleet: { current: Fleet | undefined } = { current: undefined }
    const circuits = new Circuits({ max: maxCircuits, idleMillis, listener: announce, fleet })

    const waitMillis = (key: string, settings: Settings = defaults) =>
      Effect.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const wait = circuits.known(key, now)?.waitMillis(now, breakerSettings.machine(settings)) ?? 0
        return Effect.succeed(Math.max(0, wait))
      })

    const admit = (
      key: string,
      lane: string,
      settings: Settings,
      hasAsked = false
    ): Effect.Effect<Permit, Refusal.CircuitOpen> =>
      Effect.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const circuit = circuits.use(key, settings, now)
        const machine = breakerSettings.machine(settings)
        if (!hasAsked && circuit.waitMillis(now, machine) === askFirst) {
          return Effect.andThen(circuit.askLeave(machine), admit(key, lane, settings, true))
        }
        const permit = circuit.admit(now, machine)
        return permit === undefined
          ? Effect.fail(circuit.refusal(lane, now, machine))
          : Effect.succeed({ circuit: key, permit })
      })

    const refuse = (key: string, lane: string, settings: Settings): Effect.Effect<never, Refusal.CircuitOpen> =>
      Effect.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        return Effect.fail(circuits.use(key, settings, now).refuse(lane, now, breakerSettings.machine(settings)))
      })

    const settle: CircuitBreaker["Service"]["settle"] = (permit, outcome, settings, because) =>
      Effect.withFiber((fiber) => {
        const circuit = circuits.get(permit.circuit)
        if (circuit === undefined) return Effect.succeed("unchanged")
        const before = circuit.state._tag
        circuit.settle(
          permit.permit,
          outcome,
          because.isSlow ?? false,
          because.reason,
          hintMillis(because.retryAfter) ?? 0,
          fiber.getRef(Random.Random),
          fiber.getRef(Clock.Clock).currentTimeMillisUnsafe(),
          breakerSettings.machine(settings)
        )
        const after = circuit.state._tag
        return Effect.succeed(before === after ? "unchanged" : after === "Open" ? "opened" : "closed")
      })

    const trip: CircuitBreaker["Service"]["trip"] = (key, settings, because) =>
      Effect.clockWith((clock) => {
        const circuit = circuits.use(key, settings, clock.currentTimeMillisUnsafe())
        // Only a closed circuit can be tripped from outside: an open one is open, and a probe decides for itself.
        return circuit.state._tag === "Closed"
          ? Effect.asVoid(
              settle({ circuit: key, permit: BreakerState.permitsFrom(circuit.state) }, "trip", settings, because)
            )
          : Effect.void
      })

    const hold: CircuitBreaker["Service"]["hold"] = (key, mode, reason) =>
      Effect.clockWith((clock) => {
        const since = clock.currentTimeMillisUnsafe()
        const circuit = circuits.name(key, since)
        const release = circuit.hold({ mode, reason, since })
        // Nothing comes between holding it and having the means to let go.
        const say = (held: boolean, now: number): void =>
          bus.publishUnsafe(now, { _tag: "CircuitHeld", circuit: key, mode, reason, held, holds: circuit.holds.length })
        say(true, since)
        return Effect.succeed(
          Effect.clockWith((later) =>
            Effect.sync(() => {
              if (release()) say(false, later.currentTimeMillisUnsafe())
            })
          )
        )
      })

    const snapshot = (key: string): Effect.Effect<Snapshot> =>
      Effect.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        return Effect.succeed(snapshotOf(key, circuits.known(key, now), now))
      })

    const persisted = Effect.clockWith((clock) =>
      Effect.sync(() => {
        const now = clock.currentTimeMillisUnsafe()
        return circuits.all(now).flatMap((circuit): ReadonlyArray<Persisted> => {
          const { key, state } = circuit
          if (state._tag === "Closed") return []
          const { failures, openings } = state
          const base = { circuit: key, failures, openings }
          return state._tag === "Open"
            ? [{ ...base, until: now + circuit.ownWaitMillis(now), reason: state.reason }]
            : [{ ...base, until: now }]
        })
      })
    )

    const restore = (states: ReadonlyArray<Persisted>) =>
      Effect.clockWith((clock) =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          for (const { circuit: key, failures, openings, reason = "probe", until } of states) {
            const circuit = circuits.name(key, now)
            const { generation, probesIssued } = circuit.state
            circuit.restore(
              {
                _tag: "Open",
                generation: generation + 1,
                failures,
                openings: Math.max(1, openings),
                probesIssued,
                reason,
                until
              },
              now
            )
          }
        })
      )

    const advise = (key: string, advice: Advice) =>
      Effect.clockWith((clock) => {
        const now = clock.currentTimeMillisUnsafe()
        const known = circuits.known(key, now)
        const circuit = known ?? (advice._tag === "Opened" && circuits.hasRoom ? circuits.name(key, now) : undefined)
        return Effect.succeed(circuit?.advise(advice, now) ?? false)
      })

    const share = (other: Fleet) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.suspend(() => {
            if (fleet.current !== undefined) return Effect.die(new Error("the circuits are shared already"))
            fleet.current = other
            return Effect.void
          }),
          () =>
            Effect.sync(() => {
              fleet.current = undefined
            })
        )
      )

    return CircuitBreaker.of({
      persisted,
      restore,
      waitMillis,
      admit: (key, lane, settings) => admit(key, lane, settings),
      refuse,
      settle,
      trip,
      hold,
      snapshot,
      advise,
      share,
      circuitUnsafe: (key, settings, pinned = false) => {
        const circuit = circuits.use(key, settings)
        if (pinned) circuit.pinned = true
        return circuit
      },
      nextChange: (key) =>
        Effect.clockWith((clock) =>
          Effect.sync(() => circuits.name(key, clock.currentTimeMillisUnsafe()).nextChange())
        ),
      list: Effect.clockWith((clock) =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          return circuits.all(now).map((circuit) => snapshotOf(circuit.key, circuit, now))
        })
      ),
      transitions: Stream.unwrap(
        Effect.map(bus.subscribe(), ({ stream }) =>
          Stream.filter(stream, (event): event is CircuitChanged => event._tag === "CircuitChanged")
        )
      )
    })
  })

/** Circuits of this process, with room for ten thousand. */
export const layer: Layer.Layer<CircuitBreaker, never, EventBus.EventBus> = Layer.effect(CircuitBreaker, make())

/** What a circuit is doing now. A circuit that was never used is closed. */
export const state = (circuit: string): Effect.Effect<Snapshot, never, CircuitBreaker> =>
  CircuitBreaker.use((breaker) => breaker.snapshot(circuit))

/** Puts a hold on a circuit for as long as the scope is open. */
export const holdScoped = (
  circuit: string,
  mode: Mode,
  reason: string
): Effect.Effect<void, never, CircuitBreaker | Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      CircuitBreaker.use((breaker) => breaker.hold(circuit, mode, reason)),
      (release) => release
    )
  )

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
  const slowMillis = settings.slowCall === undefined ? undefined : Duration.toMillis(settings.slowCall)
  return (self) =>
    Effect.uninterruptibleMask((restore) =>
      CircuitBreaker.use((breaker) =>
        Effect.flatMap(breaker.admit(circuit, circuit, settings), (permit) =>
          Effect.flatMap(Clock.currentTimeMillis, (startedAt) =>
            Effect.flatMap(Effect.exit(restore(self)), (exit) =>
              Effect.flatMap(Clock.currentTimeMillis, (endedAt) => {
                const isSlow = slowMillis !== undefined && endedAt - startedAt > slowMillis
                const { outcome, reason, retryAfter } = verdictOf(exit)
                return Effect.andThen(breaker.settle(permit, outcome, settings, { reason, retryAfter, isSlow }), exit)
              })
            )
          )
        )
      )
    )
}

/** Why a circuit has changed to this state, in a few words; `because`: the result that opened it, or that it was restored. */
const reasonOf = (after: BreakerState.State, because: string): string => {
  switch (after._tag) {
    case "Open":
      return because === restored ? because : `${openedBy[after.reason]}${because}`
    case "HalfOpen":
      return "time to probe"
    case "Closed":
      return "probe succeeded"
  }
}

/** What is said before the last result, where that alone does not say why it opened. */
const openedBy: { readonly [One in Reason]: string } = {
  consecutive: "",
  trip: "",
  probe: "",
  rate: "failure rate, last: ",
  slow: "slow calls, last: ",
  advice: "another instance: "
}

const stateName = { Closed: "closed", Open: "open", HalfOpen: "half-open" } as const

const snapshotOf = (key: string, circuit: Circuit | undefined, now: number): Snapshot => {
  if (circuit === undefined) {
    return {
      circuit: key,
      state: "closed",
      failures: 0,
      openings: 0,
      retryAfter: Duration.zero,
      window: { calls: 0, failures: 0, slow: 0 },
      refused: 0,
      holds: []
    }
  }
  const { state, window } = circuit
  const rates = SlidingWindow.rates(window, now)
  return {
    circuit: key,
    state: stateName[state._tag],
    failures: state.failures,
    openings: BreakerState.openingsOf(state, now),
    ...(state._tag === "Open" ? { reason: state.reason } : {}),
    retryAfter: Duration.millis(circuit.ownWaitMillis(now)),
    window: rates,
    failureRate: SlidingWindow.failureRate(rates, 1),
    refused: circuit.refused,
    holds: circuit.holds
  }
}
