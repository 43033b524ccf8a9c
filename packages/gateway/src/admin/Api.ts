/** The admin API, as a contract: what it is asked, what it says, who may. `Handlers` serves it, `/docs` shows it. */
import * as Silence from "@holdfast/telemetry/alerts/Silence"
import * as Schema from "effect/Schema"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Model from "./Model.ts"
import * as WhatIfModel from "./WhatIfModel.ts"

/** Who asks may not: 401 where a key would help, else 403. */
export class KeyNeeded extends Schema.TaggedError<KeyNeeded>()(
  "KeyNeeded",
  { message: Schema.String },
  { httpApiStatus: 401 }
) {}

export class Forbidden extends Schema.TaggedError<Forbidden>()(
  "Forbidden",
  { message: Schema.String },
  { httpApiStatus: 403 }
) {}

export class TooManyKeys extends Schema.TaggedError<TooManyKeys>()(
  "TooManyKeys",
  { message: Schema.String },
  { httpApiStatus: 429 }
) {}

/** There is nothing of that name, or not any more. */
export class Unknown extends Schema.TaggedError<Unknown>()(
  "Unknown",
  { message: Schema.String },
  { httpApiStatus: 404 }
) {}

/** Others are before whoever asks; later there will be room. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", { message: Schema.String }, { httpApiStatus: 429 }) {}

const denials = [KeyNeeded, Forbidden, TooManyKeys]

/** Lets pass who may read. */
export class Readers extends HttpApiMiddleware.Service<Readers>()("@holdfast/gateway/admin/Api/Readers", {
  error: denials
}) {}

/** Lets pass who may start what takes time. */
export class Starters extends HttpApiMiddleware.Service<Starters>()("@holdfast/gateway/admin/Api/Starters", {
  error: denials
}) {}

/** Lets pass who may act. */
export class Actors extends HttpApiMiddleware.Service<Actors>()("@holdfast/gateway/admin/Api/Actors", {
  error: denials
}) {}

/** One line: it goes into the log, and into a store that takes no zero bytes. */
const line = (maxLength: number) =>
  Schema.String.check(
    Schema.isTrimmed(),
    Schema.isMinLength(1),
    Schema.isMaxLength(maxLength),
    Schema.isPattern(/^\P{Cc}*$/u, { expected: "a line without control characters" })
  )

const Text = line(500)

/** Who does it and why; both are written down. */
const said = {
  by: Schema.optional(line(80)),
  reason: Text
}

/** From now on; a year at most. */
const Minutes = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 366 * 24 * 60, exclusiveMinimum: true }))

/** How far a hold reaches. */
const reach = {
  /** Until it ends by itself. Default: until it is released. */
  minutes: Schema.optional(Minutes),
  /** For this gateway alone. Default: for all that share the store. */
  isLocal: Schema.optional(Schema.Boolean)
}

const Limit = Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1_000 }))

/** What is read. */
class Reading extends HttpApiGroup.make("reading")
  .add(
    HttpApiEndpoint.get("access", "/access", { success: Model.Access }),
    HttpApiEndpoint.get("state", "/state", { success: Model.State }),
    HttpApiEndpoint.get("series", "/series", {
      query: {
        /** Milliseconds since the epoch. */
        from: Schema.FiniteFromString,
        to: Schema.FiniteFromString,
        lane: Schema.optional(Schema.String)
      },
      success: Model.Series
    }),
    HttpApiEndpoint.get("errors", "/errors", { success: Schema.Array(Model.ErrorGroup) }),
    HttpApiEndpoint.get("operations", "/operations", {
      query: {
        text: Schema.optional(Schema.String),
        route: Schema.optional(Schema.String),
        result: Schema.optional(Schema.String),
        limit: Schema.optional(Limit)
      },
      success: Schema.Array(Model.Operation)
    }),
    HttpApiEndpoint.get("operation", "/operations/:id", {
      params: { id: Schema.String },
      success: Model.Trail,
      error: Unknown
    }),
    HttpApiEndpoint.get("actions", "/actions", { success: Schema.Array(Model.Action) }),
    HttpApiEndpoint.get("events", "/events", {
      headers: { "last-event-id": Schema.optional(Schema.String) },
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" }))
    }).annotate(
      OpenApi.Description,
      "Server-sent events: `hello` first, then `events` (an array of what happened, a few times a second) and `state` " +
        "(the state without the lanes that are as they were, once a second). Reconnect with `Last-Event-ID` and what " +
        "was missed is sent again; `hello` says how many are gone."
    )
  )
  .middleware(HttpApiMiddleware.ProblemDetails)
  .middleware(Readers)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ title: "Reading" })) {}

