/**
 * The HTTP side of a provider: one request per call, its whole life in the caller's scope. Every fault comes back as a
 * typed failure; no key, prompt or answer is in it. Interruption closes the socket, before the headers as in the body.
 */
import type * as Classification from "@holdfast/core/Classification"
import type * as Failure from "@holdfast/core/Failure"
import * as Limits from "@holdfast/core/Limits"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Answer from "./Answer.ts"
import { Assembler } from "./Assembler.ts"
import type * as Piece from "./Piece.ts"
import * as PlainError from "./plainError.ts"
import { readFailure } from "./readFailure.ts"
import * as Scrub from "./scrub.ts"
import * as StatedLimits from "./statedLimits.ts"
import * as ServerEvents from "./ServerEvents.ts"
import type { Trouble } from "./Trouble.ts"

export interface Options {
  readonly client: HttpClient.HttpClient
  readonly target: Classification.Target
  /** Whose errors these are, for the classifier. */
  readonly errorsOf: string
  /** Sent with every request. They hold the key, so they stay in here. */
  readonly headers: Redacted.Redacted<{ readonly [name: string]: string }>
  /** The key itself, to take it out of whatever a host echoes. */
  readonly key: Redacted.Redacted | undefined
  readonly onBadEvent: "fail" | "skip"
}

export interface Wire {
  /** The JSON that answers a GET. */
  readonly get: (url: string) => Effect.Effect<Answer.Answer, Failure.Failure>
  /** The JSON that answers a POST of JSON text. */
  readonly post: (url: string, json: string) => Effect.Effect<Answer.Answer, Failure.Failure>
  /** The parts of the events that answer a POST of JSON text. */
  readonly stream: (
    url: string,
    json: string,
    read: ServerEvents.Options["read"]
  ) => Stream.Stream<Piece.Part, Failure.Failure>
  readonly fail: (trouble: Trouble, head?: Answer.Head) => Effect.Effect<never, Failure.Failure>
}

/** Bytes read of an error's body. */
const maxErrorBytes = 64 * 1024

/** How long the body of an error may take: its status alone says enough. */
const errorBodyTimeout = "5 seconds"

/** A provider has no business with our trace, and a span would show headers: what is traced is the attempt above. */
const untraced = Context.make(HttpClient.TracerDisabledWhen, () => true).pipe(
  Context.add(HttpClient.TracerPropagationEnabled, false)
)

export const make = (options: Options): Wire => {
  const client = options.client.pipe(
    HttpClient.withScope,
    HttpClient.transformResponse(Effect.provideContext(untraced))
  )
  const { errorsOf, target } = options
  const scrub = Scrub.make(options.key)
  const fail = ({ evidence, ...rest }: Trouble, head?: Answer.Head) =>
    readFailure(evidence === undefined ? rest : { ...rest, evidence: scrub.evidence(evidence) }, {
      target,
      errorsOf,
      head
    })
  const thrown = (head?: Answer.Head) => (error: unknown) =>
    fail({ evidence: { kind: "transport", error: PlainError.of(error, scrub.text) }, verdict: unreachable }, head)

  /** The answer once its headers say 2xx; anything else fails with what its body says. */
  const open = (
    request: HttpClientRequest.HttpClientRequest
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, Failure.Failure, Scope.Scope> =>
    client.execute(HttpClientRequest.setHeaders(request, Redacted.value(options.headers))).pipe(
      Effect.catch(thrown()),
      Effect.tap(tell),
      Effect.filterOrElse(
        (response) => response.status >= 200 && response.status < 300,
        (response) =>
          Effect.flatMap(errorText(response), (text) =>
            fail({ evidence: { kind: "http", body: jsonOrText(text) } }, scrub.head(response))
          )
      )
    )

  const whole = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<Answer.Answer, Failure.Failure> =>
    open(request).pipe(
      Effect.flatMap((response) => {
        const head = scrub.head(response)
        return response.text.pipe(
          Effect.catch(thrown(head)),
          Effect.flatMap((text) => {
            const body = jsonOrText(text)
            return typeof body === "string"
              ? fail({ evidence: { kind: "response-200", body }, verdict: notJson }, head)
              : Effect.succeed({ head, body })
          })
        )
      }),
      Effect.scoped
    )

  const stream: Wire["stream"] = (url, json, read) =>
    open(post(url, json, "text/event-stream")).pipe(
      Effect.zip(idPrefix),
      Effect.map(([response, idPrefix]) => {
        const head = scrub.head(response)
        const bytes = response.stream.pipe(
          // No body at all is a stream without events.
          Stream.catch((error) =>
            error.reason._tag === "EmptyBodyError" ? Stream.empty : Stream.fromEffect(thrown(head)(error))
          )
        )
        return ServerEvents.decode(bytes, {
          read,
          onBadEvent: options.onBadEvent,
          assembler: new Assembler({ head, idPrefix, evidence: "stream" }),
          fail: (trouble) => fail(trouble, head)
        })
      }),
      Stream.unwrap
    )

  return {
    get: (url) => whole(HttpClientRequest.get(url, { acceptJson: true })),
    post: (url, json) => whole(post(url, json, "application/json")),
    stream,
    fail
  }
}

/** Assembles the pieces of an answer that came whole. */
export const assemble = (
  wire: Wire,
  answer: Answer.Answer,
  read: (body: unknown) => Result.Result<ReadonlyArray<Piece.Piece>, Trouble>
): Effect.Effect<ReadonlyArray<Piece.Part>, Failure.Failure> =>
  Effect.flatMap(idPrefix, (idPrefix) => {
    const assembler = new Assembler({ head: answer.head, idPrefix, evidence: "response-200" })
    const pieces = read(answer.body)
    if (pieces._tag === "Failure") return wire.fail(pieces.failure, answer.head)
    for (const piece of pieces.success) {
      const trouble = assembler.push(piece)
      if (trouble !== undefined) return wire.fail(trouble, answer.head)
    }
    assembler.end()
    return Effect.succeed(assembler.take())
  })

/** Tells the tool calls of one answer from those of another, where the provider does not name them. */
const idPrefix: Effect.Effect<string> = Effect.map(
  Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER),
  (n) => `call_${n.toString(36)}`
)

const post = (url: string, json: string, accept: string): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.post(url, { accept }).pipe(HttpClientRequest.bodyText(json, "application/json"))

/** Tells whoever listens what the headers say is left of the limits. */
const tell = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const listen = fiber.getRef(Limits.Listener)
    if (listen !== undefined) {
      const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
      const said = StatedLimits.read(response.headers, now)
      if (said !== undefined) listen(said, now)
    }
    return Effect.void
  })

/** As much of an error's body as comes in time. */
const errorText = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<string> =>
  Effect.suspend(() => {
    const decoder = new TextDecoder()
    let text = ""
    let size = 0
    return response.stream.pipe(
      Stream.takeUntil((bytes) => {
        text += decoder.decode(bytes.subarray(0, maxErrorBytes - size), { stream: true })
        size += bytes.length
        return size >= maxErrorBytes
      }),
      Stream.runDrain,
      Effect.timeoutOption(errorBodyTimeout),
      Effect.ignore,
      Effect.map(() => text)
    )
  })

const jsonOrText = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

const unreachable = { class: "Network", rule: "wire/transport" } as const

const notJson = { class: "InvalidResponse", rule: "wire/not-json", detail: "the answer is not JSON" } as const
