/** A caller of the gateway, as any client of OpenAI's API is one. */
import type * as Replay from "@holdfast/simulator/Replay"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

/** The operation failed; `_tag` is the failure's or refusal's, as the gateway's code tells it. */
export interface Failed {
  readonly _tag: string
}

/** The gateway's codes. */
const tags: Readonly<Record<string, string>> = {
  rate_limit_exceeded: "RateLimit",
  insufficient_quota: "QuotaExceeded",
  provider_unavailable: "ServiceUnavailable",
  server_is_overloaded: "ModelOverloaded",
  provider_authentication_failed: "Authentication",
  provider_permission_denied: "PermissionDenied",
  provider_timeout: "Timeout",
  content_policy_violation: "ContentPolicy",
  provider_unreachable: "Network",
  provider_disconnected: "Network",
  invalid_request: "InvalidRequest",
  context_length_exceeded: "ContextLengthExceeded",
  model_not_found: "ModelNotFound",
  invalid_provider_response: "InvalidResponse",
  stream_truncated: "StreamTruncated",
  circuit_open: "CircuitOpen",
  lane_cooling: "LimitReached",
  lane_limited: "LimitReached",
  lane_throttled: "LimitReached",
  bulkhead_full: "BulkheadFull",
  deadline_exceeded: "DeadlineExceeded",
  budget_exhausted: "BudgetExhausted",
  no_capable_lane: "NoCapableLane",
  all_lanes_failed: "AllLanesFailed",
  request_breaks_providers: "AllLanesFailed"
}

const ErrorBody = Schema.fromJsonString(Schema.Struct({ error: Schema.Struct({ code: Schema.NullOr(Schema.String) }) }))
const Chunk = Schema.fromJsonString(
  Schema.Struct({
    choices: Schema.Array(
      Schema.Struct({ delta: Schema.Struct({ content: Schema.optional(Schema.NullOr(Schema.String)) }) })
    )
  })
)

const failed = (text: string): Failed => {
  const body = Option.getOrUndefined(Schema.decodeUnknownOption(ErrorBody)(text))
  const code = body?.error.code ?? "unknown"
  return { _tag: tags[code] ?? code }
}

/** The gateway itself did not answer, or not to the end. */
const unreachable: Failed = { _tag: "Gateway" }

/** As many tokens of question as the operation has. */
const promptOf = ({ job, text }: Replay.Asked): string => `${text}${" the".repeat(job.inputTokens)}`

/** Asks the route of the gateway at `url`. */
export const ask = Effect.fnUntraced(
  function* (
    url: string,
    route: string,
    asked: Replay.Asked,
    onContent: () => void
  ): Effect.fn.Return<void, Failed, HttpClient.HttpClient> {
    const { isStream, outputTokens } = asked.job
    const response = yield* HttpClientRequest.post(`${url}/v1/chat/completions`).pipe(
      HttpClientRequest.bodyJsonUnsafe({
        model: route,
        stream: isStream,
        max_tokens: outputTokens,
        messages: [{ role: "user", content: promptOf(asked) }]
      }),
      HttpClient.execute,
      Effect.mapError(() => unreachable)
    )
    if (response.status !== 200 || !isStream) {
      const text = yield* Effect.mapError(response.text, () => unreachable)
      return response.status === 200 ? undefined : yield* Effect.fail(failed(text))
    }
    let isWhole = false
    yield* response.stream.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.mapError(() => unreachable),
      Stream.runForEach((line) => {
        if (!line.startsWith("data: ")) return Effect.void
        const data = line.slice("data: ".length)
        if (data.startsWith('{"error"')) return Effect.fail(failed(data))
        if (data === "[DONE]") isWhole = true
        const chunk = Option.getOrUndefined(Schema.decodeUnknownOption(Chunk)(data))
        if (chunk?.choices.some(({ delta }) => (delta.content ?? "") !== "") === true) onContent()
        return Effect.void
      })
    )
    if (!isWhole) return yield* Effect.fail(unreachable)
  },
  (effect) => Effect.scoped(effect)
)
