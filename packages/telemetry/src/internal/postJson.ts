/** Sends JSON to an address that may itself be a secret: it is in no error and no span. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import { ofStatus, Undelivered } from "../alerts/Delivery.ts"

export interface Request {
  readonly url: Redacted.Redacted
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body: string
}

/** Succeeds if the status says that it was taken. */
export const postJson = (client: HttpClient.HttpClient, request: Request): Effect.Effect<void, Undelivered> =>
  client
    .execute(
      HttpClientRequest.post(Redacted.value(request.url)).pipe(
        HttpClientRequest.bodyText(request.body, "application/json"),
        HttpClientRequest.setHeaders(request.headers ?? {})
      )
    )
    .pipe(
      Effect.mapError(({ reason }) => new Undelivered({ class: "Network", reason: wordsOf(reason._tag) })),
      Effect.flatMap((response) =>
        response.status >= 200 && response.status < 300
          ? // What it says is of no interest, but a body that is not read keeps its connection.
            Effect.ignore(response.text)
          : Effect.fail(ofStatus(response.status, response.headers["retry-after"]))
      ),
      Effect.scoped,
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
    )

const wordsOf = (tag: string): string =>
  tag === "InvalidUrlError" ? "its address is not a URL" : "it cannot be reached"
