/** One attempt at an operation that ends with one answer: guards, call and clock in one suspension of the caller's fiber. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import type * as Fiber from "effect/Fiber"
import * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Refusal from "../Refusal.ts"
import type { Begin } from "./call.ts"
import * as Deadlines from "./Deadlines.ts"
import * as guards from "./guards.ts"
import * as running from "./running.ts"
import { stackless } from "./stackless.ts"

type Errors = Failure.Failure | Refusal.Step

/** The failure of a clock of ours. */
export const timeout = (lane: Lane.Lane, phase: Failure.TimeoutPhase): Failure.Timeout =>
  stackless(
    () =>
      new Failure.Timeout({
        provider: lane.provider,
        model: lane.model,
        lane: lane.id,
        scope: "model",
        rule: `clock/${phase}`,
        phase
      })
  )

/** What an attempt needs of the fiber that makes it. */
export interface Ambient {
  readonly clock: Clock.Clock
  readonly random: { nextDoubleUnsafe(): number }
}

/** How one attempt is made. */
export interface Options<A> {
  readonly shared: guards.Shared
  readonly operation: running.Operation
  readonly lane: Lane.Lane
  /** The lane asked for a wait, and it is over. */
  readonly wasTold: boolean
  readonly begin: Begin<A>
  /** Notes what an answer says about itself. What it throws is a defect of the attempt. */
  readonly observe: ((answer: A, observed: guards.Observed) => void) | undefined
}

/** Calls an attempt off: stops the call, waits until it has stopped; the guards learn nothing. */
export type Cancel = () => Effect.Effect<void>

/**
 * Makes one attempt: guards, call, clock. `done` is called once, perhaps before this returns; not at all after `Cancel`.
 * Answers `queue` when there is only a slot or the fleet's leave to wait for. The clock is the attempt's, or what is left of the operation's
 * where that is less.
 */
export const makeUnsafe = <A>(
  options: Options<A>,
  { clock, random }: Ambient,
  holding: guards.Started | undefined,
  done: (exit: Exit.Exit<A, Errors>) => void
): Cancel | undefined | "queue" => {
  const { begin, lane, operation, shared } = options
  const started =
    holding ?? guards.beginUnsafe(shared, operation, lane, options.wasTold, clock.currentTimeMillisUnsafe())
  if (typeof started === "string") return "queue"
  if (!guards.isStarted(started)) {
    done(Exit.fail(started))
    return undefined
  }

  let entry: Deadlines.Entry | undefined
  let expired: Errors | undefined
  const finish = (exit: Exit.Exit<A, Errors>): void => {
    if (started.ended) return
    if (entry !== undefined) Deadlines.of(clock).remove(entry)
    const last = expired !== undefined && Exit.isFailure(exit) ? Exit.fail(expired) : observed(options, exit, started)
    guards.endUnsafe(shared, operation, started, last, clock.currentTimeMillisUnsafe(), random)
    done(last)
  }
  const call = begin(lane, finish)
  if (started.ended) return undefined
  const total = operation.deadlineAt - started.startedAt
  const own = Duration.toMillis(operation.policy.clocks.plainAttempt)
  entry = Deadlines.of(clock).add(started.startedAt, Math.min(own, total), () => {
    entry = undefined
    expired = own < total ? timeout(lane, "attempt") : running.deadlineExceeded(operation)
    if (!call.stop()) finish(Exit.fail(expired))
  })
  return () => {
    if (started.ended) return Effect.void
    if (entry !== undefined) Deadlines.of(clock).remove(entry)
    call.stop()
    return Effect.andThen(
      call.stopped,
      Effect.sync(() =>
        guards.endUnsafe(shared, operation, started, Exit.interrupt(), clock.currentTimeMillisUnsafe(), random)
      )
    )
  }
}

const observed = <A>(
  { observe }: Options<A>,
  exit: Exit.Exit<A, Errors>,
  started: guards.Started
): Exit.Exit<A, Errors> => {
  if (observe === undefined || Exit.isFailure(exit)) return exit
  try {
    observe(exit.value, started.observed)
    return exit
  } catch (defect) {
    return Exit.die(defect)
  }
}

/** Makes one attempt, waiting for a slot where none is free and for leave where it has to. Interruption calls it off. */
export const make = <A>(options: Options<A>): Effect.Effect<A, Errors> =>
  Effect.withFiber((fiber) => {
    const ambient = ambientOf(fiber)
    // The guards are taken inside the suspension, so that no interruption can come between taking and giving back.
    return Effect.callback<A, Errors>((resume) => {
      const begun = makeUnsafe(options, ambient, undefined, resume)
      if (begun === "queue") return resume(queued(options, ambient))
      return begun === undefined ? undefined : Effect.suspend(begun)
    })
  })

/** The same for whoever has to wait for a slot or for the fleet's leave: waits, then makes the attempt. */
export const queued = <A>(options: Options<A>, ambient: Ambient): Effect.Effect<A, Errors> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(guards.begin(options.shared, options.operation, options.lane, options.wasTold, restore), (started) =>
      Effect.flatMap(
        Effect.exit(
          restore(
            Effect.callback<A, Errors>((resume) => {
              const begun = makeUnsafe(options, ambient, started, resume)
              return typeof begun === "function" ? Effect.suspend(begun) : undefined
            })
          )
        ),
        (exit) =>
          // Interrupted before the call could begin: nothing has given the guards back yet.
          Effect.andThen(guards.end(options.shared, options.operation, started, exit), exit)
      )
    )
  )

export const ambientOf = (fiber: Fiber.Fiber<unknown, unknown>): Ambient => ({
  clock: fiber.getRef(Clock.Clock),
  random: fiber.getRef(Random.Random)
})
