/** Metrics and spans of a gateway, as its configuration says. Without `otlp` there is no tracer, and no span is made. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as EventBus from "@holdfast/core/EventBus"
import * as EventWriter from "@holdfast/store-sql/EventWriter"
import * as Metrics from "@holdfast/telemetry/Metrics"
import * as Otlp from "@holdfast/telemetry/Otlp"
import * as Redaction from "@holdfast/telemetry/Redaction"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Config from "./Config.ts"
import * as Lanes from "./Lanes.ts"
import * as Logs from "./Logs.ts"
import * as RequestSpan from "./RequestSpan.ts"
import * as Routes from "./Routes.ts"

/** Counts what happens, and looks at lanes and store when it is asked. */
export const metrics = ({ metrics }: Config.Config) =>
  Layer.effect(
    Metrics.Metrics,
    Effect.gen(function* () {
      const { byName } = yield* Routes.Routes
      const writer = yield* EventWriter.EventWriter
      const { maxLabelValues, tenants } = metrics === false || metrics === undefined ? {} : metrics
      return yield* Metrics.make({
        isServer: true,
        maxLabelValues,
        maxTenants: tenants,
        watched: [...byName.values()].flatMap(({ lanes, policy }) => lanes.map((lane) => ({ lane, policy }))),
        more: Effect.map(writer.stats, ({ away, dropped, journal, pending, rejected, written }) => [
          Metrics.reading("storePending", {}, pending),
          ...(journal === undefined
            ? []
            : [
                Metrics.reading("journalSize", {}, journal.bytes),
                Metrics.reading("journalFailing", {}, Number(journal.problem !== undefined))
              ]),
          Metrics.reading("storeAway", {}, Number(away)),
          Metrics.reading("storeWritten", {}, written),
          Metrics.reading("storeLost", {}, dropped + rejected)
        ])
      })
    })
  )

/** `GET /metrics`, for Prometheus, unless the configuration says `metrics: false`. */
export const endpoint = (config: Config.Config): Layer.Layer<never, never, HttpRouter.HttpRouter | Metrics.Metrics> =>
  config.metrics === false
    ? Layer.empty
    : HttpRouter.use((router) =>
        Effect.flatMap(Metrics.Metrics, ({ prometheus }) =>
          router.add(
            "GET",
            "/metrics",
            Effect.map(prometheus, (text) =>
              HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
            )
          )
        )
      )

type Answer = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HttpServerError.HttpServerError,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** What is done about every request; nothing where nobody traces. */
export const middleware = ({ otlp }: Config.Config): { readonly middleware?: (answer: Answer) => Answer } =>
  otlp === undefined ? {} : { middleware: RequestSpan.traced }

/** Sends spans and metrics to the collector that the configuration names; its tracer is that of what it is provided to. */
export const otlp = (
  config: Config.Config
): Layer.Layer<never, Config.InvalidConfig, EventBus.EventBus | Metrics.Metrics> => {
  const { otlp } = config
  if (otlp === undefined) return Layer.empty
  return Layer.unwrap(
    Effect.gen(function* () {
      const headers = otlp.headers === undefined ? {} : parseHeaders(yield* Lanes.read(otlp.headers, "otlp.headers"))
      const redaction = Redaction.make({ secrets: yield* Logs.secretsOf(config) })
      return Otlp.layer({ ...otlp, headers, redaction })
    })
  ).pipe(
    // A request's span is `RequestSpan`, which says nothing of its headers, query and path.
    Layer.merge(Layer.succeed(HttpMiddleware.TracerDisabledWhen, constTrue)),
    Layer.provide(NodeHttpClient.layerUndici)
  )
}

/** `name=value,name=value`, as OTEL_EXPORTER_OTLP_HEADERS has it: values may be percent-encoded. */
const parseHeaders = (secret: Redacted.Redacted): { readonly [name: string]: Redacted.Redacted } =>
  Object.fromEntries(
    Redacted.value(secret)
      .split(",")
      .flatMap((pair) => {
        const at = pair.indexOf("=")
        if (at < 1) return []
        const value = pair.slice(at + 1).trim()
        const decoded = Result.getOrElse(
          Result.try(() => decodeURIComponent(value)),
          () => value
        )
        return [[pair.slice(0, at).trim(), Redacted.make(decoded)]]
      })
  )
