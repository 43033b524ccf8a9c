/** What stands between the operations and the providers: a policy of ours, or what people have without one. */
import type * as Failure from "@holdfast/core/Failure"
import type * as Lane from "@holdfast/core/Lane"
import * as Policy from "@holdfast/core/Policy"
import type * as Refusal from "@holdfast/core/Refusal"
import * as Route from "@holdfast/core/Route"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Scenario from "./Scenario.ts"

/** What an operation may fail with. */
export type Errors = Failure.Failure | Refusal.Refusal

export interface Subject {
  readonly name: string
  /** Which lanes of the scenario it uses, most preferred first. Default: all, in the scenario's order. */
  readonly lanes?: ReadonlyArray<string> | undefined
  /**
   * How long a stream may be silent between two pieces without its noticing, in milliseconds. What a provider sends within
   * that time comes as one piece. Default: nobody minds.
   */
  readonly pieceMillis?: number | undefined
  /** Its model over the lanes. */
  readonly model: (
    lanes: readonly [Lane.Lane, ...ReadonlyArray<Lane.Lane>]
  ) => Effect.Effect<TextModel.TextModel<Errors>, never, Route.Around>
}

/** Our pipeline under a policy. */
export const holdfast = (name: string, policy: Policy.Policy, lanes?: ReadonlyArray<string>): Subject => ({
  name,
  lanes,
  pieceMillis: pieceMillisOf(policy),
  model: (simulated) =>
    // Simulated lanes generate text, and no lane is in a scenario twice.
    Effect.orDie(Route.text("simulated", { lanes: simulated.map((lane) => Effect.succeed(lane)), policy }))
})

/** Half of what its clock for gaps allows, and of what it calls slow. */
const pieceMillisOf = ({ breaker, clocks }: Policy.Policy): number =>
  Duration.toMillis(Duration.min(clocks.chunkGap, breaker.slowCall ?? clocks.chunkGap)) / 2

/** The first provider, once, with no more than the caller's own patience. */
export const none: Subject = {
  name: "none",
  model: ([lane]) => Effect.succeed(textOf(lane))
}

/**
 * The first provider, as the official SDKs of OpenAI and Anthropic ask it by default: two retries of connection errors and
 * of 408, 409, 429 and 5xx, after 0.5 s that double up to 8 s less a quarter by chance, or after the wait that the provider
 * names where that is at most a minute. Streams are retried until their first byte.
 */
export const sdk: Subject = {
  name: "sdk",
  model: ([lane]) => {
    const { generate, stream } = textOf(lane)
    return Effect.succeed({
      generate: (request) => Effect.retry(generate(request), sdkSchedule),
      stream: (request) =>
        Stream.unwrap(
          Effect.sync(() => {
            let hasBegun = false
            return stream(request).pipe(
              Stream.tap(() =>
                Effect.sync(() => {
                  hasBegun = true
                })
              ),
              Stream.retry(Schedule.while(sdkSchedule, () => Effect.succeed(!hasBegun)))
            )
          })
        )
    })
  }
}

const isRetriedBySdk = (failure: Failure.Failure): boolean =>
  failure._tag === "Network" ||
  failure._tag === "Timeout" ||
  failure.status === 408 ||
  failure.status === 409 ||
  failure.status === 429 ||
  (failure.status ?? 0) >= 500

const sdkSchedule = Schedule.exponential("500 millis").pipe(
  Schedule.setInputType<Failure.Failure>(),
  Schedule.while(({ attempt, input }) => Effect.succeed(attempt <= 2 && isRetriedBySdk(input))),
  Schedule.modifyDelay(({ duration, input }) =>
    Effect.map(Random.next, (draw) => {
      const hint = input.retryAfter
      if (hint !== undefined && Duration.isLessThanOrEqualTo(hint, Duration.minutes(1))) return hint
      return Duration.times(Duration.min(duration, Duration.seconds(8)), 1 - draw / 4)
    })
  )
)

/** A subject as a value, to be sent where it is run. */
export const Described = Schema.Union([
  Schema.TaggedStruct("Holdfast", {
    name: Schema.String,
    policy: Schema.toType(Policy.Policy),
    /** Which lanes of the scenario it uses, most preferred first. Default: all, in the scenario's order. */
    lanes: Schema.optionalKey(Schema.Array(Schema.String))
  }),
  Schema.TaggedStruct("Baseline", { name: Schema.Literals(["sdk", "none"]) })
])
export type Described = typeof Described.Type

/** A policy of ours as a value. */
export const described = (name: string, policy: Policy.Policy, lanes?: ReadonlyArray<string>): Described => ({
  _tag: "Holdfast",
  name,
  policy,
  ...(lanes === undefined ? {} : { lanes })
})

/**
 * The lanes of a scenario that stand for a route's: those of the same names where it has them all, else the scenario's in
 * its order, as many as the route has.
 */
export const standing = (scenario: Scenario.Scenario, lanes: ReadonlyArray<string>): ReadonlyArray<string> => {
  const known = Object.keys(scenario.providers)
  return lanes.every((lane) => known.includes(lane)) ? lanes : known.slice(0, lanes.length)
}

export const of = (value: Described): Subject => {
  if (value._tag === "Holdfast") return holdfast(value.name, value.policy, value.lanes)
  return value.name === "sdk" ? sdk : none
}

/** A preset of ours by its name, or one of the baselines, as a value. */
export const describe = (name: string): Described | undefined => {
  if (name === "none" || name === "sdk") return { _tag: "Baseline", name }
  return isPreset(name) ? described(name, Policy.presets[name]) : undefined
}

/** The same as a subject. */
export const named = (name: string): Subject | undefined => {
  const value = describe(name)
  return value === undefined ? undefined : of(value)
}

export const names: ReadonlyArray<string> = [...Policy.PresetName.literals, sdk.name, none.name]

const isPreset = (name: string): name is Policy.PresetName =>
  (Policy.PresetName.literals as ReadonlyArray<string>).includes(name)

const textOf = (lane: Lane.Lane): TextModel.TextModel => {
  if (lane.text === undefined) throw new Error(`${lane.id} does not generate text`)
  return lane.text
}
