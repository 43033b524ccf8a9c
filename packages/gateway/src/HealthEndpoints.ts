/** What a load balancer and an operator ask: is it alive, can it serve, and how is every lane doing. */
import type * as Bulkhead from "@holdfast/core/Bulkhead"
import type * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import * as EventBus from "@holdfast/core/EventBus"
import type * as Health from "@holdfast/core/Health"
import * as HealthReport from "@holdfast/core/HealthReport"
import * as EventWriter from "@holdfast/store-sql/EventWriter"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Routes from "./Routes.ts"

export const layer: Layer.Layer<
  never,
  never,
  | HttpRouter.HttpRouter
  | Bulkhead.Bulkhead
  | CircuitBreaker.CircuitBreaker
  | EventBus.EventBus
  | EventWriter.EventWriter
  | Health.Health
  | Routes.Routes
> = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const { report } = yield* reporter
    // Alive says nothing about providers or the database: restarting this process would heal neither.
    yield* router.add("GET", "/health/live", HttpServerResponse.jsonUnsafe({ status: "alive" }))
    yield* router.add(
      "GET",
      "/health/ready",
      Effect.map(report, ({ routes, store }) => {
        const isReady = routes.some((route) => route.open < route.lanes.length)
        return HttpServerResponse.jsonUnsafe(
          { status: isReady ? "ready" : "unready", store: store.status, routes },
          { status: isReady ? 200 : 503 }
        )
      })
    )
    yield* router.add("GET", "/api/health", Effect.map(report, HttpServerResponse.jsonUnsafe))
  })
)

/** Everything known about the lanes, the routes and the store, as plain data. */
const reporter = Effect.gen(function* () {
  const bus = yield* EventBus.EventBus
  const routes = yield* Routes.Routes
  const writer = yield* EventWriter.EventWriter
  const context = yield* Effect.context<Bulkhead.Bulkhead | CircuitBreaker.CircuitBreaker | Health.Health>()

  const report = Effect.gen(function* () {
    const { at, circuits, lanes, status } = yield* Effect.provide(HealthReport.report, context)
    const stats = yield* writer.stats
    return {
      status,
      at: DateTime.formatIso(DateTime.makeUnsafe(at)),
      lanes,
      circuits,
      routes: [...routes.byName.values()].map((route) => ({
        route: route.name,
        lanes: route.lanes.map((lane) => lane.id),
        /** How many of its lanes have an open circuit. */
        open: route.lanes.filter((lane) => circuits.some((one) => one.circuit === lane.id && one.state === "open"))
          .length
      })),
      store: { status: stats.away ? ("away" as const) : ("ok" as const), ...stats },
      events: { dropped: yield* bus.dropped }
    }
  })
  return { report }
})
