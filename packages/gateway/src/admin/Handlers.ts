/** Serves the admin API. */
import * as Alerts from "@holdfast/telemetry/alerts/Alerts"
import type * as Silence from "@holdfast/telemetry/alerts/Silence"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpEffect from "effect/http/HttpEffect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Access from "./Access.ts"
import * as Api from "./Api.ts"
import * as Denials from "./Denials.ts"
import * as EventStream from "./EventStream.ts"
import * as History from "./History.ts"
import * as Holds from "./Holds.ts"
import { defined } from "./internal/defined.ts"
import * as ErrorGroups from "./internal/ErrorGroups.ts"
import * as Tally from "./internal/Tally.ts"
import * as Trails from "./internal/Trails.ts"
import * as Live from "./Live.ts"
import type * as Model from "./Model.ts"
import * as Series from "./Series.ts"
import * as State from "./State.ts"
import * as Waterfall from "./Waterfall.ts"
import * as WhatIfHandlers from "./WhatIfHandlers.ts"

const reading = HttpApiBuilder.group(
  Api.Api,
  "reading",
  Effect.fnUntraced(function* (handlers) {
    const access = yield* Access.Access
    const holds = yield* Holds.Holds
    const live = yield* Live.Live
    const state = yield* State.State
    const history = yield* History.History
    return handlers
      .handle("access", ({ request }) =>
        Effect.map(access.isKnown(request), (session) => ({ key: access.hasKey, session }))
      )
      .handle("state", () => state.now)
      .handle("series", ({ query }) => seriesOf(live, history, query))
      .handle("errors", () => groupsOf(live, history))
      .handle("operations", ({ query }) => operationsOf(live, history, { ...query, limit: query.limit ?? 200 }))
      .handle("operation", ({ params }) => {
        const events = live.trails.byOperation.get(params.id)
        if (events !== undefined) return Effect.sync(() => Waterfall.of(events))
        return Effect.gen(function* () {
          const kept = Result.getOrElse(yield* history.trail(params.id), () => undefined)
          if (kept !== undefined) return kept
          return yield* new Api.Unknown({ message: `Nothing is known of an operation ${params.id}, or not any more` })
        })
      })
      .handle("actions", () => holds.actions)
      .handleRaw("events", ({ headers }) =>
        Effect.succeed(
          HttpServerResponse.stream(
            EventStream.make(live, state.now, EventStream.placeOf(live, headers["last-event-id"])).pipe(
              Stream.interruptWhen(Deferred.await(live.over)),
              Stream.encodeText
            ),
            {
              contentType: "text/event-stream; charset=utf-8",
              headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
            }
          )
        )
      )
  })
)

const acting = HttpApiBuilder.group(
  Api.Api,
  "acting",
  Effect.fnUntraced(function* (handlers) {
    const access = yield* Access.Access
    const holds = yield* Holds.Holds
    const live = yield* Live.Live
    const history = yield* History.History
    const put = Effect.fnUntraced(function* ({
      minutes,
      ...wish
    }: Holds.Wish & { readonly minutes?: number | undefined }) {
      const duration = minutes === undefined ? undefined : Duration.minutes(minutes)
      const done = yield* holds.put({ ...wish, duration })
      return done ?? (yield* new Api.Unknown({ message: `There is no circuit ${wish.circuit}` }))
    })
    const known: Model.Access = { key: true, session: true }
    return handlers
      .handle("login", () =>
        Effect.gen(function* () {
          const value = yield* access.session
          yield* withCookie(value, Access.sessionMillis)
          return known
        })
      )
      .handle("logout", () => Effect.as(withCookie("", 0), { key: true, session: false }))
      .handle("hold", ({ payload }) => put({ ...payload, by: payload.by ?? someone, drain: false }))
      .handle("drain", ({ payload: { lane, ...payload } }) =>
        put({ ...payload, circuit: lane, mode: "force-open", drain: true, by: payload.by ?? someone })
      )
      .handle(
        "release",
        Effect.fnUntraced(function* ({ params, payload }) {
          const done = yield* holds.release(params.id, { by: payload.by ?? someone, reason: payload.reason })
          return done ?? (yield* new Api.Unknown({ message: `There is no hold ${params.id}, or not any more` }))
        })
      )
      .handle(
        "resolve",
        Effect.fnUntraced(function* ({ payload }) {
          const by = payload.by ?? someone
          const at = yield* Clock.currentTimeMillis
          const group = (yield* groupsOf(live, history)).find((one) => one.id === payload.id)
          if (group === undefined) {
            return yield* new Api.Unknown({ message: `There is no group ${payload.id}, or not any more` })
          }
          const resolution = { at, by, note: payload.reason }
          ErrorGroups.resolve(live.groups, payload.id, resolution)
          yield* history.resolve(group, by, payload.reason)
          const target = `${group.class} of ${group.provider}${group.rule === "" ? "" : ` (${group.rule})`}`
          yield* holds.note({ by, action: "resolve", target, reason: payload.reason })
          return { ...group, resolution, regressed: false }
        })
      )
  })
)

