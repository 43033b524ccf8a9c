/**
 * Sends spans and metrics to an OpenTelemetry collector, in batches, off the path of calls; a collector that is away costs
 * spans and stops nobody. Logs are not sent: they go where `Logging` says, without secrets.
 */
import type * as EventBus from "@holdfast/core/EventBus"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Redacted from "effect/Redacted"
import * as Metrics from "./Metrics.ts"
import type * as Redaction from "./Redaction.ts"
import * as Spans from "./Spans.ts"

export interface Options {
  /** The collector's, without `/v1/traces`: `http://127.0.0.1:4318`. */
  readonly url: string
  /** Sent with every batch; a value is a secret. */
  readonly headers?: { readonly [name: string]: Redacted.Redacted } | undefined
  /** Default `holdfast`. */
  readonly serviceName?: string | undefined
  /** Between two batches of spans. Default 5 seconds. */
  readonly spansEvery?: Duration.Input | undefined
  /** Between two looks at the metrics. Default 10 seconds. */
  readonly metricsEvery?: Duration.Input | undefined
  readonly redaction?: Redaction.Redaction | undefined
}

/**
 * Sets the tracer of everything it is provided to, makes the spans of operations, and sends both them and the metrics.
 * Closing it sends what is left, for three seconds at most.
 */
export const layer = (
  options: Options
): Layer.Layer<never, never, HttpClient.HttpClient | EventBus.EventBus | Metrics.Metrics> => {
  const base = options.url.replace(/\/+$/, "")
  const common = {
    resource: { serviceName: options.serviceName ?? "holdfast" },
    headers: Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [name, Redacted.value(value)])
    )
  }
  const spansEvery = Duration.fromInputUnsafe(options.spansEvery ?? "5 seconds")
  const metricsEvery = Duration.fromInputUnsafe(options.metricsEvery ?? "10 seconds")
  const metrics = Effect.gen(function* () {
    const { refresh, registry } = yield* Metrics.Metrics
    yield* OtlpMetrics.make({ ...common, url: `${base}/v1/metrics`, exportInterval: metricsEvery }).pipe(
      Effect.provideService(Metric.MetricRegistry, registry)
    )
    // Finalizers run backwards: the last export has what is the case then.
    yield* Effect.addFinalizer(() => refresh)
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(refresh, Effect.sleep(metricsEvery))))
  })
  return Layer.merge(
    Layer.effectDiscard(metrics),
    Layer.provideMerge(
      Spans.layer({ redaction: options.redaction }),
      OtlpTracer.layer({ ...common, url: `${base}/v1/traces`, exportInterval: spansEvery })
    )
  ).pipe(Layer.provide(OtlpExporter.layerFlusher), Layer.provide(OtlpSerialization.layerJson))
}
