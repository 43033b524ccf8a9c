/**
 * One circuit: the pure machine in a `Ref`, its window of recent results, and the holds that people put on it. Everything
 * here is synchronous, so that nothing can come between looking and taking; services put effects around it. It belongs to
 * the `Circuits` that made it.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Ref from "effect/Ref"
import * as Refusal from "../Refusal.ts"
import * as BreakerState from "./BreakerState.ts"
import { Probing } from "./Probing.ts"
import * as Runs from "./Runs.ts"
import type * as SlidingWindow from "./SlidingWindow.ts"
import { stackless } from "./stackless.ts"

/**
 * What a person has decided about a circuit: `force-open` refuses everything, `force-closed` admits everything and learns
 * nothing, `observe` learns and announces, but refuses nothing.
 */
export type Mode = "force-open" | "force-closed" | "observe"

export interface Hold {
  readonly mode: Mode
  readonly reason: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** A permit that no result is recorded under: the call was let through past the machine. */
export const voidPermit = 0

/** Why a circuit has changed whose state was taken from what was written down. */
export const restored = "restored"

/** The other instances that share their circuits, as one circuit sees them. */
export interface Fleet {
  /** Asks for leave to probe. Ends, soon in any case, when the circuit has been told the answer. */
  readonly askLeave: (circuit: Circuit, probeMillis: number) => Effect.Effect<void>
  /** The probe under the fleet's lease is over. Whatever it changed has been told before. */
  readonly giveBack: (circuit: Circuit, token: string) => void
  /** Told of every change of state that this instance has come to by itself. */
  readonly changed: (circuit: Circuit, before: BreakerState.State, now: number) => void
}

/** What another instance says about its own circuit of the same name. */
export type Advice =
  | {
      readonly _tag: "Opened"
      /** The instance. */
      readonly by: string
      readonly millis: number
      /** It was closed before; otherwise it is a probe that has failed again. */
      readonly isFresh: boolean
      readonly reason: string
    }
  | { readonly _tag: "Closed"; readonly by: string }
  | { readonly _tag: "Released" }

const alone = { current: undefined }

/** More openings than any open time is still growing at. */
const manyOpenings = 64

/** Told of every change of state, with why. */
export type Listener = (circuit: Circuit, before: BreakerState.State, after: BreakerState.State, now: number) => void

/** A call that is refused, as what it ends with. */
export type Refused = Exit.Exit<never, Refusal.CircuitOpen>

interface LastRefusal {
  readonly lane: string
  readonly now: number
  readonly error: Refusal.CircuitOpen
  readonly exit: Refused
}

export class Circuit {
  readonly key: string
  readonly ref: Ref.Ref<BreakerState.State>
  readonly listener: Listener
  window: SlidingWindow.SlidingWindow
  readonly runs = Runs.make()
  /** The settings it was last used with. */
  settings: BreakerState.Settings
  /** Nobody has asked for it with settings yet: what it has are the default ones. */
  isProvisional: boolean
  /** Pinned circuits belong to a lane and are never forgotten. */
  pinned = false
  /** Calls refused so far. */
  refused = 0
  /** What the permits begin from of those who ask while nothing has to be looked at: closed, no ramp, no hold. Else `voidPermit`. */
  freePermit: number
  /** When somebody last asked for it or told it something, in milliseconds since the epoch. */
  usedAt: number
  /** The last result that changed something, or `restored`, for whoever is told of the change. */
  because = ""
  /** The instance whose advice is being followed, for whoever is told of the change. */
  advisedBy: string | undefined
  /** Where several instances share the circuits: what is known of the fleet's probe. */
  readonly probing = new Probing()
  readonly #fleet: { readonly current: Fleet | undefined }
  readonly #bornAt: number
  holds: ReadonlyArray<Hold> = []
  #mode: Mode | undefined
  #change: Deferred.Deferred<void> | undefined
  #verdict: Deferred.Deferred<void> | undefined
  #refusal: LastRefusal | undefined

