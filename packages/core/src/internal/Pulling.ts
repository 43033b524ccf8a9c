/**
 * The pulls of one attempt at a stream, under its clocks. They run in a fiber beside the consumer's: it begins with a pull
 * and goes on as long as the consumer asks on, so a stream that is waited for has one. A pull that answers at once costs
 * no look at the clock; one that has to wait costs one, or two where the consumer took time of its own. An attempt has one
 * deadline, and it is not moved with every piece: when it falls due it looks at what has happened since, and is set anew.
 *
 * What the consumer takes between two pulls is not the provider's time: only the operation's deadline runs on then.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Pull from "effect/Pull"
import type * as Failure from "../Failure.ts"
import type * as Lane from "../Lane.ts"
import type * as Policy from "../Policy.ts"
import type * as Refusal from "../Refusal.ts"
import { timeout } from "./attempt.ts"
import * as Deadlines from "./Deadlines.ts"
import type { Observed } from "./Started.ts"

export type Chunk<A> = NonEmptyReadonlyArray<A>
export type Expired = Failure.Timeout | Refusal.DeadlineExceeded
type Pulled<A, E> = Fiber.Fiber<Chunk<A>, Cause.Done | E>

export interface Options<A, R> {
  readonly lane: Lane.Lane
  readonly clocks: Policy.Clocks
  readonly clock: Clock.Clock
  readonly startedAt: number
  readonly observed: Observed
  readonly context: Context.Context<R>
  /** Opens the attempt's stream. The first pull does it, so that a lane which hangs in it is under the clocks too. */
  readonly open: Effect.Effect<Pull.Pull<Chunk<A>, Failure.Failure, void, R>, never, R>
  /** Notes what a piece says about itself. What it throws is a defect of the attempt. */
  readonly note: (chunk: Chunk<A>) => void
}

/** The operation as the attempt that answers it must know it. */
export interface Answering<A> {
  readonly deadlineAt: number
  readonly exceeded: () => Refusal.DeadlineExceeded
  /** Told what the consumer is given. */
  readonly told: ((chunk: Chunk<A>) => void) | undefined
  /** What follows when the stream is over, in whatever way. */
  readonly over: (
    cause: Cause.Cause<Cause.Done | Failure.Failure | Expired>
  ) => Pull.Pull<Chunk<A>, Failure.Failure | Expired>
  /** Called when the deadline passes while nobody pulls. */
  readonly abandon: (error: Refusal.DeadlineExceeded) => void
}

export class Pulling<A, R> {
  readonly #options: Options<A, R>
  /** The clocks, in milliseconds. */
  readonly #firstContent: number
  readonly #gap: number
  readonly #attempt: number
  readonly #run: (pull: Pull.Pull<Chunk<A>, Failure.Failure, void, R>) => Pulled<A, Failure.Failure>
  #pull: Pull.Pull<Chunk<A>, Failure.Failure, void, R>
  #answering: Answering<A> | undefined
  #entry: Deadlines.Entry | undefined
  /** Pulls in the provider's place, so that a clock can interrupt it and not the consumer. */
  #fiber: Pulled<A, Failure.Failure> | undefined
  /** What the pull ended with before its consumer had come to wait for it. */
  #early: Exit.Exit<Chunk<A>, Cause.Done | Failure.Failure> | undefined
  /** Whether the consumer has asked on while it was being told. */
  #isAsked = false
  /** The consumer that waits. */
  #resume: ((told: Pull.Pull<Chunk<A>, Failure.Failure | Expired>) => void) | undefined
  /** When the wait under way began. */
  #since: number
  /** What the attempt has waited for the provider before that, in milliseconds. */
  #spent = 0
  #expired: Expired | undefined

