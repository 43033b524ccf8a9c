/**
 * Which request meets which fault: an ordered list of rules, decided by a pure function. Data without state; the counts
 * and the clock belong to the emulator.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { escape } from "effect/RegExp"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Fault from "./Fault.ts"
import * as Healthy from "./Healthy.ts"

/** What a request asks for. `tokens` is Gemini's `countTokens` and Anthropic's `count_tokens`; `models` lists or describes models. */
export const Operation = Schema.Literals(["chat", "embeddings", "models", "tokens"])
export type Operation = typeof Operation.Type

const ordinal = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/** Request numbers, both ends included, counted per model and operation since the last reset. */
export const Requests = Schema.Struct({
  /** Default 1. */
  from: Schema.optionalKey(ordinal),
  /** Default: no end. */
  to: Schema.optionalKey(ordinal)
}).check(
  Schema.makeFilter(
    ({ from, to }: { readonly from?: number; readonly to?: number }) => (from ?? 1) <= (to ?? Infinity),
    {
      expected: "`to` no smaller than `from`"
    }
  )
)

/** A stretch of time since the last reset: its first instant is in it, its last is not. */
export const Span = Schema.Struct({
  /** Default: the reset itself. */
  from: Schema.optionalKey(Fault.Wait),
  for: Fault.Wait,
  /** Repeats the stretch with this period. Default: once. */
  every: Schema.optionalKey(Fault.Wait)
}).check(
  Schema.makeFilter(
    (span: { readonly for: Duration.Duration; readonly every?: Duration.Duration }) =>
      span.every === undefined ||
      (Duration.isGreaterThan(span.every, Duration.zero) && Duration.isGreaterThanOrEqualTo(span.every, span.for)),
    { expected: "a positive `every`, no shorter than `for`" }
  )
)

/** Conditions of a rule. All that are named must hold; none named means always. */
export const When = Schema.Struct({
  requests: Schema.optionalKey(Requests),
  span: Schema.optionalKey(Span),
  /** More requests than this are in flight for the model and operation, the present one included. */
  inFlightAbove: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  /** Role of the last message, as the provider writes it (`assistant`, `model`). */
  lastRole: Schema.optionalKey(Schema.String),
  /** Share of the requests that meet all other conditions. */
  rate: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })))
})

export const Rule = Schema.Struct({
  /** Names, where `*` stands for any run of characters. Default: every model, and requests without one. */
  models: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Default: all. */
  operations: Schema.optionalKey(Schema.Array(Operation)),
  when: Schema.optionalKey(When),
  fault: Fault.Fault
})
export type Rule = typeof Rule.Type

export const FaultPlan = Schema.Struct({
  /** The first rule that applies wins; when none does, the request is healthy. */
  rules: Schema.Array(Rule).pipe(Schema.withDecodingDefaultKey(Effect.succeed([]))),
  healthy: Healthy.Healthy.pipe(Schema.withDecodingDefaultKey(Effect.succeed({})))
})
export type FaultPlan = typeof FaultPlan.Type

/** A plan as it is written: durations as text, everything with a default left out. */
export type Input = typeof FaultPlan.Encoded

/** Reads a plan that came from a file. An unknown key is an error, so a misspelt condition cannot mean "always". */
export const decode = (input: unknown): Effect.Effect<FaultPlan, Schema.SchemaError> =>
  Schema.decodeUnknownEffect(FaultPlan)(input, { onExcessProperty: "error" })

/**
 * A plan written in code. Throws `RangeError` where a value is out of range.
 *
 * ```ts
 * FaultPlan.make({
 *   rules: [
 *     { models: ["gpt-*"], when: { requests: { to: 2 } }, fault: { _tag: "RateLimit", retryAfter: "2 seconds" } },
 *     { when: { span: { from: "10 seconds", for: "5 seconds" }, rate: 0.3 }, fault: { _tag: "Overloaded" } }
 *   ]
 * })
 * ```
 */
export const make = (input: Input): FaultPlan => {
  const result = Schema.decodeUnknownResult(FaultPlan)(input, { onExcessProperty: "error" })
  if (Result.isSuccess(result)) return result.success
  throw new RangeError(`Not a fault plan: ${result.failure.message}`)
}

/** Every request is answered in full. */
export const healthy: FaultPlan = make({})

/** What `decide` needs to know about one request. */
export interface Situation {
  readonly operation: Operation
  readonly model: string | undefined
  /** Of this model and operation since the reset, from 1. */
  readonly requestNumber: number
  /** Since the reset, in milliseconds. */
  readonly elapsedMillis: number
  /** Of this model and operation, the present one included. */
  readonly inFlight: number
  readonly lastRole: string | undefined
  /** Uniform in [0, 1). One suffices for any number of `rate` rules. */
  readonly draw: number
}

/**
 * The fault of the first rule that applies.
 *
 * **Details**
 *
 * `rate` rules draw independently from the one number: a rule that misses hands on what is left of it,
 * (draw − rate) / (1 − rate), which is again uniform in [0, 1).
 */
export const decide = (plan: FaultPlan, situation: Situation): Fault.Fault | undefined => {
  let draw = situation.draw
  for (const rule of plan.rules) {
    if (!applies(rule, situation)) continue
    const rate = rule.when?.rate ?? 1
    if (draw < rate) return rule.fault
    draw = (draw - rate) / (1 - rate)
  }
  return undefined
}

const applies = (rule: Rule, situation: Situation): boolean => {
  const { inFlightAbove, lastRole, requests, span } = rule.when ?? {}
  return (
    (rule.operations === undefined || rule.operations.includes(situation.operation)) &&
    (rule.models === undefined || rule.models.some((pattern) => matches(pattern, situation.model))) &&
    (requests === undefined ||
      (situation.requestNumber >= (requests.from ?? 1) && situation.requestNumber <= (requests.to ?? Infinity))) &&
    (span === undefined || within(span, situation.elapsedMillis)) &&
    (inFlightAbove === undefined || situation.inFlight > inFlightAbove) &&
    (lastRole === undefined || situation.lastRole === lastRole)
  )
}

const matches = (pattern: string, model: string | undefined): boolean =>
  model !== undefined && new RegExp(`^${pattern.split("*").map(escape).join(".*")}$`, "s").test(model)

const within = (span: typeof Span.Type, elapsedMillis: number): boolean => {
  const since = elapsedMillis - Duration.toMillis(span.from ?? Duration.zero)
  const position = span.every === undefined ? since : since % Duration.toMillis(span.every)
  return since >= 0 && position < Duration.toMillis(span.for)
}
