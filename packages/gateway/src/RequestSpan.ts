/**
 * The span of a request to the gateway: the child of its caller's (`traceparent`), and the parent of its operation's. It
 * lasts until the answer is sent, streams to their end. It has no header, no query, and no path but the endpoint's.
 */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"

/** What operators and machines ask all the time. */
const unseen = /^\/(?:health|metrics|api)(?:[/?]|$)/

/** The router adds `http.route` to it. */
export const traced = <E, R>(
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, method, url }) =>
    unseen.test(url)
      ? answer
      : Effect.useSpan(
          method,
          {
            kind: "server",
            parent: Option.getOrUndefined(HttpTraceContext.w3c(headers)),
            attributes: { "http.request.method": method }
          },
          (span) =>
            Effect.tap(Effect.withParentSpan(answer, span, { captureStackTrace: false }), ({ status }) =>
              Effect.sync(() => {
                span.attribute("http.response.status_code", status)
                if (status >= 500) span.attribute("error.type", String(status))
              })
            )
        )
  )
