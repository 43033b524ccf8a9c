/** Whether a caller knows what it means that an answer begins anew. */
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import { BadRequest } from "./ChatRequest.ts"

const header = "x-holdfast-restart"

/** Says the header `x-holdfast-restart: accept`; any other value is refused. */
export const isAsked: Effect.Effect<boolean, BadRequest, HttpServerRequest.HttpServerRequest> = Effect.flatMap(
  HttpServerRequest.HttpServerRequest,
  ({ headers }) => {
    const value = headers[header]
    return value === undefined || value === "accept"
      ? Effect.succeed(value === "accept")
      : Effect.fail(
          new BadRequest({
            param: header,
            code: "invalid_header",
            problem: `${header}: expected accept, got ${JSON.stringify(value.slice(0, 100))}`
          })
        )
  }
)
