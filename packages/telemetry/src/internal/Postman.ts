/**
 * Brings notifications to every delivery: each has its own line, in order, with its own retries, so that one that is slow or
 * away holds up nobody else. What cannot be brought waits, up to a number and an age.
 */
import type * as Event from "@holdfast/core/Event"
import * as Failure from "@holdfast/core/Failure"
import * as Policy from "@holdfast/core/Policy"
import type * as Refusal from "@holdfast/core/Refusal"
import * as Resilience from "@holdfast/core/Resilience"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as AlertRules from "../alerts/AlertRules.ts"
import { classify, type Delivery } from "../alerts/Delivery.ts"
import type * as Notification from "../alerts/Notification.ts"
import * as Outbox from "./Outbox.ts"

/** How a delivery is doing. */
export interface Status {
  readonly name: string
  readonly kind: Delivery["kind"]
  readonly atLeast: AlertRules.Severity
  /** Messages it has taken, since the start. */
  readonly sent: number
  /** Messages given up: it refused them, too many waited, or they were too old. */
  readonly dropped: number
  /** Messages that wait for it. */
  readonly waiting: number
  readonly lastSentAt?: number | undefined
  /** Since when it fails, and why; nothing while it works. */
  readonly failing?: Failing | undefined
}

interface Failing {
  readonly since: number
  readonly reason: string
}

/** Messages that wait for one delivery at most. */
const capacity = 100

/** What is older says nothing about the present. */
const maxAgeMillis = Duration.toMillis(Duration.hours(24))

/** Between two rounds of attempts: doubled each time, from the first to the last. */
const firstPauseMillis = 15_000
const lastPauseMillis = 300_000

/** How one message is sent: a few attempts, and a circuit that spares a delivery that is away. */
export const policy = Policy.standard.pipe(
  Policy.retry({ maxRetries: 4, patience: "2 minutes" }),
  Policy.breaker({ open: "30 seconds", openMax: "2 minutes" }),
  // The line waits, not the attempt.
  Policy.fallback({ waitForReopening: false }),
  Policy.clocks({ connect: "10 seconds", plainAttempt: "20 seconds", total: "3 minutes" })
)

/** Sends through the pipeline. Each delivery is a provider of its own: they share no circuit. The error is the pipeline's. */
export const send = (
  delivery: Delivery,
  notification: Notification.Notification,
  by: Policy.Policy
): Effect.Effect<void, Failure.Failure | Refusal.Refusal, Resilience.Resilience> =>
  Resilience.protect({ lane: `${delivery.name}/${delivery.kind}`, policy: by, classify })(delivery.send(notification))

/** In a few words, without an address. */
export const reasonOf = (error: Failure.Failure | Refusal.Refusal): string =>
  (Failure.isFailure(error) ? error.detail : undefined) ?? error._tag

interface Line {
  readonly delivery: Delivery
  readonly wake: Queue.Queue<void>
  outbox: Outbox.Outbox
  sent: number
  dropped: number
  lastSentAt: number | undefined
  failing: Failing | undefined
}

export interface Options {
  readonly deliveries: ReadonlyArray<Delivery>
  readonly resilience: Resilience.Resilience["Service"]
  readonly policy: Policy.Policy
  /** Tells that a delivery fails, or works again. */
  readonly publish: (now: number, draft: Event.Draft) => void
  /** Something has to be saved. */
  readonly changed: () => void
}

export class Postman {
  readonly #options: Options
  readonly #lines: ReadonlyArray<Line>
  /** Posted, and not saved yet: what is sent before it is saved would be sent again after a crash. */
  readonly #unsaved = new Set<string>()
  readonly #closing = Deferred.makeUnsafe<void>()
  #isClosing = false
  #fibers: ReadonlyArray<Fiber.Fiber<void>> = []

  private constructor(options: Options, lines: ReadonlyArray<Line>) {
    this.#options = options
    this.#lines = lines
  }

  static readonly make = (options: Options): Effect.Effect<Postman> =>
    Effect.map(
      Effect.forEach(options.deliveries, (delivery) =>
        Effect.map(Queue.sliding<void>(1), (wake): Line => ({
          delivery,
          wake,
          outbox: [],
          sent: 0,
          dropped: 0,
          lastSentAt: undefined,
          failing: undefined
        }))
      ),
      (lines) => new Postman(options, lines)
    )

  /** Puts it into the line of every delivery that it is for. It is sent once it is saved. */
  post(notification: Notification.Notification): void {
    for (const line of this.#lines) {
      const { atLeast, name } = line.delivery
      const own = Outbox.forDelivery(
        notification,
        ({ rule, severity, subject }) =>
          AlertRules.isAtLeast(severity, atLeast) && !(rule === "deliveryFailing" && subject === name)
      )
      if (own === undefined) continue
      const { dropped, outbox } = Outbox.add(line.outbox, own, capacity)
      line.outbox = outbox
      line.dropped += dropped
      this.#unsaved.add(own.id)
    }
  }