const alerting = HttpApiBuilder.group(
  Api.Api,
  "alerting",
  Effect.fnUntraced(function* (handlers) {
    const alerts = yield* Alerts.Alerts
    const holds = yield* Holds.Holds
    return handlers
      .handle("alerts", () =>
        Effect.gen(function* () {
          const [list, silences, deliveries] = yield* Effect.all([alerts.list, alerts.silences, alerts.deliveries])
          return { alerts: list.map(defined), silences, deliveries: deliveries.map(defined) }
        })
      )
      .handle(
        "silence",
        Effect.fnUntraced(function* ({ payload: { by = someone, matcher, minutes, reason } }) {
          // What the payload's schema lets pass can be silenced.
          const silence = yield* Effect.orDie(
            alerts.silence({ matcher, duration: Duration.minutes(minutes), by, reason })
          )
          yield* holds.note({ by, action: "silence", target: wordsOf(matcher), reason })
          return silence
        })
      )
      .handle(
        "unsilence",
        Effect.fnUntraced(function* ({ params: { id }, payload: { by = someone, reason } }) {
          const silence = (yield* alerts.silences).find((one) => one.id === id)
          if (!(yield* alerts.unsilence(id)) || silence === undefined) {
            return yield* new Api.Unknown({ message: `There is no silence ${id}, or not any more` })
          }
          yield* holds.note({ by, action: "unsilence", target: wordsOf(silence.matcher), reason })
          return { id }
        })
      )
      .handle(
        "testAlerts",
        Effect.fnUntraced(function* ({ payload: { by = someone, delivery, reason = "to see whether it arrives" } }) {
          const outcomes = yield* Effect.mapError(alerts.test(delivery), ({ message }) => new Api.Unknown({ message }))
          yield* holds.note({ by, action: "test", target: delivery ?? "every delivery", reason })
          return outcomes
        })
      )
  })
)

/** What a silence is about, such as `provider gemini, severity info`. */
const wordsOf = (matcher: Silence.Matcher): string =>
  Object.entries(matcher)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ")

/** Who acts without saying a name. */
const someone = "an operator"

const withCookie = (value: string, maxAgeMillis: number) =>
  HttpEffect.appendPreResponseHandler((_request, response) =>
    Effect.succeed(
      HttpServerResponse.setCookieUnsafe(response, Access.cookieName, value, {
        httpOnly: true,
        sameSite: "strict",
        path: "/",
        maxAge: maxAgeMillis
      })
    )
  )

/** From memory where that reaches, and what is older from the store; where that does not answer, what memory has of it. */
const seriesOf = Effect.fnUntraced(function* (
  live: Live.Kept,
  history: History.History["Service"],
  query: Series.Query
) {
  const now = yield* Clock.currentTimeMillis
  const reach = Math.max(live.startedAt, now - Tally.sliceMillis * Tally.keptSlices)
  const here = Series.fromMemory(live, query)
  if (query.from >= reach) return here
  const stored = yield* history.series(query)
  return Result.isSuccess(stored) ? Series.joined(stored.success, here, reach) : { ...here, problem: stored.failure }
})

/** From memory, and what is older from the store. */
const operationsOf = Effect.fnUntraced(function* (
  live: Live.Kept,
  history: History.History["Service"],
  query: Trails.Query
) {
  const here = Trails.search(live.trails, query).map(defined)
  const text = query.text?.trim()
  if (here.length >= query.limit) return here
  const [oldest] = live.trails.byOperation.values()
  const older = yield* history.operations({
    text: text === "" ? undefined : text,
    route: query.route,
    result: query.result,
    until: oldest === undefined ? undefined : Trails.summarise(oldest).startedAt,
    limit: query.limit - here.length
  })
  const known = new Set(here.map(({ operation }) => operation))
  return [...here, ...Result.getOrElse(older, () => []).filter(({ operation }) => !known.has(operation))]
})

/** Those since the start from memory, with what the store has of before. */
const groupsOf = Effect.fnUntraced(function* (live: Live.Kept, history: History.History["Service"]) {
  const here = [...live.groups.values()].toReversed().map(groupOf)
  const before = Result.getOrElse(yield* history.earlierErrors, () => [])
  const known = new Map(before.map((group) => [group.id, group]))
  const merged = here.map((group) => {
    const old = known.get(group.id)
    known.delete(group.id)
    return old === undefined ? group : ErrorGroups.joined(old, group)
  })
  return [...merged, ...[...known.values()].toSorted((a, b) => b.lastSeen - a.lastSeen)]
})

const groupOf = (group: ErrorGroups.Group): Model.ErrorGroup =>
  defined({ ...group, lanes: Object.fromEntries(group.lanes) })

export const layer = HttpApiBuilder.layer(Api.Api, { openapiPath: "/api/openapi.json" }).pipe(
  Layer.provide([reading, acting, alerting, WhatIfHandlers.group]),
  Layer.provide([Denials.middleware, HttpApiMiddleware.layerProblemDetails({ includeDetails: true })])
)
