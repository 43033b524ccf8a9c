/**
 * Fibers and a clock that only move when they are told to, within one turn of the event loop: ten thousand short lives take
 * seconds, and a test may choose what falls into the same instant.
 */
import { Cause, Clock, Context, Duration, Effect, Exit, type Fiber, Scheduler } from "effect"

interface Timer {
  readonly at: number
  readonly wake: () => void
}

class Watched extends Scheduler.MixedScheduler {
  readonly #world: HandDriven
  constructor(world: HandDriven, soon: (task: () => void) => void) {
    super("sync", (task) => {
      soon(task)
      return () => {}
    })
    this.#world = world
  }
  // Asked before every step of a fiber.
  override shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    this.#world.onStep?.(fiber)
    return super.shouldYield(fiber)
  }
}

export class HandDriven {
  now: number
  /** Told of every step before a fiber takes it. */
  onStep: ((fiber: Fiber.Fiber<unknown, unknown>) => void) | undefined
  #timers: Array<Timer> = []
  readonly #tasks: Array<() => void> = []
  readonly #run: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>

  constructor(now = 1_770_000_000_000) {
    this.now = now
    const nanos = () => BigInt(this.now) * 1_000_000n
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: () => this.now,
      currentTimeMillis: Effect.sync(() => this.now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback<void>((resume) =>
          Effect.sync(this.after(Duration.toMillis(duration), () => resume(Effect.void)))
        )
    }
    const scheduler = new Watched(this, (task) => this.soon(task))
    this.#run = Effect.runForkWith(Context.make(Clock.Clock, clock).pipe(Context.add(Scheduler.Scheduler, scheduler)))
  }

  /** Does something when so many milliseconds have passed; the answer calls it off. */
  after(millis: number, wake: () => void): () => void {
    const timer: Timer = { at: this.now + millis, wake }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
    }
  }

  /** Does something in one of the next turns, as a platform does what a promise was told. */
  soon(task: () => void): void {
    this.#tasks.push(task)
  }

  /** Starts an effect; it runs until it waits for something. */
  fork<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    return this.#run(effect)
  }

  /** What an effect gives that waits for nothing. */
  run<A, E>(effect: Effect.Effect<A, E>): A {
    const fiber = this.fork(effect)
    this.settle()
    const exit = fiber.pollUnsafe()
    if (exit === undefined) throw new Error("it waits for something")
    if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
    return exit.value
  }

  /** Runs all that can run now, or so many turns of it. */
  settle(turns = Number.POSITIVE_INFINITY): void {
    for (let turn = 0; turn < turns; turn++) {
      const task = this.#tasks.shift()
      if (task === undefined) return
      task()
    }
  }

  /** Sleeps that have not ended. */
  get sleeping(): number {
    return this.#timers.length
  }

  /** The instant at which the next sleep ends; infinite when nobody sleeps. */
  get next(): number {
    return Math.min(...this.#timers.map(({ at }) => at))
  }

  /** The time passes, and what wakes by it is ready to run, but does not yet. */
  wakeAt(instant: number): void {
    this.now = Math.max(this.now, instant)
    const due = this.#timers.filter(({ at }) => at <= this.now)
    this.#timers = this.#timers.filter(({ at }) => at > this.now)
    for (const { wake } of due) wake()
  }

  /** The time passes; whoever wakes on the way runs at the instant of its own. */
  pass(millis: number): void {
    const end = this.now + millis
    while (true) {
      this.settle()
      if (!(this.next <= end)) break
      this.wakeAt(this.next)
    }
    this.wakeAt(end)
    this.settle()
  }
}
