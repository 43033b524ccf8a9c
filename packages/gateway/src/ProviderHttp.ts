/**
 * The HTTP client for providers: undici's, with the connect clock of the policy. Undici has one connect timeout for all
 * requests; here each request has its route's.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type * as Undici from "@effect/platform-node/Undici"
import * as ConnectClock from "@holdfast/core/ConnectClock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { constTrue } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Tracer from "effect/Tracer"

/** What a request carries to learn that it has its connection. */
class Connection {
  isThere = false
}

interface Carrying extends Partial<Undici.Dispatcher.RequestOptions> {
  readonly connection: Connection
}

/** Undici asks a handler to start once its request has a connection, and not before. */
const telling: Undici.Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  if (Predicate.hasProperty(options, "connection") && options.connection instanceof Connection) {
    const { connection } = options
    const start = handler.onRequestStart?.bind(handler)
    handler.onRequestStart = (controller, context) => {
      connection.isThere = true
      start?.(controller, context)
    }
  }
  return dispatch(options, handler)
}

/** Undici's own limit only ends connections that nobody waits for any more. */
const dispatcher = Layer.effect(
  NodeHttpClient.Dispatcher,
  Effect.map(NodeHttpClient.makeDispatcherOptions({ connect: { timeout: 120_000 } }), (agent) => agent.compose(telling))
)

const withConnectClock = HttpClient.transform<
  HttpClientError.HttpClientError,
  never,
  HttpClientError.HttpClientError,
  never
>((send, request) =>
  Effect.flatMap(ConnectClock.Limit, (limit) => {
    const carried: Carrying = { connection: new Connection() }
    const clock = Effect.andThen(
      Effect.sleep(limit),
      Effect.suspend(() =>
        carried.connection.isThere
          ? Effect.never
          : Effect.fail(
              new HttpClientError.HttpClientError({
                reason: new HttpClientError.TransportError({
                  request,
                  cause: Object.assign(new Error("no connection in time"), { code: "UND_ERR_CONNECT_TIMEOUT" })
                })
              })
            )
      )
    )
    return Effect.raceFirst(Effect.provideService(send, NodeHttpClient.UndiciOptions, carried), clock)
  })
)

/**
 * The request belongs to its caller's trace, and says so (W3C Trace Context). It gets no span of its own: an attempt has
 * one already, made when it is over.
 */
const withTrace = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  client.pipe(
    HttpClient.mapRequestEffect((request) =>
      Effect.map(Effect.serviceOption(Tracer.ParentSpan), (parent) =>
        Option.isNone(parent) ? request : HttpClientRequest.setHeader(request, "traceparent", traceparent(parent.value))
      )
    ),
    HttpClient.transformResponse(Effect.provideService(HttpClient.TracerDisabledWhen, constTrue))
  )

const traceparent = ({ sampled, spanId, traceId }: Tracer.AnySpan): string =>
  `00-${traceId.padStart(32, "0")}-${spanId.padStart(16, "0")}-${sampled ? "01" : "00"}`

export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(NodeHttpClient.makeUndici, (client) => withTrace(withConnectClock(client)))
).pipe(Layer.provide(dispatcher))
