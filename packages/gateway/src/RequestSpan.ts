/**
 * The span of a request to the gateway: the child of its caller's (`traceparent`), and the parent of its operation's. It
 * lasts until the answer is sent, streams to their end. It has no header, no query, no path but the endpoint's, and of an
 * error no more than that there was one: all of them may hold keys.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import * as Option from "effect/Option"

/** The endpoints for models; looks at health, metrics and the page come all the time. */
const seen = /^\/v\d/

/** The router adds `http.route` to it. */
export const traced = <E, R>(
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers, method, url }) => {
    if (!seen.test(url)) return answer
    const parent = Option.getOrUndefined(HttpTraceContext.w3c(headers))
    const attributes = { "http.request.method": method }
    return Effect.flatMap(Effect.makeSpan(method, { kind: "server", parent, attributes }), (span) =>
      Effect.onExit(Effect.withParentSpan(answer, span, { captureStackTrace: false }), (exit) =>
        Effect.map(Clock.currentTimeNanos, (now) => {
          const status = Exit.isSuccess(exit) ? exit.value.status : undefined
          if (status !== undefined) span.attribute("http.response.status_code", status)
          if (status !== undefined && status >= 500) span.attribute("error.type", String(status))
          span.end(now, endOf(exit))
        })
      )
    )
  })

const endOf = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<void, string> => {
  if (Exit.isSuccess(exit)) return Exit.void
  return Cause.hasInterruptsOnly(exit.cause) ? Exit.interrupt() : Exit.fail("the request was not answered")
}