  constructor(options: Options<A, R>) {
    this.#options = options
    this.#run = Effect.runForkWith(options.context)
    this.#pull = Effect.flatMap(options.open, (pull) => {
      this.#pull = Effect.flatMap(pull, (chunk) => this.#arrived(chunk))
      return this.#pull
    })
    this.#since = options.startedAt
    this.#firstContent = Duration.toMillis(options.clocks.firstContent)
    this.#gap = Duration.toMillis(options.clocks.chunkGap)
    this.#attempt = Duration.toMillis(options.clocks.attempt)
    this.#arm(options.startedAt + this.#firstContent, options.startedAt)
  }

  /** One pull. Interruption calls it off, and waits until it has stopped. */
  readonly next: Pull.Pull<Chunk<A>, Failure.Failure | Expired> = Effect.suspend(() => this.pull())

  /** The same, begun already. */
  pull(): Pull.Pull<Chunk<A>, Failure.Failure | Expired> {
    if (this.#expired !== undefined) return this.#told(Exit.fail(this.#expired))
    // Asked while the piece before is being handed over: its fiber goes on.
    if (this.#fiber !== undefined) {
      this.#isAsked = true
      return this.#wait
    }
    this.#early = undefined
    const fiber = this.#run(this.#pull)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return this.#told(exit)
    this.#fiber = fiber
    fiber.addObserver((exit) => {
      // One that goes on without its fiber has been told by it.
      if (this.#fiber !== fiber) return
      this.#fiber = undefined
      if (this.#resume === undefined) this.#early = exit
      else this.#answer(exit)
    })
    return this.#wait
  }

  /**
   * A piece that came at once is what its fiber ends with. One that is waited for is handed over, and the fiber goes on if
   * that made the consumer ask on.
   */
  #arrived(chunk: Chunk<A>): Pull.Pull<Chunk<A>, Failure.Failure, void, R> {
    const exit = Exit.succeed(chunk)
    if (this.#resume === undefined) return exit
    this.#answer(exit)
    if (this.#isAsked) {
      this.#isAsked = false
      return this.#pull
    }
    this.#fiber = undefined
    return exit
  }

  #answer(exit: Exit.Exit<Chunk<A>, Cause.Done | Failure.Failure | Expired>): void {
    const resume = this.#resume
    if (resume === undefined) return
    this.#resume = undefined
    const { clock, observed } = this.#options
    const now = clock.currentTimeMillisUnsafe()
    const waited = now - this.#since
    this.#since = now
    this.#spent += waited
    if (this.#answering !== undefined) {
      observed.longestGapMillis = Math.max(observed.longestGapMillis ?? 0, waited)
    }
    const expired = this.#expired
    if (expired !== undefined && Exit.isFailure(exit)) return resume(this.#told(Exit.fail(expired)))
    // A piece may come in the very instant in which its time is up.
    this.#expired = undefined
    resume(this.#told(exit))
  }

  /** The first content is here: from now on the gap between two pieces counts, and the operation's deadline. */
  commit(answering: Answering<A>): void {
    const now = this.#options.clock.currentTimeMillisUnsafe()
    this.#options.observed.firstContentAt = now
    this.#answering = answering
    this.#spent = now - this.#options.startedAt
  }

  /**
   * Ends the watch, and calls off a pull under way: one whose consumer was interrupted between beginning it and waiting for
   * it has nobody else to do that.
   */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    if (this.#entry !== undefined) Deadlines.of(this.#options.clock).remove(this.#entry)
    this.#entry = undefined
    return this.#cancel
  })

  readonly #wait: Pull.Pull<Chunk<A>, Failure.Failure | Expired> = Effect.callback((resume) => {
    const early = this.#early
    if (early !== undefined) {
      this.#early = undefined
      return resume(this.#told(early))
    }
    // Whoever asks on while it is being told has taken no time: the clock has just been looked at.
    const since = this.#isAsked ? this.#since : this.#options.clock.currentTimeMillisUnsafe()
    this.#since = since
    this.#resume = resume
    const at = this.#limitAt()
    if (this.#entry === undefined || this.#entry.at > at) this.#arm(at, since)
    return this.#cancel
  })

  readonly #cancel = Effect.suspend(() => {
    const fiber = this.#fiber
    this.#resume = undefined
    if (fiber === undefined) return Effect.void
    fiber.interruptUnsafe()
    return Effect.asVoid(Fiber.await(fiber))
  })

  /** When the wait under way has lasted too long. */
  #limitAt(): number {
    if (this.#answering === undefined) return this.#options.startedAt + this.#firstContent
    return Math.min(this.#answering.deadlineAt, this.#since + this.#gap, this.#attemptEndsAt())
  }

  #attemptEndsAt(): number {
    return this.#since + this.#attempt - this.#spent
  }

  #arm(at: number, now: number): void {
    const deadlines = Deadlines.of(this.#options.clock)
    if (this.#entry !== undefined) deadlines.remove(this.#entry)
    this.#entry = deadlines.add(now, at - now, () => this.#look())
  }

  /** The deadline has fallen due. */
  #look(): void {
    this.#entry = undefined
    const { clock, lane } = this.#options
    const now = clock.currentTimeMillisUnsafe()
    const answering = this.#answering
    if (this.#resume === undefined) {
      // Nobody pulls. Before the first content that cannot last.
      if (answering === undefined) return
      if (answering.deadlineAt > now) return this.#arm(answering.deadlineAt, now)
      const error = answering.exceeded()
      this.#expired = error
      return answering.abandon(error)
    }
    const at = this.#limitAt()
    if (at > now) return this.#arm(at, now)
    this.#expired =
      answering === undefined
        ? timeout(lane, "first-content")
        : answering.deadlineAt <= now
          ? answering.exceeded()
          : timeout(lane, this.#attemptEndsAt() <= now ? "attempt" : "chunk-gap")
    this.#fiber?.interruptUnsafe()
  }

  /** What the consumer is told. */
  #told(
    exit: Exit.Exit<Chunk<A>, Cause.Done | Failure.Failure | Expired>
  ): Pull.Pull<Chunk<A>, Failure.Failure | Expired> {
    if (Exit.isFailure(exit)) return this.#answering === undefined ? exit : this.#answering.over(exit.cause)
    try {
      this.#options.note(exit.value)
      this.#answering?.told?.(exit.value)
      return exit
    } catch (defect) {
      return this.#told(Exit.die(defect))
    }
  }
}