  constructor(options: {
    readonly key: string
    readonly state: BreakerState.State
    readonly settings: BreakerState.Settings
    readonly window: SlidingWindow.SlidingWindow
    readonly isProvisional: boolean
    readonly now: number
    readonly listener: Listener
    readonly fleet?: { readonly current: Fleet | undefined } | undefined
  }) {
    this.key = options.key
    this.ref = Ref.makeUnsafe(options.state)
    this.settings = options.settings
    this.window = options.window
    this.isProvisional = options.isProvisional
    this.usedAt = options.now
    this.listener = options.listener
    this.#fleet = options.fleet ?? alone
    this.#bornAt = options.state.probesIssued
    this.freePermit = this.#freePermit(options.state)
  }

  #freePermit(state: BreakerState.State): number {
    return this.#mode === undefined && isQuiet(state) ? BreakerState.permitsFrom(state) : voidPermit
  }

  get state(): BreakerState.State {
    return Ref.getUnsafe(this.ref)
  }

  /** The strongest hold: a forced state outranks observing, and open outranks closed. */
  get mode(): Mode | undefined {
    return this.#mode
  }

  /** Takes over the settings of its first user. */
  adopt(settings: BreakerState.Settings, window: SlidingWindow.SlidingWindow): void {
    this.settings = settings
    this.window = window
    this.isProvisional = false
  }

  /** Whether nothing would be lost with it but counts. */
  get isForgettable(): boolean {
    return !this.pinned && this.holds.length === 0 && this.state._tag === "Closed"
  }

