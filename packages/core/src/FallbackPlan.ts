/**
 * Which lanes may serve a request, and in which order: capable ones only, healthy before degraded, the route's own order
 * kept otherwise. Pure.
 */
import * as Schema from "effect/Schema"
import type * as HealthStatus from "./HealthStatus.ts"
import * as Lane from "./Lane.ts"

/** What a request needs of a lane. */
export interface Requirements {
  readonly text?: boolean | undefined
  readonly embed?: boolean | undefined
  readonly streaming?: boolean | undefined
  readonly tools?: boolean | undefined
  readonly vision?: boolean | undefined
  readonly jsonSchema?: boolean | undefined
  readonly maxOutputTokens?: number | undefined
  /** Tokens of input and output together. */
  readonly contextTokens?: number | undefined
  readonly dimensions?: number | undefined
}

/** A route that can never work, or would answer wrongly. */
export class InvalidRoute extends Schema.TaggedError<InvalidRoute>()("InvalidRoute", {
  route: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `Route ${this.route}: ${this.problem}`
  }
}

/** What a lane lacks for a request, in words, or `undefined` when it can serve it. What is not known is not lacking. */
export const lacks = (lane: Lane.Lane, needs: Requirements): string | undefined => {
  const can = lane.capabilities
  if (needs.text === true && lane.text === undefined) return `${lane.id} does not generate text`
  if (needs.embed === true && lane.embed === undefined) return `${lane.id} does not embed`
  if (needs.streaming === true && can.streaming === false) return `${lane.id} does not stream`
  if (needs.tools === true && can.tools === false) return `${lane.id} has no tools`
  if (needs.vision === true && can.vision === false) return `${lane.id} does not see images`
  if (needs.jsonSchema === true && can.jsonSchema === false) return `${lane.id} does not follow a JSON schema`
  if (
    needs.maxOutputTokens !== undefined &&
    can.maxOutputTokens !== undefined &&
    needs.maxOutputTokens > can.maxOutputTokens
  ) {
    return `${lane.id} writes at most ${can.maxOutputTokens} tokens, ${needs.maxOutputTokens} are asked for`
  }
  if (needs.contextTokens !== undefined && can.contextWindow !== undefined && needs.contextTokens > can.contextWindow) {
    return `${lane.id} holds at most ${can.contextWindow} tokens, ${needs.contextTokens} are asked for`
  }
  if (needs.dimensions !== undefined && can.dimensions !== undefined && needs.dimensions > can.dimensions) {
    return `${lane.id} makes vectors of ${can.dimensions}, ${needs.dimensions} are asked for`
  }
  return undefined
}

/** The lanes that can serve a request, in the route's order, and what each of the others lacks. */
export const capable = (
  lanes: ReadonlyArray<Lane.Lane>,
  needs: Requirements
): { readonly lanes: ReadonlyArray<Lane.Lane>; readonly missing: ReadonlyArray<string> } => {
  // Nearly always all of them can.
  if (lanes.every((lane) => lacks(lane, needs) === undefined)) return { lanes, missing: [] }
  const able: Array<Lane.Lane> = []
  const missing: Array<string> = []
  for (const lane of lanes) {
    const lack = lacks(lane, needs)
    if (lack === undefined) able.push(lane)
    else missing.push(lack)
  }
  return { lanes: able, missing }
}

/**
 * Those of the lanes whose context window may hold a request that takes at least `leastTokens` there, output included; a
 * window that is not known may. Where none may, those with the largest: a provider's own count is worth more than an
 * estimate of ours, and it refuses free of charge.
 */
export const fitting = (
  lanes: ReadonlyArray<Lane.Lane>,
  leastTokens: (lane: Lane.Lane) => number
): ReadonlyArray<Lane.Lane> => {
  const able = lanes.filter((lane) => leastTokens(lane) <= windowOf(lane))
  if (able.length > 0) return able
  const largest = Math.max(...lanes.map(windowOf))
  return lanes.filter((lane) => windowOf(lane) === largest)
}

const windowOf = ({ capabilities }: Lane.Lane): number => capabilities.contextWindow ?? Number.POSITIVE_INFINITY

const rank: { readonly [Status in HealthStatus.HealthStatus]: number } = {
  idle: 0,
  healthy: 0,
  degraded: 1,
  unhealthy: 2
}

/** Healthy and unknown lanes first, then degraded, then unhealthy; the given order kept within each. */
export const order = (
  lanes: ReadonlyArray<Lane.Lane>,
  standing: (lane: Lane.Lane) => HealthStatus.HealthStatus
): ReadonlyArray<Lane.Lane> =>
  lanes.length < 2 ? lanes : lanes.toSorted((a, b) => rank[standing(a)] - rank[standing(b)])

/** Whether `lane` is known to take more than `than` does; unknown windows are not larger. */
export const isLarger = (lane: Lane.Lane, than: Lane.Lane): boolean =>
  lane.capabilities.contextWindow !== undefined &&
  than.capabilities.contextWindow !== undefined &&
  lane.capabilities.contextWindow > than.capabilities.contextWindow

/** What is wrong with the lanes of a route, or `undefined`. */
export const problemOf = (lanes: ReadonlyArray<Lane.Lane>): string | undefined => {
  if (lanes.length === 0) return "it has no lane"
  const seen = new Set<string>()
  for (const lane of lanes) {
    if (seen.has(lane.id)) return `${lane.id} is in it twice; an operation visits a lane at most once`
    seen.add(lane.id)
  }
  return undefined
}

/** What is wrong with the vector spaces of a route for embeddings, or `undefined`. */
export const vectorProblemOf = (lanes: ReadonlyArray<Lane.Lane>): string | undefined => {
  const spaces = [...new Set(lanes.map(Lane.vectorSpace))]
  return spaces.length < 2
    ? undefined
    : `its lanes make vectors of different spaces (${spaces.join(", ")}), which cannot be compared`
}
