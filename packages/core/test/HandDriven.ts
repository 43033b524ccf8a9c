/**
 * Fibers and a clock that only move when they are told to, within one turn of the event loop: ten thousand short lives take
 * seconds, and a test may choose what falls into the same instant.
 */
import { Cause, Clock, Context, Duration, Effect, Exit, type Fiber, Scheduler } from "effect"

interface Timer {
  readonly at: number
  readonly wake: () => void
}

export class HandDriven {
  now: number
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
        Effect.callback<void>((resume) => {
          const timer: Timer = { at: this.now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
          this.#timers.push(timer)
          return Effect.sync(() => {
            this.#timers = this.#timers.filter((one) => one !== timer)
          })
        })
    }
    const scheduler = new Scheduler.MixedScheduler("sync", (task) => {
      this.#tasks.push(task)
      return () => {}
    })
    this.#run = Effect.runForkWith(Context.make(Clock.Clock, clock).pipe(Context.add(Scheduler.Scheduler, scheduler)))
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
      const next = Math.min(...this.#timers.map(({ at }) => at))
      if (!(next <= end)) break
      this.wakeAt(next)
    }
    this.wakeAt(end)
    this.settle()
  }
}
