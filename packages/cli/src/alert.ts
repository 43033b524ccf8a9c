/** `holdfast alert`: whether people would hear of an alert, found out before there is one. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Alerting from "@holdfast/gateway/Alerting"
import * as Config from "@holdfast/gateway/Config"
import * as DeliveryTest from "@holdfast/telemetry/alerts/DeliveryTest"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Somebody would not hear of an alert. */
class NotDelivered extends Schema.TaggedError<NotDelivered>()("NotDelivered", {
  failed: Schema.Int,
  of: Schema.Int
}) {
  override get message() {
    return this.of === 0
      ? "No way of telling anybody is configured (alerts.deliveries)"
      : `${this.failed} of ${this.of} failed`
  }
}

const test = Command.make(
  "test",
  {
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("The configuration that says how people are told"),
      Flag.withDefault("holdfast.yaml")
    ),
    name: Argument.String("name").pipe(
      Argument.withDescription("Of one delivery in it; else all are tested"),
      Argument.optional
    )
  },
  Effect.fnUntraced(function* (flags) {
    const { alerts = {} } = yield* Config.load(flags.config)
    const outcomes = yield* Effect.scoped(
      Effect.flatMap(Alerting.deliveries(alerts), (deliveries) =>
        DeliveryTest.run({
          deliveries,
          instance: Alerting.instanceOf({ alerts }),
          url: alerts.publicUrl,
          only: Option.getOrUndefined(flags.name)
        })
      )
    ).pipe(Effect.provide(NodeHttpClient.layerUndici))
    for (const { delivery, kind, millis, problem } of outcomes) {
      yield* Console.log(
        problem === undefined
          ? `ok      ${delivery} (${kind}): it took the test, in ${millis} ms`
          : `FAILED  ${delivery} (${kind}): ${problem}, after ${millis} ms`
      )
    }
    const failed = outcomes.filter(({ problem }) => problem !== undefined).length
    if (failed > 0 || outcomes.length === 0) return yield* new NotDelivered({ failed, of: outcomes.length })
  })
).pipe(Command.withDescription("Send a test by every way of telling people, or by one, and say what became of it"))

export const alert = Command.make("alert").pipe(
  Command.withDescription("See to it that people hear of alerts"),
  Command.withSubcommands([test])
)
