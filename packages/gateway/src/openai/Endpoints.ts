/**
 * The OpenAI-shaped endpoints. Response headers say which lane answered, after how many attempts, whether it is the one
 * the route prefers, and whether the answer is an old one. A client that leaves interrupts its operation, which closes the socket to the provider.
 */
import * as Cache from "@holdfast/core/Cache"
import type * as Failure from "@holdfast/core/Failure"
import * as Operation from "@holdfast/core/Operation"
import * as Provenance from "@holdfast/core/Provenance"
import type * as Refusal from "@holdfast/core/Refusal"
import type * as CoreRoute from "@holdfast/core/Route"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as Response from "effect/ai/Response"
import * as Array from "effect/Array"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ByteSize from "effect/ByteSize"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Routes from "../Routes.ts"
import * as CacheControl from "./CacheControl.ts"
import type * as Config from "../Config.ts"
import * as ChatReply from "./ChatReply.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as EmbeddingsApi from "./EmbeddingsApi.ts"
import * as ErrorReply from "./ErrorReply.ts"
import * as EventStream from "./EventStream.ts"
import * as Restarting from "./Restarting.ts"

/** The largest request body that is read; images come in it as text. */
export const maxBodySize = ByteSize.fromInputUnsafe("32 MiB")

export const layer = (streams: Config.Streams = {}): Layer.Layer<never, never, HttpRouter.HttpRouter | Routes.Routes> =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const routes = yield* Routes.Routes
      yield* router.add("POST", "/v1/chat/completions", answering(chat(routes, streams)))
      yield* router.add("POST", "/v1/embeddings", answering(embeddings(routes)))
      yield* router.add("GET", "/v1/models", models(routes))
      yield* router.add("*", "/v1/*", respond(ErrorReply.unknownPath))
    })
  )

type StreamPart = Response.StreamPartEncoded | CoreRoute.Restarted
type Errors = Failure.Failure | Refusal.Refusal
type HandlerError = Errors | ChatRequest.BadRequest | UnknownRoute
type Handler = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  HandlerError,
  HttpServerRequest.HttpServerRequest | Scope.Scope
>

/** The name in `model` is no route for this endpoint. */
interface UnknownRoute {
  readonly _tag: "UnknownRoute"
  readonly reply: ErrorReply.ErrorReply
}

/** Turns everything that can go wrong into OpenAI's error shape, with what is known about the attempts. */
const answering = (
  handler: (collector: Provenance.Collector) => Handler
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest | Scope.Scope> =>
  Effect.suspend(() => {
    const collector = Provenance.collector()
    return Effect.flatMap(CacheControl.ofRequest, ({ bypass, name, tenant }) =>
      handler(collector).pipe(
        Effect.provideService(Cache.Bypass, bypass),
        Effect.provideService(Cache.Tenant, tenant),
        Effect.provideService(Operation.Tenant, name)
      )
    ).pipe(
      Effect.provideService(Provenance.Sink, collector),
      Effect.provideService(HttpIncomingMessage.MaxBodySize, maxBodySize),
      Effect.catch((error) => Effect.succeed(respond(replyOf(error), provenanceHeaders(collector)))),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.failCause(cause)
          : Effect.as(Effect.logError("A request handler broke", cause), respond(ErrorReply.internal))
      )
    )
  })

const replyOf = (error: HandlerError): ErrorReply.ErrorReply => {
  switch (error._tag) {
    case "UnknownRoute":
      return error.reply
    case "BadRequest":
      return ErrorReply.ofBadRequest(error)
    default:
      return ErrorReply.ofError(error)
  }
}

const respond = (
  reply: ErrorReply.ErrorReply,
  headers: { readonly [name: string]: string } = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(reply.body, { status: reply.status, headers: { ...headers, ...reply.headers } })

const provenanceHeaders = (
  { provenance }: Provenance.Collector,
  ignored: ReadonlyArray<string> = []
): { readonly [name: string]: string } => ({
  ...(provenance === undefined
    ? {}
    : {
        "x-holdfast-operation": provenance.operation,
        "x-holdfast-route": encodeURIComponent(provenance.route),
        "x-holdfast-attempts": String(provenance.sent),
        "x-holdfast-degraded": String(provenance.degraded),
        ...(provenance.lane === undefined ? {} : { "x-holdfast-lane": provenance.lane }),
        ...adaptedHeader(provenance),
        ...CacheControl.headersOf(provenance)
      }),
  ...(ignored.length === 0 ? {} : { "x-holdfast-ignored": ignored.map(encodeURIComponent).join(",") })
})

/** What the lanes that gave the answer have changed in the meaning of the request. */
const adaptedHeader = ({ adapted = [], continuedFrom = [], lane }: Provenance.Provenance) => {
  const what = adapted.filter((one) => one.lane === lane || continuedFrom.includes(one.lane)).flatMap((one) => one.what)
  return what.length === 0 ? {} : { "x-holdfast-adapted": [...new Set(what)].join(",") }
}

const readJson = Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => request.json).pipe(
  Effect.mapError(
    () => new ChatRequest.BadRequest({ param: null, code: "invalid_json", problem: "the body is not readable as JSON" })
  )
)

