/** The gateway's alerts: as its configuration says, about its routes, kept in its database. */
import type * as EventBus from "@holdfast/core/EventBus"
import * as AlertStates from "@holdfast/store-sql/AlertStates"
import * as AlertRules from "@holdfast/telemetry/alerts/AlertRules"
import * as Alerts from "@holdfast/telemetry/alerts/Alerts"
import * as AlertStore from "@holdfast/telemetry/alerts/AlertStore"
import type * as Delivery from "@holdfast/telemetry/alerts/Delivery"
import * as Email from "@holdfast/telemetry/alerts/Email"
import * as PagerDuty from "@holdfast/telemetry/alerts/PagerDuty"
import * as Slack from "@holdfast/telemetry/alerts/Slack"
import * as Webhook from "@holdfast/telemetry/alerts/Webhook"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as AlertsSection from "./AlertsSection.ts"
import * as Config from "./Config.ts"
import * as Lanes from "./Lanes.ts"
import * as Routes from "./Routes.ts"
import type { Secret } from "./Secret.ts"

/** The name of an instance, also of one that has none of its own. */
export const instanceOf = ({ alerts }: Pick<Config.Config, "alerts">): string => alerts?.instance ?? "holdfast"

/** Without a section there are alerts as well, by the defaults: in the log, and told to nobody. */
export const layer = (
  config: Config.Config
): Layer.Layer<
  Alerts.Alerts,
  Config.InvalidConfig,
  EventBus.EventBus | HttpClient.HttpClient | Routes.Routes | SqlClient.SqlClient
> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { byName } = yield* Routes.Routes
      const section = config.alerts ?? {}
      const { publicUrl } = section
      const instance = instanceOf(config)
      return Layer.provide(
        Alerts.layer({
          settings: AlertRules.make(section),
          routes: [...byName.values()].map(({ lanes, name }) => ({ name, lanes })),
          deliveries: yield* deliveries(section),
          instance,
          url: publicUrl
        }),
        store(instance)
      )
    })
  )

const store = (instance: string): Layer.Layer<AlertStore.AlertStore, never, SqlClient.SqlClient> =>
  Layer.effect(
    AlertStore.AlertStore,
    Effect.map(AlertStates.make(instance), ({ load, save }) => {
      const failed = ({ code, reason }: Effect.Error<typeof load>) =>
        new AlertStore.AlertStoreError({
          reason: `the database, ${reason}${code === undefined ? "" : ` (${code})`}`
        })
      return AlertStore.AlertStore.of({
        load: Effect.mapError(load, failed),
        save: (document) => Effect.mapError(save(document), failed)
      })
    })
  )

type Needs = HttpClient.HttpClient | Scope.Scope

/** How people are told. Fails where a secret is missing or is not what it has to be. */
export const deliveries = (
  section: AlertsSection.Alerts
): Effect.Effect<ReadonlyArray<Delivery.Delivery>, Config.InvalidConfig, Needs> =>
  Effect.forEach(Object.entries(section.deliveries ?? {}), ([name, delivery]) => make(name, delivery))

const make = Effect.fnUntraced(function* (
  name: string,
  delivery: AlertsSection.Delivery
): Effect.fn.Return<Delivery.Delivery, Config.InvalidConfig, Needs> {
  const path = `alerts.deliveries.${name}`
  const common = { name, atLeast: delivery.atLeast ?? "info" } as const
  switch (delivery.kind) {
    case "slack":
      return yield* Slack.make({ ...common, url: yield* address(delivery.url, `${path}.url`, web) })
    case "webhook":
      return yield* Webhook.make({
        ...common,
        url:
          typeof delivery.url === "string"
            ? Redacted.make(delivery.url)
            : yield* address(delivery.url, `${path}.url`, web),
        secret: delivery.secret === undefined ? undefined : yield* filled(delivery.secret, `${path}.secret`)
      })
    case "pagerduty":
      return yield* PagerDuty.make({
        ...common,
        routingKey: yield* filled(delivery.routingKey, `${path}.routingKey`),
        url: delivery.url
      })
    case "email":
      return yield* Email.make({
        ...common,
        url: yield* address(delivery.smtp, `${path}.smtp`, mail),
        from: delivery.from,
        to: delivery.to
      })
  }
})

const web = { protocols: ["http:", "https:"], example: "https://hooks.slack.com/services/…" } as const
const mail = { protocols: ["smtp:", "smtps:"], example: "smtps://user:password@host:465" } as const

/** A secret that is a URL. */
const address = Effect.fnUntraced(function* (
  secret: Secret,
  path: string,
  { example, protocols }: { readonly protocols: ReadonlyArray<string>; readonly example: string }
) {
  const value = yield* Lanes.read(secret, path)
  if (protocols.includes(URL.parse(Redacted.value(value))?.protocol ?? "")) return value
  return yield* new Config.InvalidConfig({
    source: path,
    problem: `the environment variable ${secret.env} holds no URL such as ${example}`
  })
})

/** A secret that is not empty. */
const filled = Effect.fnUntraced(function* (secret: Secret, path: string) {
  const value = yield* Lanes.read(secret, path)
  if (Redacted.value(value).trim() !== "") return value
  return yield* new Config.InvalidConfig({ source: path, problem: `the environment variable ${secret.env} is empty` })
})
