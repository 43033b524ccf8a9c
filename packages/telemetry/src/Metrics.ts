/**
 * Metrics of what the pipeline does, counted from its events, off the path of calls; what is the case now (circuits, queues,
 * limits, budgets) is read when somebody looks. They are metrics of Effect's, in a registry of this layer's own, so that
 * Prometheus and OTLP say the same.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import type * as Scope from "effect/Scope"
import { consume } from "./internal/consume.ts"
import { Journeys } from "./internal/Journey.ts"
import { measure } from "./internal/measure.ts"
import * as readings from "./internal/readings.ts"
import { reading, type Reading, Series } from "./internal/Series.ts"
import * as Names from "./Names.ts"

export class Metrics extends Context.Service<
  Metrics,
  {
    /** Reads what is the case now into the registry. */
    readonly refresh: Effect.Effect<void>
    /** All of it as Prometheus reads it (text format 0.0.4), refreshed. */
    readonly prometheus: Effect.Effect<string>
    /** Where the metrics are, for exporters. */
    readonly registry: Metric.MetricRegistry
  }
>()("@holdfast/telemetry/Metrics") {}

export interface Options {
  /** Lanes whose limits and budgets are read, each once per policy. Default none. */
  readonly watched?: ReadonlyArray<readings.Watched> | undefined
  /** More that is read when somebody looks, such as a store's rows. */
  readonly more?: Effect.Effect<ReadonlyArray<Reading>> | undefined
  /** Whether operations are requests of callers over a network (`gen_ai.server.*`). Default false. */
  readonly isServer?: boolean | undefined
  /** Values a label may have before the rest is `other`. Default 500. */
  readonly maxLabelValues?: number | undefined
  /** Tenants that are told apart before the rest is `other`. Default 0: nobody is. */
  readonly maxTenants?: number | undefined
  /** Events kept while these metrics are behind. Default 65,536. */
  readonly capacity?: number | undefined
}

export { reading, type Reading }

export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Metrics["Service"], never, readings.Services | Scope.Scope> {
  const services = yield* Effect.context<readings.Services>()
  const registry: Metric.MetricRegistry = new Map()
  const context = Context.make(Metric.MetricRegistry, registry)
  const { isServer = false, maxTenants = 0, more = Effect.succeed([]), watched = [] } = options
  const series = new Series({ context, maxValues: options.maxLabelValues, maxTenants })
  const journeys = new Journeys()
  const subscription = yield* consume({
    capacity: options.capacity ?? 65_536,
    take: (events) =>
      Effect.sync(() => {
        for (const event of events) measure(series, journeys, event, { isServer, tellsTenants: maxTenants > 0 })
      })
  })

  const refresh = Effect.gen(function* () {
    const now = yield* Effect.provideContext(readings.read(watched), services)
    const missed = reading("eventsMissed", {}, yield* subscription.dropped)
    series.replace([...now, missed, ...(yield* more)])
  })
  return Metrics.of({
    refresh,
    prometheus: Effect.map(refresh, () => PrometheusMetrics.formatUnsafe(context, { metricNameMapper })),
    registry
  })
})

export const layer = (options?: Options): Layer.Layer<Metrics, never, readings.Services> =>
  Layer.effect(Metrics, make(options))

const inPrometheus: ReadonlyMap<string, string> = new Map(
  Object.values(Names.metrics).map((metric) => [metric.id, Names.prometheus(metric)])
)
const metricNameMapper = (id: string): string => inPrometheus.get(id) ?? id