/** What is done. */
class Acting extends HttpApiGroup.make("acting")
  .add(
    HttpApiEndpoint.post("login", "/session", { success: Model.Access }),
    HttpApiEndpoint.post("logout", "/session/end", { success: Model.Access }),
    HttpApiEndpoint.post("hold", "/holds", {
      payload: Schema.Struct({ circuit: Schema.String, mode: Model.HoldMode, ...reach, ...said }),
      success: Model.Hold,
      error: Unknown
    }),
    HttpApiEndpoint.post("release", "/holds/:id/release", {
      params: { id: Schema.String },
      payload: Schema.Struct(said),
      success: Model.Hold,
      error: Unknown
    }),
    HttpApiEndpoint.post("drain", "/drains", {
      payload: Schema.Struct({ lane: Schema.String, ...reach, ...said }),
      success: Model.Hold,
      error: Unknown
    }),
    HttpApiEndpoint.post("resolve", "/errors/resolve", {
      payload: Schema.Struct({ id: Schema.String, ...said }),
      success: Model.ErrorGroup,
      error: Unknown
    })
  )
  .middleware(HttpApiMiddleware.ProblemDetails)
  .middleware(Actors)
  .prefix("/api")
  .annotateMerge(
    OpenApi.annotations({
      title: "Acting",
      description:
        "Takes the admin key in `x-holdfast-admin-key`; or the session's cookie together with `x-holdfast-action: 1`."
    })
  ) {}

/** What people are told of, and who is told. */
class Alerting extends HttpApiGroup.make("alerting")
  .add(
    HttpApiEndpoint.get("alerts", "/alerts", { success: Model.Alerts }).middleware(Readers),
    HttpApiEndpoint.post("silence", "/alerts/silences", {
      payload: Schema.Struct({
        matcher: Silence.Matcher,
        minutes: Minutes,
        ...said
      }),
      success: Silence.Silence
    }).middleware(Actors),
    HttpApiEndpoint.post("unsilence", "/alerts/silences/:id/end", {
      params: { id: Schema.String },
      payload: Schema.Struct(said),
      success: Schema.Struct({ id: Schema.String }),
      error: Unknown
    }).middleware(Actors),
    HttpApiEndpoint.post("testAlerts", "/alerts/test", {
      payload: Schema.Struct({
        /** Of one delivery; else all are tested. */
        delivery: Schema.optional(Schema.String),
        by: said.by,
        reason: Schema.optional(Text)
      }),
      success: Schema.Array(Model.DeliveryOutcome),
      error: Unknown
    }).middleware(Actors)
  )
  .middleware(HttpApiMiddleware.ProblemDetails)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ title: "Alerting" })) {}

/** What would be. */
class WhatIf extends HttpApiGroup.make("whatIf")
  .add(
    HttpApiEndpoint.get("whatIf", "/what-if", { success: WhatIfModel.Options })
      .annotate(OpenApi.Description, "The routes, storms and policies there are to choose from.")
      .middleware(Readers),
    HttpApiEndpoint.post("runWhatIf", "/what-if/runs", {
      payload: WhatIfModel.Request,
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" })),
      error: [Unknown, Busy]
    })
      .annotate(
        OpenApi.Description,
        "Runs a route's policy through a storm of the simulator, in a thread of its own, one run at a time. Takes " +
          "`x-holdfast-action: 1` or the admin key. The answer is server-sent events: `waiting` (`ahead`: runs before " +
          "this one), `running` (`part`, from 0 to 1), and at the end `picture` (`id` for the page, `lanes`, `picture`) or " +
          "`problem` (`message`). Closing the connection ends the run."
      )
      .middleware(Starters),
    HttpApiEndpoint.get("whatIfPage", "/what-if/runs/:id/page", {
      params: { id: Schema.String },
      success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/html; charset=utf-8" })),
      error: Unknown
    })
      .annotate(OpenApi.Description, "The report of one of the last runs as a page that loads nothing, to keep.")
      .middleware(Readers)
  )
  .middleware(HttpApiMiddleware.ProblemDetails)
  .prefix("/api")
  .annotateMerge(OpenApi.annotations({ title: "What if" })) {}

export class Api extends HttpApi.make("holdfast")
  .add(Reading)
  .add(Acting)
  .add(Alerting)
  .add(WhatIf)
  .annotateMerge(
    OpenApi.annotations({ title: "Holdfast", description: "What the gateway does, and what it is told." })
  ) {}