  /**
   * Milliseconds until a call may be admitted, 0 when one may be now; infinite while it is forced open, `askFirst` when a
   * probe may go once it has asked the fleet.
   */
  waitMillis(now: number, settings: BreakerState.Settings): number {
    if (this.freePermit !== voidPermit) return 0
    if (this.#mode !== undefined) return this.#mode === "force-open" ? Number.POSITIVE_INFINITY : 0
    return this.#waitMillis(this.#stateAt(now), now, settings)
  }

  #waitMillis(state: BreakerState.State, now: number, settings: BreakerState.Settings): number {
    const own = BreakerState.waitMillis(state, now, settings)
    if (own > 0 || state._tag === "Closed" || this.#fleet.current === undefined) return own
    return this.probing.waitMillis(now)
  }

  /** The same without the holds, by the settings it was last used with. */
  ownWaitMillis(now: number): number {
    return BreakerState.waitMillis(this.#stateAt(now), now, this.settings)
  }

  /** Asks to make one call: a permit, or `undefined` when it is refused. */
  admit(now: number, settings: BreakerState.Settings): number | undefined {
    this.settings = settings
    if (this.freePermit !== voidPermit) {
      this.usedAt = now
      return this.freePermit + Runs.send(this.runs)
    }
    const before = this.#use(now)
    if (this.#mode === "force-closed") return voidPermit
    if (
      this.#mode === "observe"
        ? BreakerState.waitMillis(before, now, settings) > 0
        : this.#mode === "force-open" || this.#waitMillis(before, now, settings) !== 0
    ) {
      if (this.#mode === "observe") {
        this.#become(BreakerState.refuse(before, now), now)
        return voidPermit
      }
      this.#refuse(before, now)
      return undefined
    }
    const after = BreakerState.admit(before, now, settings)
    this.#become(after, now)
    const permit = BreakerState.permitOf(after, this.runs)
    if (after._tag === "HalfOpen") this.probing.begin(permit, now + settings.probeMillis)
    return permit
  }

  /** Asks the fleet for leave to probe, where `waitMillis` says `askFirst`. */
  askLeave(settings: BreakerState.Settings): Effect.Effect<void> {
    return this.#fleet.current?.askLeave(this, settings.probeMillis) ?? Effect.void
  }

  /** The answer: a probe may go, if it goes before `until`. */
  granted(token: string, until: number): void {
    this.probing.grant(token, until)
  }

  /** The answer: another instance probes, until then at most. */
  denied(now: number, until: number): void {
    this.#refusal = undefined
    this.probing.deny(now, until)
  }

  /** Whether the next step of the circuit depends on a probe that is under way, here or elsewhere. */
  isProbed(now: number): boolean {
    return this.state._tag === "HalfOpen" || (this.state._tag === "Open" && this.probing.isElsewhere(now))
  }

  /**
   * Follows another instance's advice as far as what is known here allows. True when it changed something.
   *
   * What a person holds is not changed. An opening opens a closed circuit, and keeps an open one open, for no longer than
   * its own settings would; it never shortens. That somebody's probe has failed again does not speak against a circuit
   * that has recovered by a probe of its own. A closing does not close: it lets one call go at once, to see for itself.
   */
  advise(advice: Advice, now: number): boolean {
    this.probing.settleElsewhere(advice._tag === "Closed")
    this.#refusal = undefined
    const before = this.#use(now)
    const isForced = this.#mode === "force-open" || this.#mode === "force-closed"
    const after = isForced ? before : this.#advised(before, advice, now)
    if (after === before) {
      if (before._tag !== "Closed") this.#wake()
      return false
    }
    if (advice._tag !== "Released") this.advisedBy = advice.by
    if (advice._tag === "Opened") this.because = advice.reason
    this.#become(after, now)
    this.advisedBy = undefined
    return true
  }

  #advised(state: BreakerState.State, advice: Advice, now: number): BreakerState.State {
    switch (advice._tag) {
      case "Released":
        return state
      case "Closed":
        return BreakerState.probeFrom(state, now)
      case "Opened": {
        const hasRecovered = state._tag === "Closed" && state.probesIssued > this.#bornAt
        if (hasRecovered && !advice.isFresh) return state
        return BreakerState.openUntil(state, now + Math.min(advice.millis, this.settings.openMillis(manyOpenings)), now)
      }
    }
  }

  /** Turns away a call that has not asked, because `waitMillis` said that it would be refused. */
  refuse(lane: string, now: number, settings: BreakerState.Settings): Refusal.CircuitOpen {
    this.#refuse(this.#use(now), now)
    return this.refusal(lane, now, settings)
  }

  /** The same as what the call ends with. */
  turnAway(lane: string, now: number, settings: BreakerState.Settings): Refused {
    this.#refuse(this.#use(now), now)
    return this.#refusalOf(lane, now, settings).exit
  }

  /** Records how the call under a permit ended. `random` is drawn only when the circuit opens or may. */
  settle(
    permit: number,
    outcome: BreakerState.Outcome,
    isSlow: boolean,
    because: string,
    hintMillis: number,
    random: { nextDoubleUnsafe(): number },
    now: number,
    settings: BreakerState.Settings
  ): void {
    if (permit === voidPermit) return
    const before = this.#use(now)
    // Forced closed it learns nothing, but a probe from before gives its slot back.
    const learned = this.#mode === "force-closed" ? "neutral" : outcome
    const draw = learned === "failure" || learned === "trip" || isSlow ? random.nextDoubleUnsafe() : 0
    const after = BreakerState.settle(
      before,
      this,
      permit,
      learned,
      isSlow,
      draw === 0 && hintMillis === 0 ? quiet : { hintMillis, random: draw },
      now,
      settings
    )
    if (before !== after) {
      this.because = because
      this.#become(after, now)
    }
    if (permit < 0) this.#giveBack(permit)
  }

  /** A probe is over; the fleet hears of it after it has heard what it changed. */
  #giveBack(permit: number): void {
    const token = this.probing.end(permit)
    if (token !== undefined) this.#fleet.current?.giveBack(this, token)
  }

  /** The refusal of this instant. One value serves all who ask in the same millisecond: a storm of refusals costs little. */
  refusal(lane: string, now: number, settings: BreakerState.Settings): Refusal.CircuitOpen {
    return this.#refusalOf(lane, now, settings).error
  }

  #refusalOf(lane: string, now: number, settings: BreakerState.Settings): LastRefusal {
    const known = this.#refusal
    if (known !== undefined && known.now === now && known.lane === lane) return known
    const wait = Math.max(0, this.waitMillis(now, settings))
    const error = stackless(
      () =>
        new Refusal.CircuitOpen({
          lane,
          circuit: this.key,
          // Nobody knows when a person will let go of it.
          retryAfter: Number.isFinite(wait) ? Duration.millis(wait) : undefined,
          held: this.holds.find((hold) => hold.mode === "force-open")?.reason
        })
    )
    const made: LastRefusal = { lane, now, error, exit: Exit.fail(error) }
    this.#refusal = made
    return made
  }

