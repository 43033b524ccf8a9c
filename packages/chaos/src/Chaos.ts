/**
 * Faults in a part of the calls, under the layers that production uses: around the lanes of a route, around any
 * `LanguageModel` or `EmbeddingModel` of `effect/ai`, or around an effect of your own. Which call is hit is decided by
 * `Random`, so under `Random.withSeed` a test meets the same faults each time. What is off is not there: it costs nothing.
 *
 * ```ts
 * ask.pipe(Effect.provide(Chat), Effect.provide(Chaos.layer({ rate: 0.1, faults: ["hang", "truncate"] })))
 * ```
 */
import * as AiErrors from "@holdfast/core/AiErrors"
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import * as Failure from "@holdfast/core/Failure"
import * as Lane from "@holdfast/core/Lane"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as AiError from "effect/ai/AiError"
import type * as Response from "effect/ai/Response"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import { escape } from "effect/RegExp"
import * as Stream from "effect/Stream"

/**
 * What goes wrong with a call.
 *
 * - A class of failure: it fails so at once, and is not made.
 * - `hang`: it is not made, and nothing comes until the caller leaves.
 * - `truncate`: a stream breaks off behind its first content. A whole answer is lost with its connection once it is there.
 * - `stall`: a stream goes silent behind its first content. A whole answer never comes.
 */
export type Fault = Failure.Class | "hang" | "truncate" | "stall"

/** Which calls are hit. */
export interface Hit {
  /** Which part of the calls, one independently of the other: from 0 to 1. */
  readonly rate: number
  /** Default true. What is off changes nothing. */
  readonly enabled?: boolean | undefined
  /** What a call that is hit waits for first. Default: nothing. */
  readonly latency?: Duration.Input | undefined
  /** What is done first where a call is hit, such as taking a dependency down. Default: nothing. */
  readonly behaviour?: Effect.Effect<void> | undefined
}

export interface Plan extends Hit {
  /** One of these, each as often as the others. Default: none, so that calls are only late. */
  readonly faults?: ReadonlyArray<Fault> | undefined
  /** The wait that a `RateLimit`, `ModelOverloaded` or `QuotaExceeded` names. Default: none. */
  readonly retryAfter?: Duration.Input | undefined
}

export interface LanePlan extends Plan {
  /** Ids of lanes, where `*` stands for any run of characters: `gemini/*`. Default: every lane. */
  readonly lanes?: ReadonlyArray<string> | undefined
}

/**
 * Hits calls of every lane of the routes that are built with it, below retries, circuits and fallbacks. Throws `RangeError`
 * where a number is none that can be.
 */
export const layer = (plan: LanePlan): Layer.Layer<never> => {
  if (!isOn(plan)) return Layer.empty
  const patterns = plan.lanes?.map((lane) => new RegExp(`^${lane.split("*").map(escape).join(".*")}$`))
  return Layer.effect(
    Lane.Interceptor,
    // Whatever replaces lanes further out is what is hit.
    Effect.map(Effect.service(Lane.Interceptor), (replace) => (lane: Lane.Lane) => {
      const replaced = replace(lane)
      return patterns?.some((pattern) => pattern.test(lane.id)) === false ? replaced : disturbed(replaced, plan)
    })
  )
}

/** What the methods of a `LanguageModel` give, as far as it is of interest here. */
type Whole = Effect.Effect<unknown, AiError.AiError>
type Parts = Stream.Stream<Response.StreamPartEncoded, AiError.AiError>

/** A `LanguageModel` of anybody's, with calls that are hit. */
export const languageModel = (
  plan: Plan
): Layer.Layer<LanguageModel.LanguageModel, never, LanguageModel.LanguageModel> => {
  const draw = drawing(plan)
  return Layer.effect(
    LanguageModel.LanguageModel,
    Effect.map(Effect.service(LanguageModel.LanguageModel), (model) => {
      if (draw === undefined) return model
      const failing = (method: string) => (class_: Failure.Class) => aiError(plan, class_, method)
      return LanguageModel.LanguageModel.of({
        ...model,
        generateText: around(model.generateText, (answer: Whole) => plain(draw, answer, failing("generateText"))),
        generateObject: around(model.generateObject, (answer: Whole) => plain(draw, answer, failing("generateObject"))),
        streamText: around(model.streamText, (parts: Parts) => streamed(draw, parts, failing("streamText")))
      })
    })
  )
}

/** An `EmbeddingModel` of anybody's, with calls that are hit. */
export const embeddingModel = (
  plan: Plan
): Layer.Layer<EmbeddingModel.EmbeddingModel, never, EmbeddingModel.EmbeddingModel> => {
  const draw = drawing(plan)
  return Layer.effect(
    EmbeddingModel.EmbeddingModel,
    Effect.map(Effect.service(EmbeddingModel.EmbeddingModel), (model) => {
      if (draw === undefined) return model
      const failing = (class_: Failure.Class) => aiError(plan, class_, "embedMany")
      return EmbeddingModel.EmbeddingModel.of({
        ...model,
        embed: (input) => plain(draw, model.embed(input), failing),
        embedMany: (inputs) => plain(draw, model.embedMany(inputs), failing)
      })
    })
  )
}

export interface Options<A, E, R> extends Hit {
  /** What a call that is hit does instead: fail, answer something else, or `Effect.never`. Default: it is only late. */
  readonly instead?: Effect.Effect<A, E, R> | undefined
}

