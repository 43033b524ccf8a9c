/**
 * A clock on which time passes as fast as what happens in it can be worked out: it jumps from one sleeper to the next, and
 * only once every fiber waits. Instants are whole milliseconds, and sleeps end at them, as a platform's timers do. One
 * world belongs to one `run`; the same program with the same `Random` takes the same steps in it each time.
 *
 * It is not `effect/testing/TestClock`, which a test moves by hand and which looks for idle fibers turn by turn of the event
 * loop: here one loop runs both fibers and time, so that a day takes seconds.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { Agenda, type Entry } from "./internal/Agenda.ts"

/** What code inside the world may do without a fiber. */
export interface World {
  readonly clock: Clock.Clock
  /** The instant, in whole milliseconds since the world began. */
  readonly now: () => number
  /** Calls `run` after so many milliseconds, rounded up; to be called off with `cancel`. */
  readonly after: (millis: number, run: () => void) => Timer
}

export interface Timer {
  readonly cancel: () => void
}

/** The world an effect runs in. */
export class Current extends Context.Service<Current, World>()("@holdfast/simulator/VirtualClock") {}

/** Steps between two looks at the real event loop: often enough for a progress bar and a Ctrl-C. */
const stepsPerTurn = 5000

/**
 * Runs an effect from the instant zero to its end. Dies when it waits for something that time cannot bring, such as real
 * input or output. Interruption interrupts the effect and lets it clean up in virtual time.
 */
export const run = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Current>> =>
  Effect.contextWith((context: Context.Context<Exclude<R, Current>>) =>
    Effect.uninterruptibleMask((restore) => {
      const { advance, scheduler, world } = make()
      const inside = context.pipe(Context.add(Clock.Clock, world.clock), Context.add(Scheduler.Scheduler, scheduler))
      const fiber = Effect.runForkWith(inside)(Effect.provideService(self, Current, world))
      const drive: Effect.Effect<void> = Effect.suspend(() => {
        for (let step = 0; step < stepsPerTurn; step++) {
          if (fiber.pollUnsafe() !== undefined) return Effect.void
          if (!advance()) return Effect.die(new Error("the simulated world waits for something that time cannot bring"))
        }
        return Effect.andThen(Effect.yieldNow, drive)
      })
      return restore(drive).pipe(
        Effect.onInterrupt(() => {
          fiber.interruptUnsafe()
          return drive
        }),
        Effect.andThen(Fiber.join(fiber))
      )
    })
  )

const make = () => {
  const agenda = new Agenda()
  let tasks: Array<() => void> = []
  let now = 0

  const add = (millis: number, run: () => void): Entry => agenda.add(now + Math.max(0, Math.ceil(millis)), run)

  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => now,
    currentTimeMillis: Effect.sync(() => now),
    currentTimeNanosUnsafe: () => nanos(now),
    currentTimeNanos: Effect.sync(() => nanos(now)),
    monotonicTimeNanosUnsafe: () => nanos(now),
    monotonicTimeNanos: Effect.sync(() => nanos(now)),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      if (millis <= 0) return Effect.void
      if (millis === Number.POSITIVE_INFINITY) return Effect.never
      return Effect.callback<void>((resume) => {
        const entry = add(millis, () => resume(Effect.void))
        return Effect.sync(() => {
          entry.run = undefined
        })
      })
    }
  }

  const world: World = {
    clock,
    now: () => now,
    after: (millis, run) => {
      const entry = add(millis, run)
      return {
        cancel: () => {
          entry.run = undefined
        }
      }
    }
  }

  const dispatcher: Scheduler.SchedulerDispatcher = {
    scheduleTask: (task) => void tasks.push(task),
    flush: () => {
      while (tasks.length > 0) runTasks()
    }
  }
  /** Everything that was asked for while the others ran, in that order, whatever its priority. */
  const runTasks = (): void => {
    const due = tasks
    tasks = []
    for (const task of due) task()
  }

  /** One step: what fibers have yet to do, else the next instant. False when there is neither. */
  const advance = (): boolean => {
    if (tasks.length > 0) {
      runTasks()
      return true
    }
    const next = agenda.take()
    if (next?.run === undefined) return false
    now = next.at
    next.run()
    return true
  }

  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: (fiber) => fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
    makeDispatcher: () => dispatcher
  }
  return { world, scheduler, advance }
}

const nanos = (millis: number): bigint => BigInt(millis) * 1_000_000n
