/** What reading a request has in common for all providers. */
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import type { Answer } from "./Answer.ts"
import * as Json from "./Json.ts"
import type { Failure, Occasion, Reading, Request, Surface } from "./Surface.ts"

/** A request whose path is not known yet. */
export const base = (request: Request, key: string | undefined): Omit<Reading, "respond"> => ({
  operation: "unknown",
  model: undefined,
  stream: false,
  key,
  body: Json.parse(request.body),
  messageCount: 0,
  lastRole: undefined
})

export const failing =
  (surface: Surface, request: Request, failure: Failure): Reading["respond"] =>
  ({ id, now }) =>
    surface.fail(failure, {
      id,
      now,
      model: undefined,
      stream: false,
      method: request.method,
      path: request.path
    })

/** Answers a body that fits the schema, and one that does not with the provider's 400. */
export const decoding =
  (surface: Surface, request: Request, body: unknown) =>
  <S extends Schema.Codec<unknown, unknown>>(
    schema: S,
    answer: (decoded: S["Type"], occasion: Occasion) => Answer
  ): Reading["respond"] =>
  (occasion) => {
    const decoded =
      body === undefined
        ? Result.fail({ message: "The request body is not valid JSON.", param: undefined })
        : Json.decode(schema, body)
    return Result.isSuccess(decoded)
      ? answer(decoded.success, occasion)
      : failing(surface, request, { _tag: "Unreadable", ...decoded.failure })(occasion)
  }
