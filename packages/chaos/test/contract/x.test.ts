import { NodeHttpClient } from "@effect/platform-node"
import { it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Stream, Cause } from "effect"
import { writeFileSync } from "node:fs"
import { always } from "../support/clients.ts"
import { make } from "./EmulatorHosts.ts"
import { ask } from "./contract.ts"
import * as Echo from "./matrix/Echo.ts"
import * as forms from "./matrix/forms.ts"
import * as Witness from "./matrix/Witness.ts"
import { subjects } from "./Subject.ts"

const canary = 'kelp/canary+of"the-rock='
const faults: any[] = [
  { _tag: "RateLimit" },
  ...["retry-after","retry-after-ms","retry-after-date","x-ratelimit-reset","anthropic-ratelimit-reset","RetryInfo","message", undefined].map((form) => ({ _tag: "RateLimit", retryAfter: "7 seconds", ...(form && { form }) })),
  { _tag: "ServerError" }, { _tag: "ServiceUnavailable" }, { _tag: "Overloaded" }, { _tag: "Overloaded", code: "overloaded" },
  { _tag: "QuotaExhausted" }, { _tag: "QuotaExhausted", billing: "payment" }, { _tag: "BadKey" }, { _tag: "PermissionDenied" }, { _tag: "InvalidRequest" },{ _tag: "InvalidRequest", code: "unsupported_value" }, { _tag: "ContextLength" }, { _tag: "ModelNotFound" },
  { _tag: "ContentBlock" }, { _tag: "ContentBlock", at: "answer" }, { _tag: "ContentBlock", at: "answer", after: 4 },
  { _tag: "Hang", for: "20 millis" }, { _tag: "SlowFirstByte", delay: "20 millis" }, { _tag: "SlowFirstByte", delay: "20 millis", before: "content" },
  { _tag: "Stall", after: 4, for: "20 millis" }, { _tag: "Stall", after: 4, for: "20 millis", afterwards: "continue" },
  { _tag: "Reset" }, { _tag: "Reset", after: 4 }, { _tag: "Truncate", after: 4 }, { _tag: "Truncate", after: 4, ending: "clean" }, { _tag: "MalformedChunk", before: 5 },
  { _tag: "StreamError", after: 4 }, { _tag: "StreamError", after: 4, error: "Overloaded" }, { _tag: "StreamError", after: 4, error: "RateLimit" },
  { _tag: "NoDone" }, { _tag: "HtmlPage" }, { _tag: "HtmlPage", status: 200 }, { _tag: "WrongShape" }, { _tag: "EmptyBody" }
]
it.live("x", () => Effect.gen(function* () {
  const out: any = {}
  for (const [k, subject] of Object.entries(subjects)) {
    if (k === "v1" || k === "older") continue
    for (const fault of faults) for (const mode of ["whole", "stream"]) {
      const row = yield* Effect.gen(function* () {
        const emulator = yield* make[subject.format]({ plan: always(fault) })
        const echo = yield* Echo.make(emulator.port, canary)
        const { text } = yield* subject.lane(echo.origin, canary)
        const w = Witness.make()
        const call = mode === "whole" ? text!.generate(ask) : Stream.runCollect(text!.stream(ask))
        const exit = yield* Effect.result(w.watch(call as any)) as any
        const exit2 = yield* Effect.result(call as any)
        yield* Effect.result(call as any)
        yield* Effect.result(call as any)
        const [a] = echo.exchanges
        const conns = echo.exchanges.map((e) => e.connection).join("")
        const isClosed = yield* Deferred.isDone(a!.closed)
        const reused = conns
        const closed = { _tag: isClosed ? "Some" : "None" }
        const f = exit._tag === "Failure" ? exit.failure : undefined
        const leaks: string[] = []
        const hay = (f ? forms.of(f) : "") + w.text()
        for (const [n, v] of Object.entries({ raw: canary, json: JSON.stringify(canary).slice(1, -1), uri: encodeURIComponent(canary) })) if (hay.includes(v)) { const i = hay.indexOf(v); leaks.push(n + ":" + hay.slice(Math.max(0, i - 90), i + 40).replace(/\s+/g, " ")) }
        return [f?._tag ?? "answer", f?.retryAfter ? Duration.toMillis(f.retryAfter) : "-", conns + (closed._tag === "Some" ? "closed" : "open"), a!.echoes, w.spans.length, f?.rule, f?.detail, leaks]
      }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici), Effect.timeout("4 seconds"), Effect.catchCause((c) => Effect.succeed(["ERR", Cause.pretty(c as any).slice(0, 300)])))
      ;((out[JSON.stringify(fault)] ??= {})[k] ??= {})[mode] = row
    }
  }
  writeFileSync("/tmp/matrix.json", JSON.stringify(out, null, 1))
}), 300000)
