/**
 * The circuits of one service by their keys. There are only so many: those that nobody asks for are forgotten, but never
 * one that says something (it is open, half-open, held) or that belongs to a lane. Synchronous, owned by one service.
 */
import * as BreakerState from "./BreakerState.ts"
import * as breakerSettings from "./breakerSettings.ts"
import { Circuit, type Fleet, type Listener } from "./Circuit.ts"
import * as SlidingWindow from "./SlidingWindow.ts"

export interface Options {
  /** Circuits that are remembered at once. */
  readonly max: number
  /** How long a circuit is remembered that nobody asks for. */
  readonly idleMillis: number
  readonly listener: Listener
  /** The other instances that share their circuits, where there are any. */
  readonly fleet?: { readonly current: Fleet | undefined } | undefined
}

/** The part of them that makes room when there are too many: often enough a few, so that looking for them costs little. */
const evicted = 1 / 16

export class Circuits {
  readonly #options: Options
  readonly #byKey = new Map<string, Circuit>()
  /** A permit of a circuit that is forgotten must mean nothing to one that gets its key later. */
  #epoch = 0
  #sweptAt = Number.NEGATIVE_INFINITY
  /** The last instant at which anybody looked, for those who do not know what time it is. */
  #now = 0

  constructor(options: Options) {
    this.#options = options
  }

  /** The circuit as it is, also when it is due to be forgotten: a call that began under it may still report. */
  get(key: string): Circuit | undefined {
    return this.#byKey.get(key)
  }

  /** The circuit, unless nobody has asked for it for too long. */
  known(key: string, now: number): Circuit | undefined {
    this.#now = now
    const circuit = this.#byKey.get(key)
    return circuit === undefined || this.#isIdle(circuit, now) ? undefined : circuit
  }

  /** The circuit for whoever uses it with these settings; a new one takes its window from them. */
  use(key: string, settings: breakerSettings.Settings, now = this.#now): Circuit {
    const circuit = this.known(key, now)
    if (circuit === undefined) return this.#add(key, settings, false, now)
    if (circuit.isProvisional) circuit.adopt(breakerSettings.machine(settings), windowOf(settings))
    return circuit
  }

  /** The circuit for somebody who knows nothing but its key; whoever uses it first brings the settings. */
  name(key: string, now: number): Circuit {
    return this.known(key, now) ?? this.#add(key, breakerSettings.defaults, true, now)
  }

  /** Whether there is room for one more without forgetting any. */
  get hasRoom(): boolean {
    return this.#byKey.size < this.#options.max
  }

  /** All that are remembered, in the order of their keys. */
  all(now: number): ReadonlyArray<Circuit> {
    this.#sweep(now)
    return [...this.#byKey.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  }

  #add(key: string, settings: breakerSettings.Settings, isProvisional: boolean, now: number): Circuit {
    const { fleet, idleMillis, listener, max } = this.#options
    const old = this.#byKey.get(key)
    if (old !== undefined) this.#forget(old)
    if (this.#byKey.size >= max || now - this.#sweptAt >= idleMillis) this.#sweep(now)
    if (this.#byKey.size >= max) this.#makeRoom()
    const circuit = new Circuit({
      key,
      state: BreakerState.born(this.#epoch),
      settings: breakerSettings.machine(settings),
      window: windowOf(settings),
      isProvisional,
      now,
      listener,
      fleet
    })
    this.#byKey.set(key, circuit)
    return circuit
  }

  #isIdle(circuit: Circuit, now: number): boolean {
    return now - circuit.usedAt >= this.#options.idleMillis && circuit.isForgettable
  }

  #sweep(now: number): void {
    this.#sweptAt = now
    for (const circuit of this.#byKey.values()) if (this.#isIdle(circuit, now)) this.#forget(circuit)
  }

  /** Forgets those that were used longest ago, of those that may be forgotten. */
  #makeRoom(): void {
    const { max } = this.#options
    const oldest = [...this.#byKey.values()]
      .filter((circuit) => circuit.isForgettable)
      .toSorted((a, b) => a.usedAt - b.usedAt)
    for (const circuit of oldest.slice(0, this.#byKey.size - max + Math.ceil(max * evicted))) this.#forget(circuit)
  }

  #forget(circuit: Circuit): void {
    this.#epoch = Math.max(this.#epoch, BreakerState.epochOf(circuit.state))
    this.#byKey.delete(circuit.key)
    circuit.forgotten()
  }
}

const windowOf = (settings: breakerSettings.Settings): SlidingWindow.SlidingWindow =>
  SlidingWindow.make(breakerSettings.windowOf(settings))
