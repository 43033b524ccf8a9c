/** Serves what the admin API says of policies in storms that are simulated. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import * as Api from "./Api.ts"
import * as Live from "./Live.ts"
import * as WhatIf from "./WhatIf.ts"

export const group = HttpApiBuilder.group(
  Api.Api,
  "whatIf",
  Effect.fnUntraced(function* (handlers) {
    const live = yield* Live.Live
    const { options, page, run } = yield* WhatIf.WhatIf
    return handlers
      .handle("whatIf", () => options)
      .handle(
        "runWhatIf",
        Effect.fnUntraced(function* ({ payload }) {
          const events = yield* run(payload)
          return HttpServerResponse.stream(
            events.pipe(Stream.interruptWhen(Deferred.await(live.over)), Stream.encodeText),
            {
              contentType: "text/event-stream; charset=utf-8",
              headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
            }
          )
        })
      )
      .handle("whatIfPage", ({ params }) =>
        Effect.map(page(params.id), (html) =>
          HttpServerResponse.text(html, {
            contentType: "text/html; charset=utf-8",
            headers: {
              "content-disposition": `attachment; filename="what-if-${params.id}.html"`,
              "content-security-policy": "sandbox",
              "x-content-type-options": "nosniff"
            }
          })
        )
      )
  })
)