  /** What waits, by delivery. */
  outboxes(): Record<string, Outbox.Outbox> {
    return Object.fromEntries(this.#lines.map(({ delivery, outbox }) => [delivery.name, outbox]))
  }

  /** What has yet to be saved. */
  unsaved(): ReadonlyArray<string> {
    return [...this.#unsaved]
  }

  /** It was saved, or could not be: now it may be sent. */
  release(ids: ReadonlyArray<string>): void {
    for (const id of ids) this.#unsaved.delete(id)
    this.#wake()
  }

  /** Takes over what waited in the process before, and which deliveries failed in it. */
  restore(outboxes: { readonly [name: string]: Outbox.Outbox }, failing: ReadonlyMap<string, Failing>): void {
    for (const line of this.#lines) {
      line.outbox = outboxes[line.delivery.name] ?? []
      line.failing = failing.get(line.delivery.name)
    }
  }

  /** Begins to bring what is there. */
  readonly start: Effect.Effect<void> = Effect.suspend(() =>
    Effect.map(
      Effect.forEach(this.#lines, (line) => Effect.forkDetach(this.#work(line))),
      (fibers) => {
        this.#fibers = fibers
      }
    )
  )

  /** Begins nothing new, and lets what is being sent end within that time. What is not sent stays in its line. */
  readonly close = (timeout: Duration.Input): Effect.Effect<void> =>
    Effect.suspend(() => {
      this.#isClosing = true
      Deferred.doneUnsafe(this.#closing, Effect.void)
      this.#wake()
      return Fiber.awaitAll(this.#fibers).pipe(
        Effect.timeoutOption(timeout),
        Effect.andThen(Fiber.interruptAll(this.#fibers))
      )
    })

  readonly statuses: Effect.Effect<ReadonlyArray<Status>> = Effect.sync(() =>
    this.#lines.map(({ delivery, dropped, failing, lastSentAt, outbox, sent }) => ({
      name: delivery.name,
      kind: delivery.kind,
      atLeast: delivery.atLeast,
      sent,
      dropped,
      waiting: outbox.length,
      lastSentAt,
      failing
    }))
  )

  #wake(): void {
    for (const { wake } of this.#lines) Queue.offerUnsafe(wake, undefined)
  }

  #work(line: Line): Effect.Effect<void> {
    const { delivery } = line
    const { policy, resilience } = this.#options
    return Effect.gen({ self: this }, function* () {
      let pauseMillis = firstPauseMillis
      while (!this.#isClosing) {
        const [next] = line.outbox
        if (next === undefined || this.#unsaved.has(next.id)) {
          yield* Queue.take(line.wake)
          continue
        }
        if ((yield* Clock.currentTimeMillis) - next.at > maxAgeMillis) {
          yield* this.#giveUp(line, next, "it is a day old")
          continue
        }
        const sent = yield* send(delivery, next, policy).pipe(
          Effect.provideService(Resilience.Resilience, resilience),
          Effect.result
        )
        const now = yield* Clock.currentTimeMillis
        if (Result.isSuccess(sent)) {
          pauseMillis = firstPauseMillis
          line.sent += 1
          line.lastSentAt = now
          this.#done(line, next, now)
          continue
        }
        this.#fails(line, reasonOf(sent.failure), now)
        // It was read, and will not be taken the next time either.
        if (sent.failure._tag === "InvalidRequest") {
          yield* this.#giveUp(line, next, reasonOf(sent.failure))
          continue
        }
        yield* Effect.raceFirst(Effect.sleep(Duration.millis(pauseMillis)), Deferred.await(this.#closing))
        pauseMillis = Math.min(2 * pauseMillis, lastPauseMillis)
      }
    })
  }

  #done(line: Line, { id }: Notification.Notification, now: number): void {
    line.outbox = Outbox.remove(line.outbox, id)
    if (line.failing !== undefined) {
      line.failing = undefined
      this.#tell(line, now, true, "it takes messages again")
    }
    this.#options.changed()
  }

  #fails(line: Line, reason: string, now: number): void {
    const isNew = line.failing === undefined
    line.failing = { since: line.failing?.since ?? now, reason }
    if (isNew) this.#tell(line, now, false, reason)
  }

  #tell(line: Line, now: number, works: boolean, reason: string): void {
    this.#options.publish(now, {
      _tag: "AlertDeliveryChanged",
      delivery: line.delivery.name,
      works,
      reason,
      waiting: line.outbox.length
    })
  }

  #giveUp(line: Line, notification: Notification.Notification, reason: string): Effect.Effect<void> {
    line.outbox = Outbox.remove(line.outbox, notification.id)
    line.dropped += 1
    this.#options.changed()
    const alerts = notification.items.map(({ alert, change }) => `${alert} ${change}`).join(", ")
    return Effect.logError(`A message about alerts is given up for ${line.delivery.name} (${reason}): ${alerts}`).pipe(
      Effect.annotateLogs({ logger: "alerts", delivery: line.delivery.name })
    )
  }
}