const find = (
  routes: Routes.Routes["Service"],
  name: string,
  serves: (route: Routes.Route) => boolean
): Effect.Effect<Routes.Route, UnknownRoute> => {
  const route = routes.byName.get(name)
  if (route !== undefined && serves(route)) return Effect.succeed(route)
  const known = [...routes.byName.values()].filter(serves).map((one) => one.name)
  return Effect.fail({ _tag: "UnknownRoute", reply: ErrorReply.noSuchRoute(name, known) })
}

const chat = (routes: Routes.Routes["Service"], streams: Config.Streams) =>
  Effect.fnUntraced(function* (collector: Provenance.Collector) {
    const asked = yield* Effect.flatMap(readJson, ChatRequest.parse)
    const route = yield* find(routes, asked.route, (one) => one.text !== undefined)
    const { text } = route
    if (text === undefined) return yield* Effect.die(`${route.name} was found to serve text`)
    return asked.stream ? yield* streamed(asked, text, collector, streams) : yield* whole(asked, text, collector)
  })

const whole = Effect.fnUntraced(function* (
  asked: ChatRequest.ChatRequest,
  text: TextModel.TextModel<Errors>,
  collector: Provenance.Collector
) {
  const parts = yield* text.generate(asked.request)
  const body = ChatReply.completion(yield* headOf(collector, parts), parts)
  return HttpServerResponse.jsonUnsafe(body, { headers: provenanceHeaders(collector, asked.ignored) })
})

/**
 * Waits for the first content before it answers: until then a failure is an ordinary error status, and nothing can be sent
 * that would keep the connection alive. Where `streamHeadersAfter` ends that wait, a failure is an error event from then
 * on. So it is after the first content, and the stream ends without `[DONE]`.
 */
const streamed = Effect.fnUntraced(function* (
  asked: ChatRequest.ChatRequest,
  text: CoreRoute.Text,
  collector: Provenance.Collector,
  settings: Config.Streams
) {
  // The request's own scope: it closes when the response is over, or when the client has left.
  const scope = yield* Scope.Scope
  const ask = (yield* Restarting.isAsked) ? text.streamRestarting : text.stream
  const source = Stream.provideService(ask(asked.request), Provenance.Sink, collector)
  const pull = yield* Scope.provide(Stream.toPull(source), scope)
  const open = Effect.gen(function* () {
    const first = yield* Pull.catchDone(pull, () => Effect.succeed(Array.empty<StreamPart>()))
    const chunker = ChatReply.chunker(yield* headOf(collector, first), asked.includeUsage)
    return Stream.concat(Stream.fromArray(first), Stream.fromPull(Effect.succeed(pull))).pipe(
      Stream.map((part) => chunker.chunks(part).map(ChatReply.event).join(""))
    )
  })
  const chunks = yield* inTime(open, scope, collector, settings.streamHeadersAfter)
  const events = chunks.pipe(
    Stream.concat(Stream.succeed(ChatReply.event("[DONE]"))),
    Stream.catch((error) => Stream.succeed(ChatReply.event(ErrorReply.ofError(error).body)))
  )
  return HttpServerResponse.stream(
    Stream.encodeText(EventStream.keptAlive(events, settings.streamHeartbeat ?? defaultHeartbeat)),
    {
      contentType: "text/event-stream; charset=utf-8",
      headers: {
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        ...provenanceHeaders(collector, asked.ignored)
      }
    }
  )
})

const defaultHeartbeat = Duration.seconds(10)

/** The events as soon as the first is here; or a stream that still waits for it, when that takes longer than `after`. */
const inTime = <E>(
  open: Effect.Effect<Stream.Stream<string, E>, E>,
  scope: Scope.Scope,
  collector: Provenance.Collector,
  after: Duration.Duration | undefined
): Effect.Effect<Stream.Stream<string, E>, E> => {
  if (after === undefined) return open
  return Effect.gen(function* () {
    const opening = yield* Effect.forkIn(open, scope)
    const opened = yield* Effect.timeoutOption(Fiber.join(opening), after)
    if (Option.isSome(opened)) return opened.value
    // What the headers could not say any more is said in front of the first event.
    return Stream.unwrap(
      Effect.map(Fiber.join(opening), (events) =>
        Stream.concat(Stream.succeed(EventStream.comment(JSON.stringify(provenanceHeaders(collector)))), events)
      )
    )
  })
}

const headOf = Effect.fnUntraced(function* (
  { provenance }: Provenance.Collector,
  parts: ReadonlyArray<Response.PartEncoded | StreamPart>
) {
  return {
    id: `chatcmpl-${provenance?.operation ?? "unknown"}`,
    created: Math.floor((yield* Clock.currentTimeMillis) / 1000),
    model: ChatReply.modelOf(parts) ?? provenance?.model ?? "unknown"
  }
})

const embeddings = (routes: Routes.Routes["Service"]) =>
  Effect.fnUntraced(function* (collector: Provenance.Collector) {
    const asked = yield* Effect.flatMap(readJson, EmbeddingsApi.parse)
    const route = yield* find(routes, asked.route, (one) => one.embed !== undefined)
    if (route.embed === undefined) return yield* Effect.die(`${route.name} was found to embed`)
    const response = yield* route.embed.embed(asked.request)
    return HttpServerResponse.jsonUnsafe(EmbeddingsApi.reply(asked, response), {
      headers: provenanceHeaders(collector, asked.ignored)
    })
  })

const models = (routes: Routes.Routes["Service"]): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({
    object: "list",
    data: [...routes.byName.keys()].map((id) => ({ id, object: "model", created: 0, owned_by: "holdfast" }))
  })
