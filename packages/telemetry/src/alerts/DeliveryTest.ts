/** Sends a test through deliveries, and says what became of it: before there is an alert that nobody hears of. */
import * as Policy from "@holdfast/core/Policy"
import * as Resilience from "@holdfast/core/Resilience"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Postman from "../internal/Postman.ts"
import type { Delivery } from "./Delivery.ts"
import * as Notification from "./Notification.ts"

/** There is no delivery of that name. */
export class UnknownDelivery extends Schema.TaggedError<UnknownDelivery>()("UnknownDelivery", {
  name: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    const known = this.known.length === 0 ? "there is none" : `there is: ${this.known.join(", ")}`
    return `There is no delivery ${this.name} (${known})`
  }
}

export interface Outcome {
  readonly delivery: string
  readonly kind: Delivery["kind"]
  /** How long it took, with the one retry that a test makes. */
  readonly millis: number
  /** Why it was not taken; nothing if it was. */
  readonly problem?: string
}

export interface Options {
  readonly deliveries: ReadonlyArray<Delivery>
  readonly instance: string
  readonly url?: string | undefined
  /** Only this one. Default all. */
  readonly only?: string | undefined
}

/** Somebody waits for the answer. */
const policy = Postman.policy.pipe(
  Policy.retry({ maxRetries: 1, patience: "5 seconds" }),
  Policy.clocks({ connect: "5 seconds", plainAttempt: "15 seconds", attempt: "30 seconds", total: "30 seconds" })
)

/** Sends it to all of them at once. That one of them fails is an outcome, not a failure. */
export const run = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ReadonlyArray<Outcome>, UnknownDelivery> {
  const { deliveries, instance, only, url } = options
  const chosen = deliveries.filter(({ name }) => only === undefined || only === name)
  if (only !== undefined && chosen.length === 0) {
    return yield* new UnknownDelivery({ name: only, known: deliveries.map(({ name }) => name) })
  }
  const id = `test-${(yield* Random.nextIntBetween(36 ** 9, 36 ** 10)).toString(36)}`
  const notification = Notification.test({ id, at: yield* Clock.currentTimeMillis, instance, url })
  const one = Effect.fnUntraced(function* (delivery: Delivery) {
    const startedAt = yield* Clock.currentTimeMillis
    const sent = yield* Effect.result(Postman.send(delivery, notification, policy))
    const millis = (yield* Clock.currentTimeMillis) - startedAt
    const outcome: Outcome = {
      delivery: delivery.name,
      kind: delivery.kind,
      millis,
      ...(Result.isSuccess(sent) ? {} : { problem: Postman.reasonOf(sent.failure) })
    }
    return outcome
  })
  return yield* Effect.forEach(chosen, one, { concurrency: "unbounded" }).pipe(
    Effect.provide(Layer.fresh(Resilience.layer))
  )
})
