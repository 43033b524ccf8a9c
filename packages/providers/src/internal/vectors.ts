/** What every embedding answer must hold: one vector per text, all of the expected length. */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import type * as Lane from "@holdfast/core/Lane"
import * as Result from "effect/Result"
import * as Problem from "./Problem.ts"
import type * as Trouble from "./Trouble.ts"

export type Vectors = ReadonlyArray<ReadonlyArray<number>>

/** Refuses what one request cannot carry. */
export const checkRequest = (request: EmbedModel.Request, maxInputs: number): Result.Result<void, Problem.Problem> => {
  if (request.inputs.length > maxInputs) {
    return Problem.unsupported("inputs", `${request.inputs.length} texts; one request takes at most ${maxInputs}`)
  }
  const { dimensions } = request
  return dimensions === undefined || (Number.isSafeInteger(dimensions) && dimensions > 0)
    ? Result.void
    : Problem.invalid("dimensions", "not a positive whole number")
}

/** Vectors of another length than asked for belong to another space: better none than those. */
export const check = (
  vectors: Vectors,
  request: EmbedModel.Request,
  capabilities: Lane.Capabilities
): Result.Result<Vectors, Trouble.Trouble> => {
  if (vectors.length !== request.inputs.length) {
    return wrong(`${vectors.length} vectors for ${request.inputs.length} texts`)
  }
  const expected = request.dimensions ?? capabilities.dimensions ?? vectors[0]?.length
  const odd = vectors.find((vector) => vector.length !== expected || vector.length === 0)
  return odd === undefined
    ? Result.succeed(vectors)
    : wrong(`a vector of ${odd.length} dimensions where ${expected} are expected`)
}

const wrong = (detail: string): Result.Result<never, Trouble.Trouble> =>
  Result.fail({ verdict: { class: "InvalidResponse", rule: "wire/wrong-vectors", detail } })
