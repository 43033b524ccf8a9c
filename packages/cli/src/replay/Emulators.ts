/**
 * The providers of a scenario on loopback sockets: an emulator for each, in the wire format of its kind, that asks the
 * scenario's model what to do with each call and does that in real time.
 */
import * as AnthropicEmulator from "@holdfast/chaos/AnthropicEmulator"
import type * as Direction from "@holdfast/chaos/Direction"
import type * as Fault from "@holdfast/chaos/Fault"
import * as GeminiEmulator from "@holdfast/chaos/GeminiEmulator"
import * as OpenAiEmulator from "@holdfast/chaos/OpenAiEmulator"
import * as Config from "@holdfast/gateway/Config"
import type * as ProviderModel from "@holdfast/simulator/ProviderModel"
import type * as Replay from "@holdfast/simulator/Replay"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** One provider that listens. */
export interface Listening {
  readonly provider: string
  readonly kind: Config.Kind
  /** The base URL for the lanes of its kind. */
  readonly url: string
}

const make: { readonly [Kind in Config.Kind]: typeof OpenAiEmulator.make } = {
  openai: OpenAiEmulator.make,
  gemini: GeminiEmulator.make,
  anthropic: AnthropicEmulator.make,
  "openai-compatible": OpenAiEmulator.make
}

/** A provider named after no kind of the gateway's speaks OpenAI's language, as most do. */
const kindOf = (provider: string): Config.Kind =>
  Option.getOrElse(Schema.decodeUnknownOption(Config.Kind)(provider), () => "openai-compatible" as const)

/** Listens until the scope closes, one emulator for each provider, whatever models it has. */
export const start = Effect.fnUntraced(function* (providers: ReadonlyArray<Replay.Provider>) {
  const byProvider = Map.groupBy(providers, ({ lane }) => lane.slice(0, lane.indexOf("/")))
  return yield* Effect.forEach([...byProvider], ([provider, lanes]) => {
    const kind = kindOf(provider)
    return Effect.map(make[kind]({ director: director(lanes), maxEntries: 1 }), ({ url }): Listening => ({
      provider,
      kind,
      url
    }))
  })
})

/** The question that a call is about stands in its prompt; what goes on behind a stream asks with an answer last. */
const questionOf = ({ body, lastRole }: Direction.Call): string | undefined =>
  lastRole === "assistant" || lastRole === "model" ? undefined : /Question \d+\./.exec(body)?.[0]

const director = (lanes: ReadonlyArray<Replay.Provider>): Direction.Director => {
  const byModel = new Map(lanes.map((lane) => [lane.lane.slice(lane.lane.indexOf("/") + 1), lane]))
  return (call) => {
    const provider = call.operation === "chat" ? byModel.get(call.model ?? "") : undefined
    if (provider === undefined) return undefined
    const { job, left, verdict } = provider.call(questionOf(call))
    return {
      ...directionOf(verdict, job, () => provider.answered(job)),
      ...(left && { headers: { ...headersOf("requests", left.requests), ...headersOf("tokens", left.tokens) } })
    }
  }
}

/** As OpenAI's headers say it, which the gateway reads of whichever provider they come from. */
const headersOf = (
  what: "requests" | "tokens",
  left: ProviderModel.Left | undefined
): Readonly<Record<string, string>> =>
  left === undefined
    ? {}
    : {
        [`x-ratelimit-limit-${what}`]: String(left.limit),
        [`x-ratelimit-remaining-${what}`]: String(left.remaining),
        [`x-ratelimit-reset-${what}`]: `${Math.ceil(left.resetMillis)}ms`
      }

/** Between two pieces of a stream, in milliseconds; and the most pieces of one. */
const pieceMillis = 400
const maxPieces = 40

const directionOf = (
  verdict: ProviderModel.Verdict,
  { inputTokens, outputTokens }: Replay.Decision["job"],
  answered: () => void
): Direction.Direction => {
  switch (verdict._tag) {
    case "Answer": {
      const { endAt, firstAt } = verdict
      const pieces = Math.max(1, Math.min(outputTokens, maxPieces, Math.ceil((endAt - firstAt) / pieceMillis)))
      return {
        healthy: { reply: reply(pieces), usage: { input: inputTokens, output: outputTokens } },
        pace: { firstMillis: firstAt, lastMillis: endAt },
        ended: (outcome) => {
          if (outcome === "completed") answered()
        }
      }
    }
    case "Cut": {
      const { at, class: class_, firstAt } = verdict
      const pace = { firstMillis: firstAt, lastMillis: at }
      // A stream that ends too early is told from a connection that is lost, which ends anything.
      const ending = class_ === "StreamTruncated" ? "clean" : "cut"
      if (firstAt >= at && ending === "cut") return { fault: { _tag: "Reset" }, pace }
      const pieces = firstAt >= at ? 0 : Math.max(1, Math.min(maxPieces, Math.floor((at - firstAt) / pieceMillis)))
      // Longer than what is sent of it.
      return { healthy: { reply: reply(pieces + 1) }, fault: { _tag: "Truncate", after: pieces, ending }, pace }
    }
    case "Refused":
      return { fault: faultOf(verdict), pace: { firstMillis: verdict.at, lastMillis: verdict.at } }
    case "Hang":
      return { fault: { _tag: "Hang" } }
    case "Unreachable":
      // The connection stands already when a call arrives; `refusal` has turned such scenarios away.
      return { fault: { _tag: "Hang" } }
  }
}

const reply = (words: number) =>
  ({ _tag: "Fixed", text: Array.from({ length: words }, () => "kelp").join(" ") }) as const

/** What a provider says in its own words for a class of failure. */
const faultOf = (verdict: Extract<ProviderModel.Verdict, { readonly _tag: "Refused" }>): Fault.Fault => {
  const hint = verdict.retryAfter === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(verdict.retryAfter)) }
  switch (verdict.class) {
    case "RateLimit":
      return { _tag: "RateLimit", ...hint }
    case "ModelOverloaded":
      return { _tag: "Overloaded", code: "server_is_overloaded", ...hint }
    case "QuotaExceeded":
      return { _tag: "QuotaExhausted" }
    case "Authentication":
      return { _tag: "BadKey" }
    case "InvalidRequest":
      return { _tag: "InvalidRequest" }
    case "ContentPolicy":
      return { _tag: "ContentBlock", at: "prompt", after: 0 }
    case "InvalidResponse":
      return { _tag: "WrongShape" }
    case "Network":
      return { _tag: "Reset" }
    default:
      return verdict.status === 503 ? { _tag: "ServiceUnavailable" } : { _tag: "ServerError" }
  }
}