  /** Takes up a state that was written down; whatever it was doing before is void. */
  restore(state: BreakerState.State, now: number): void {
    this.#use(now)
    this.because = restored
    this.#become(state, now)
  }

  /** Subscribes to the next change of state or of the holds. */
  nextChange(): Effect.Effect<void> {
    this.#change ??= Deferred.makeUnsafe<void>()
    return Deferred.await(this.#change)
  }

  /**
   * The same for those who wait to be let through: a change that only says that somebody else has gone to probe is none to
   * them.
   */
  nextVerdict(): Effect.Effect<void> {
    this.#verdict ??= Deferred.makeUnsafe<void>()
    return Deferred.await(this.#verdict)
  }

  /** Nobody will change it any more: whoever waits for that looks again. */
  forgotten(): void {
    this.#wake()
  }

  /** Adds a hold; the answer takes it away again, once. */
  hold(hold: Hold): () => boolean {
    this.#holdsAre([...this.holds, hold])
    return () => {
      if (!this.holds.includes(hold)) return false
      this.#holdsAre(this.holds.filter((one) => one !== hold))
      return true
    }
  }

  /** Somebody has asked or told; the state at that instant. */
  #use(now: number): BreakerState.State {
    const state = this.#stateAt(now)
    if (state !== this.state) {
      this.#be(state)
      this.#refusal = undefined
    }
    this.usedAt = now
    return state
  }

  /** A clock that was set back takes every deadline with it: nothing that is due in a minute becomes due in an hour. */
  #stateAt(now: number): BreakerState.State {
    return now < this.usedAt ? BreakerState.shift(this.state, now - this.usedAt) : this.state
  }

  /** Held open it refuses all alike, and nothing adds up for the time after. */
  #refuse(before: BreakerState.State, now: number): void {
    this.refused += 1
    if (this.#mode === undefined) this.#become(BreakerState.refuse(before, now), now)
  }

  #holdsAre(holds: ReadonlyArray<Hold>): void {
    this.holds = holds
    this.#mode = (["force-open", "force-closed", "observe"] as const).find((mode) =>
      holds.some((one) => one.mode === mode)
    )
    this.freePermit = this.#freePermit(this.state)
    this.#refusal = undefined
    this.#wake()
  }

  #be(state: BreakerState.State): void {
    this.ref.ref.current = state
    this.freePermit = this.#freePermit(state)
  }

  #become(after: BreakerState.State, now: number): void {
    const before = this.state
    if (before === after) return
    this.#be(after)
    // Within the closed state only counts move; everything else may let a waiting caller through.
    if (before._tag === "Closed" && after._tag === "Closed") return
    this.#refusal = undefined
    this.#wake(after._tag === "HalfOpen" && BreakerState.waitMillis(after, now, this.settings) > 0)
    if (before._tag === after._tag) return
    this.listener(this, before, after, now)
    if (this.advisedBy === undefined) this.#fleet.current?.changed(this, before, now)
  }

  #wake(isProbing = false): void {
    const change = this.#change
    const verdict = isProbing ? undefined : this.#verdict
    this.#change = undefined
    if (verdict !== undefined) this.#verdict = undefined
    if (change !== undefined) Deferred.doneUnsafe(change, Effect.void)
    if (verdict !== undefined) Deferred.doneUnsafe(verdict, Effect.void)
  }
}

/** Nearly always: it is closed, and nothing about it depends on the time. */
const isQuiet = (state: BreakerState.State): boolean => state._tag === "Closed" && state.ramp === undefined

const quiet: BreakerState.Settlement = { hintMillis: 0, random: 0 }