/** Hits a part of the runs of an effect. Throws `RangeError` where a number is none that can be. */
export const inject = <A2 = never, E2 = never, R2 = never>(options: Options<A2, E2, R2>) => {
  const isHit = isOn(options)
  const { instead } = options
  return <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | A2, E | E2, R | R2> => {
    if (!isHit) return self
    const made: Effect.Effect<A | A2, E | E2, R | R2> = instead ?? self
    const hit = Effect.andThen(before(options), made)
    return Effect.flatMap(Random.next, (draw): Effect.Effect<A | A2, E | E2, R | R2> =>
      draw < options.rate ? hit : self
    )
  }
}

/** Whether the plan changes anything at all. */
const isOn = ({ enabled = true, latency, rate }: Hit): boolean => {
  if (!(rate >= 0 && rate <= 1)) throw new RangeError(`rate must be a number from 0 to 1, got ${rate}`)
  if (latency !== undefined) {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(latency))
    if (!(millis >= 0 && Number.isFinite(millis))) throw new RangeError("latency must be finite and not below zero")
  }
  return enabled && rate > 0
}

/** What comes first where a call is hit. */
const before = ({ behaviour = Effect.void, latency }: Hit): Effect.Effect<void> =>
  latency === undefined ? behaviour : Effect.andThen(behaviour, Effect.sleep(latency))

/** Draws what becomes of a call, and has done what comes first; absent where the plan is off. */
type Draw = Effect.Effect<Fault | undefined>

const drawing = (plan: Plan): Draw | undefined => {
  if (!isOn(plan)) return undefined
  const { faults = [], rate } = plan
  const first = before(plan)
  return Effect.flatMap(Random.next, (draw) => {
    // What is left of the number where a call is hit is again uniform, so that one suffices.
    const fault = draw < rate ? faults[Math.floor((draw / rate) * faults.length)] : undefined
    return Effect.as(draw < rate ? first : Effect.void, fault)
  })
}

const disturbed = (lane: Lane.Lane, plan: Plan): Lane.Lane => {
  const draw = drawing(plan)
  if (draw === undefined) return lane
  const { embed, text } = lane
  const failing = (class_: Failure.Class) => failureOf(plan, class_, lane)
  const disturbedText: TextModel.TextModel | undefined = text && {
    generate: (request) => plain(draw, text.generate(request), failing),
    stream: (request) => streamed(draw, text.stream(request), failing)
  }
  const disturbedEmbed: EmbedModel.EmbedModel | undefined = embed && {
    embed: (request) => plain(draw, embed.embed(request), failing)
  }
  return { ...lane, text: disturbedText, embed: disturbedEmbed }
}

const plain = <A, E, E2, R>(
  draw: Draw,
  answer: Effect.Effect<A, E, R>,
  failing: (class_: Failure.Class) => E2
): Effect.Effect<A, E | E2, R> =>
  Effect.flatMap(draw, (fault): Effect.Effect<A, E | E2, R> => {
    if (fault === undefined) return answer
    if (fault === "hang" || fault === "stall") return Effect.never
    if (fault === "truncate") return Effect.andThen(answer, Effect.fail(failing("Network")))
    return Effect.fail(failing(fault))
  })

const streamed = <Part extends { readonly type: string }, E, E2, R>(
  draw: Draw,
  parts: Stream.Stream<Part, E, R>,
  failing: (class_: Failure.Class) => E2
): Stream.Stream<Part, E | E2, R> =>
  Stream.unwrap(
    Effect.map(draw, (fault): Stream.Stream<Part, E | E2, R> => {
      if (fault === undefined) return parts
      if (fault === "hang") return Stream.never
      if (fault === "truncate") return Stream.concat(beginning(parts), Stream.fail(failing("StreamTruncated")))
      if (fault === "stall") return Stream.concat(beginning(parts), Stream.never)
      return Stream.fail(failing(fault))
    })
  )

/** A stream up to its first content. */
const beginning = <Part extends { readonly type: string }, E, R>(
  parts: Stream.Stream<Part, E, R>
): Stream.Stream<Part, E, R> => Stream.takeUntil(parts, ({ type }) => content.has(type))

const content: ReadonlySet<string> = new Set([
  "text-delta",
  "reasoning-delta",
  "tool-params-start",
  "tool-call",
  "file"
])

const throttling: ReadonlySet<Failure.Class> = new Set(["RateLimit", "ModelOverloaded", "QuotaExceeded"])

const failureOf = (
  { retryAfter }: Plan,
  class_: Failure.Class,
  { id, model, provider }: Pick<Lane.Lane, "id" | "model" | "provider">
): Failure.Failure => {
  const fields = { provider, model, lane: id, scope: "provider", rule: "chaos" } as const
  return retryAfter === undefined || !throttling.has(class_)
    ? Failure.make(class_, fields)
    : Failure.make(class_, { ...fields, retryAfter: Duration.fromInputUnsafe(retryAfter) })
}

const aiError = (plan: Plan, class_: Failure.Class, method: string): AiError.AiError =>
  AiErrors.fromTyped(failureOf(plan, class_, { id: "chaos", model: "chaos", provider: "chaos" }), method)

/**
 * A method whose answers are disturbed. Its overloads say for each set of options what it may fail with, always an
 * `AiError` among that; the compiler cannot know that the disturbance adds nothing else.
 */
const around = <Method extends (options: never) => unknown>(
  method: Method,
  disturb: (answer: never) => unknown
): Method =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  ((options: never) => disturb(method(options) as never)) as Method
