/** The program that calls the gateway: one streamed chat completion, read as an ordinary client reads it, without retries. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Json from "../Json.ts"

export interface Endpoint {
  /** Ends before `/chat/completions`. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

const prompt = "In sixty words please tell me what a holdfast is and why winter storms cannot move it"

/** How a request ended, and after how many real seconds its first text came. */
export type Ending =
  | {
      readonly _tag: "Answer"
      readonly text: string
      readonly model: string | undefined
      readonly hasUsage: boolean
      readonly firstText: number | undefined
    }
  | { readonly _tag: "Failed"; readonly reason: string }
  | { readonly _tag: "Hung" }

/**
 * Asks `model` and waits until `patience` is over, a mute connection included. Never fails: all that can go wrong is an
 * ending. Interruption, and the end of patience, close the socket.
 */
export const ask = (
  endpoint: Endpoint,
  model: string,
  patience: Duration.Duration
): Effect.Effect<readonly [elapsed: number, ending: Ending], never, HttpClient.HttpClient> =>
  read(endpoint, model).pipe(
    Effect.catch((error) => Effect.succeed(failed(brief(error.message)))),
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed<Ending>({ _tag: "Hung" }) }),
    Effect.timed,
    Effect.map(([elapsed, ending]) => [Duration.toSeconds(elapsed), ending] as const)
  )

/** Whether a plain request, not streamed, is answered in full. */
export const isAnswered = (
  endpoint: Endpoint,
  model: string,
  answer: string,
  patience: Duration.Duration
): Effect.Effect<boolean, never, HttpClient.HttpClient> =>
  HttpClient.execute(request(endpoint, { model, messages })).pipe(
    Effect.flatMap((response) => response.text),
    Effect.map(
      (body) => Json.text(Json.field(Json.list(Json.parse(body), "choices")[0], "message"), "content") === answer
    ),
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed(false) }),
    Effect.orElseSucceed(() => false)
  )

const messages = [{ role: "user", content: prompt }]

const request = ({ headers, url }: Endpoint, body: object): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.post(`${url}/chat/completions`).pipe(
    HttpClientRequest.setHeaders(headers),
    HttpClientRequest.bodyJsonUnsafe(body)
  )

const read = Effect.fnUntraced(function* (endpoint: Endpoint, model: string) {
  const clock = yield* Clock.Clock
  const sent = clock.monotonicTimeNanosUnsafe()
  const response = yield* HttpClient.execute(
    request(endpoint, { model, messages, stream: true, stream_options: { include_usage: true } })
  )
  if (response.status !== 200) {
    const error = Json.field(Json.parse(yield* response.text), "error")
    return failed(`${response.status} ${describe(error)}`)
  }
  let text = ""
  let named: string | undefined
  let hasUsage = false
  let firstText: number | undefined
  let error: unknown
  yield* response.stream.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEachWhile((line) =>
      Effect.sync(() => {
        if (!line.startsWith("data:")) return true
        const data = line.slice("data:".length).trim()
        if (data === "[DONE]") return false
        // Undefined for broken JSON, which an ordinary client skips, and in which no field is found here.
        const event = Json.parse(data)
        error = Json.field(event, "error")
        if (error) return false
        const piece = Json.list(event, "choices")
          .map((choice) => Json.text(Json.field(choice, "delta"), "content") ?? "")
          .join("")
        if (piece !== "") firstText ??= Number(clock.monotonicTimeNanosUnsafe() - sent) / 1e9
        text += piece
        named = Json.text(event, "model") || named
        hasUsage ||= Predicate.isObject(Json.field(event, "usage"))
        return true
      })
    )
  )
  return error ? failed(`in the stream: ${describe(error)}`) : answered({ text, model: named, hasUsage, firstText })
})

const answered = (answer: Omit<Extract<Ending, { _tag: "Answer" }>, "_tag">): Ending => ({ _tag: "Answer", ...answer })

const failed = (reason: string): Ending => ({ _tag: "Failed", reason: reason.trim() })

/** What a provider-shaped error says, on one line. */
const describe = (error: unknown): string => {
  const message = Json.text(error, "message") ?? ""
  const code = Json.text(error, "code")
  return brief(code === undefined ? message : `${code}: ${message}`)
}

const brief = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line.length > 120 ? `${line.slice(0, 119)}…` : line
}
