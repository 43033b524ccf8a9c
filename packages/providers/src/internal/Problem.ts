/** Something in a request that cannot be sent: found while encoding it, and refused before anything goes out. */
import type * as Classification from "@holdfast/core/Classification"
import * as Failure from "@holdfast/core/Failure"
import * as Result from "effect/Result"

export interface Problem {
  /** `unsupported`: this provider has no such thing, another may. `invalid`: no provider could make sense of it. */
  readonly kind: "unsupported" | "invalid"
  /** The field at fault, as the caller knows it. */
  readonly field: string
  /** Why, in our own words: never a piece of the prompt. */
  readonly why: string
}

/** The wire formats spoken here; they name the rules of refusals and choose the classifier's reading. */
export type Format = "openai" | "gemini" | "anthropic"

export const unsupported = (field: string, why: string): Result.Result<never, Problem> =>
  Result.fail({ kind: "unsupported", field, why })

export const invalid = (field: string, why: string): Result.Result<never, Problem> =>
  Result.fail({ kind: "invalid", field, why })

/** The failure that refuses a request; nothing was sent. */
export const toFailure = (problem: Problem, format: Format, target: Classification.Target): Failure.Failure =>
  Failure.make("InvalidRequest", {
    ...target,
    scope: "request",
    rule: `${format}/${problem.kind === "unsupported" ? "unsupported-option" : "invalid-option"}`,
    failover: problem.kind === "unsupported" ? true : undefined,
    detail: `${problem.field}: ${problem.why}`
  })
