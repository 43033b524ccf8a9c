/** One provider's HTTP interface as pure functions: how it reads a request, and how it words answers and errors. */
import type * as Fault from "../Fault.ts"
import type { Operation } from "../FaultPlan.ts"
import type * as Healthy from "../Healthy.ts"
import type * as Answer from "./Answer.ts"

export interface Request {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What one answer may depend on besides the request. */
export interface Occasion {
  /** Number of the request, for the ids in the answer. */
  readonly id: number
  /** Unix time in milliseconds. */
  readonly now: number
  readonly healthy: Healthy.Healthy
  /** A safety stop after so many chunks. */
  readonly blockAfter: number | undefined
  /** The models to list. */
  readonly models: ReadonlyArray<string>
  /** Length of an embedding that the request does not size. */
  readonly dimensions: number
}

/** A request as far as it could be understood. */
export interface Reading {
  readonly operation: Operation | "unknown"
  readonly model: string | undefined
  readonly stream: boolean
  readonly key: string | undefined
  readonly body: unknown
  readonly messageCount: number
  readonly lastRole: string | undefined
  /** The answer of a healthy server that accepts the key and has the model: a 4xx where the request is wrong. */
  readonly respond: (occasion: Occasion) => Answer.Answer
}

/** The faults that replace the answer by one in the provider's own words. */
export type Failure =
  | Extract<
      Fault.Fault,
      {
        readonly _tag:
          | "RateLimit"
          | "ServerError"
          | "ServiceUnavailable"
          | "Overloaded"
          | "QuotaExhausted"
          | "BadKey"
          | "PermissionDenied"
          | "InvalidRequest"
          | "ContextLength"
          | "ModelNotFound"
      }
    >
  | { readonly _tag: "BlockedPrompt" }
  | { readonly _tag: "MissingKey" }
  | { readonly _tag: "UnknownPath" }
  | { readonly _tag: "Unreadable"; readonly message: string; readonly param: string | undefined }

/** The request that fails, as far as the wording depends on it. */
export interface Failing {
  readonly id: number
  readonly now: number
  readonly model: string | undefined
  readonly stream: boolean
  readonly path: string
  readonly method: string
}

export interface Surface {
  readonly provider: "openai" | "gemini" | "anthropic"
  /** What a client's base URL has after the port. */
  readonly basePath: string
  readonly defaultModels: ReadonlyArray<string>
  readonly read: (request: Request) => Reading
  readonly fail: (failure: Failure, failing: Failing) => Answer.Answer
  /** The text of one server-sent event. */
  readonly event: (data: unknown) => string
}
