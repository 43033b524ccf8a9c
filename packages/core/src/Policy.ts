/**
 * Everything that decides how an operation is kept alive, as one value: retry, budget, breaker, limits, bulkhead, clocks
 * and fallback. The library, the gateway and the simulator read the same one; it comes from code or, through its schema, from
 * a file. Where a preset names several operations, the numbers are those of `docs/policies.md`.
 */
import * as Duration from "effect/Duration"
import * as Pipeable from "effect/Pipeable"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Struct from "effect/Struct"
import * as Bulkhead from "./Bulkhead.ts"
import * as Cache from "./Cache.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Hedge from "./Hedge.ts"
import { override, validate, type Options } from "./internal/override.ts"
import { PositiveDuration } from "./internal/PositiveDuration.ts"
import * as Limits from "./Limits.ts"
import * as RetryBudget from "./RetryBudget.ts"
import * as RetryPolicy from "./RetryPolicy.ts"
import * as RetryQuota from "./RetryQuota.ts"
import * as Throttle from "./Throttle.ts"

const within = (
  settings: { readonly [key: string]: Duration.Duration },
  inner: string,
  outer: string
): { readonly path: ReadonlyArray<string>; readonly issue: string } | undefined => {
  const [part, whole] = [settings[inner], settings[outer]]
  return part !== undefined && whole !== undefined && Duration.isGreaterThan(part, whole)
    ? { path: [inner], issue: `expected at most ${outer} (${Duration.format(whole)}), got ${Duration.format(part)}` }
    : undefined
}

/** How long each part of an operation may take. Each clock that runs out is named in the `Timeout` it raises. */
export const Clocks = Schema.Struct({
  /** Until the connection to the provider stands, with its TLS. Kept by the client (`ConnectClock`). */
  connect: PositiveDuration,
  /** Of a stream: from the start of an attempt to the first content (headers are not content). */
  firstContent: PositiveDuration,
  /** Of a stream: between two pieces of it. */
  chunkGap: PositiveDuration,
  /** One attempt at a stream, from its start to its end; what the consumer takes between two pieces is not counted. */
  attempt: PositiveDuration,
  /** One attempt at anything that is not a stream. */
  plainAttempt: PositiveDuration,
  /** The whole operation, with all its attempts and waits, and its consumer's time: the deadline. */
  total: PositiveDuration
}).check(
  Schema.makeFilter((clocks) =>
    [
      within(clocks, "firstContent", "attempt"),
      within(clocks, "chunkGap", "attempt"),
      within(clocks, "attempt", "total"),
      within(clocks, "plainAttempt", "total")
    ].filter((issue) => issue !== undefined)
  )
)
export type Clocks = typeof Clocks.Type

/** What one operation may spend over retries, credentials and fallbacks. */
export const Budget = Schema.Struct({
  /** Requests to providers. A retry never takes the last ones that untried lanes would need. */
  maxAttempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })),
  /** Tokens, input and output together. Default: no limit. */
  maxTokens: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000_000 }))),
  /** US dollars, at the lanes' list prices; every lane has to have one. Default: no limit. */
  maxUsd: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000, exclusiveMinimum: true }))
  ),
  /** Output tokens that are reserved for a request which does not limit them itself. */
  assumedOutputTokens: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
})
export type Budget = typeof Budget.Type

/** When another lane may answer. */
export const Fallback = Schema.Struct({
  /** Ask another lane when a provider's content policy stopped the request. Filters differ; think before you say yes. */
  onContentPolicy: Schema.Boolean,
  /** When every lane is open or cooling and one reopens before the deadline: wait for it instead of failing. */
  waitForReopening: Schema.Boolean,
  /**
   * When all slots of a lane are taken and another lane takes the call at once: go there instead of standing in line. Where
   * all are full the line of the first is stood in.
   */
  spillOver: Schema.Boolean
})
export type Fallback = typeof Fallback.Type

/** Whether identical calls that are made at the same time share one operation. */
export const Coalesce = Schema.Struct({
  enabled: Schema.Boolean,
  /** Of a shared stream: what is held for readers that come late or are slow, in bytes of its JSON. */
  maxBytes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 30 }))
})
export type Coalesce = typeof Coalesce.Type

/** What becomes of a stream that fails when its caller has been given content already. */
export const Stream = Schema.Struct({
  /**
   * `surface`: the failure is the caller's, behind a correct beginning. `continue`: another lane goes on behind it, or the
   * same one if it is the only one; text is continued, a tool call never. `restart`: the answer begins anew, for callers
   * who know the part that says so; for all others the failure surfaces.
   */
  onFailure: Schema.Literals(["surface", "continue", "restart"])
})
export type Stream = typeof Stream.Type

const sections = {
  retry: RetryPolicy.Settings,
  budget: Budget,
  retryBudget: RetryBudget.Settings,
  retryQuota: RetryQuota.Settings,
  breaker: CircuitBreaker.Settings,
  limits: Limits.Settings,
  bulkhead: Bulkhead.Settings,
  clocks: Clocks,
  fallback: Fallback,
  throttle: Throttle.Settings,
  hedge: Hedge.Settings,
  stream: Stream,
  cache: Cache.Settings,
  coalesce: Coalesce
}

const Fields = Schema.Struct(sections)

/** A policy as a value: replace its numbers with `policy.pipe(Policy.retry({ … }), Policy.breaker({ … }))`. */
export class Policy extends Pipeable.Mixin(Schema.Class<Policy>("@holdfast/core/Policy")(Fields)) {}

const standardFields: typeof Fields.Type = {
  retry: RetryPolicy.defaults,
  budget: { maxAttempts: 6, assumedOutputTokens: 1024 },
  retryBudget: RetryBudget.defaults,
  retryQuota: RetryQuota.defaults,
  breaker: CircuitBreaker.defaults,
  limits: Limits.defaults,
  bulkhead: Bulkhead.defaults,
  clocks: {
    connect: Duration.seconds(10),
    firstContent: Duration.seconds(30),
    chunkGap: Duration.seconds(20),
    attempt: Duration.seconds(60),
    plainAttempt: Duration.seconds(30),
    total: Duration.seconds(120)
  },
  fallback: { onContentPolicy: false, waitForReopening: true, spillOver: true },
  throttle: Throttle.defaults,
  hedge: Hedge.defaults,
  stream: { onFailure: "surface" },
  cache: Cache.defaults,
  coalesce: { enabled: false, maxBytes: 1_048_576 }
}

/** Services: a stranger waits a minute, not an hour. */
export const standard = new Policy(standardFields)

/** A person waits: short waits, early fallback, early probes. */
export const interactive = new Policy({
  ...standardFields,
  retry: {
    ...RetryPolicy.defaults,
    maxRetries: 2,
    base: Duration.millis(500),
    maxDelay: Duration.seconds(8),
    patience: Duration.seconds(5)
  },
  breaker: {
    ...CircuitBreaker.defaults,
    open: Duration.seconds(10),
    openMax: Duration.seconds(15),
    probeLease: Duration.seconds(60)
  },
  clocks: {
    connect: Duration.seconds(5),
    firstContent: Duration.seconds(10),
    chunkGap: Duration.seconds(10),
    attempt: Duration.seconds(60),
    plainAttempt: Duration.seconds(30),
    total: Duration.seconds(90)
  }
})

/** Nobody waits: patient with limits and long outages. */
export const batch = new Policy({
  ...standardFields,
  retry: {
    ...RetryPolicy.defaults,
    maxRetries: 8,
    base: Duration.seconds(2),
    maxDelay: Duration.minutes(5),
    patience: Duration.minutes(15)
  },
  budget: { ...standardFields.budget, maxAttempts: 20 },
  // Who has a day waits for the lane that was meant.
  fallback: { ...standardFields.fallback, spillOver: false },
  breaker: { ...CircuitBreaker.defaults, openMax: Duration.minutes(5), probeLease: Duration.minutes(10) },
  clocks: {
    connect: Duration.seconds(10),
    firstContent: Duration.seconds(120),
    chunkGap: Duration.seconds(60),
    attempt: Duration.minutes(10),
    plainAttempt: Duration.minutes(10),
    total: Duration.hours(24)
  }
})

/** Plain numbers without growth: threshold 5, recovery 60 s, three retries from one second. */
export const mission = new Policy({
  ...standardFields,
  breaker: {
    ...CircuitBreaker.defaults,
    rate: 0,
    open: Duration.seconds(60),
    openMax: Duration.seconds(60),
    openGrowth: 1,
    openJitter: 0
  },
  clocks: {
    connect: Duration.seconds(10),
    firstContent: Duration.seconds(30),
    chunkGap: Duration.seconds(30),
    attempt: Duration.seconds(30),
    plainAttempt: Duration.seconds(30),
    total: Duration.seconds(120)
  }
})

/** The named policies. */
export const presets = { mission, interactive, standard, batch } as const
export const PresetName = Schema.Literals(["mission", "interactive", "standard", "batch"])
export type PresetName = typeof PresetName.Type

const fieldsOf = (policy: Policy): typeof Fields.Type => ({
  retry: policy.retry,
  budget: policy.budget,
  retryBudget: policy.retryBudget,
  retryQuota: policy.retryQuota,
  breaker: policy.breaker,
  limits: policy.limits,
  bulkhead: policy.bulkhead,
  clocks: policy.clocks,
  fallback: policy.fallback,
  throttle: policy.throttle,
  hedge: policy.hedge,
  stream: policy.stream,
  cache: policy.cache,
  coalesce: policy.coalesce
})

const edit =
  <Key extends keyof Policy>(key: Key, schema: Schema.Codec<Policy[Key], unknown>) =>
  (options: Options<Policy[Key]>) =>
  (policy: Policy): Policy =>
    new Policy(
      validate("Policy", Fields, {
        ...fieldsOf(policy),
        [key]: override(`Policy.${key}`, schema, policy[key], options)
      })
    )

/** Replaces numbers of the retry policy. Throws a `RangeError` that names an impossible option. */
export const retry = edit("retry", RetryPolicy.Settings)
/** Replaces numbers of the operation's budget. Throws a `RangeError` that names an impossible option. */
export const budget = edit("budget", Budget)
/** Replaces numbers of the lane's retry budget. Throws a `RangeError` that names an impossible option. */
export const retryBudget = edit("retryBudget", RetryBudget.Settings)
/** Has retries paid from a store that answers fill: `Policy.retryQuota()`. Throws a `RangeError` that names an impossible option. */
export const retryQuota = (options: Options<RetryQuota.Settings> = {}): ((policy: Policy) => Policy) =>
  edit("retryQuota", RetryQuota.Settings)({ enabled: true, ...options })
/** Replaces numbers of the circuit breaker. Throws a `RangeError` that names an impossible option. */
export const breaker = edit("breaker", CircuitBreaker.Settings)
/** Replaces limits of requests and tokens. Throws a `RangeError` that names an impossible option. */
export const limits = edit("limits", Limits.Settings)
/** Replaces numbers of the bulkhead. Throws a `RangeError` that names an impossible option. */
export const bulkhead = edit("bulkhead", Bulkhead.Settings)
/** Replaces clocks. Throws a `RangeError` that names an impossible option. */
export const clocks = edit("clocks", Clocks)
/** Replaces rules of the fallback. Throws a `RangeError` that names an impossible option. */
export const fallback = edit("fallback", Fallback)
/** Refuses a part of what a lane does not take: `Policy.throttle()`. Throws a `RangeError` that names an impossible option. */
export const throttle = (options: Options<Throttle.Settings> = {}): ((policy: Policy) => Policy) =>
  edit("throttle", Throttle.Settings)({ enabled: true, ...options })
/**
 * Sends one more attempt beside one that is slow: `Policy.hedge()`. Throws a `RangeError` that names an impossible option.
 */
export const hedge = (options: Options<Hedge.Settings> = {}): ((policy: Policy) => Policy) =>
  edit("hedge", Hedge.Settings)({ enabled: true, ...options })
/** Says what becomes of a stream that fails in the middle: `Policy.stream({ onFailure: "continue" })`. */
export const stream = edit("stream", Stream)
/** Keeps answers: `Policy.cache({ ttl: "10 minutes" })`. Throws a `RangeError` that names an impossible option. */
export const cache = edit("cache", Cache.Settings)
/** Lets identical calls share one operation: `Policy.coalesce()`. Throws a `RangeError` that names an impossible option. */
export const coalesce = (options: Options<Coalesce> = {}): ((policy: Policy) => Policy) =>
  edit("coalesce", Coalesce)({ enabled: true, ...options })

const partial = <Fields extends Schema.Struct.Fields>(schema: { readonly fields: Fields }) =>
  Schema.optionalKey(Schema.Struct(Struct.map(schema.fields, Schema.optionalKey)))

/** A preset with some of its numbers replaced, as a file writes it. */
const Overrides = Schema.Struct({
  preset: Schema.optionalKey(PresetName),
  retry: partial(RetryPolicy.Settings),
  budget: partial(Budget),
  retryBudget: partial(RetryBudget.Settings),
  retryQuota: partial(RetryQuota.Settings),
  breaker: partial(CircuitBreaker.Settings),
  limits: partial(Limits.Settings),
  bulkhead: partial(Bulkhead.Settings),
  clocks: partial(Clocks),
  fallback: partial(Fallback),
  throttle: partial(Throttle.Settings),
  hedge: partial(Hedge.Settings),
  stream: partial(Stream),
  cache: partial(Cache.Settings),
  coalesce: partial(Coalesce)
})

const lay = (name: PresetName, overrides: Omit<typeof Overrides.Type, "preset">): typeof Fields.Type => {
  const preset = presets[name]
  return {
    retry: { ...preset.retry, ...overrides.retry },
    budget: { ...preset.budget, ...overrides.budget },
    retryBudget: { ...preset.retryBudget, ...overrides.retryBudget },
    retryQuota: { ...preset.retryQuota, ...overrides.retryQuota },
    breaker: { ...preset.breaker, ...overrides.breaker },
    limits: { ...preset.limits, ...overrides.limits },
    bulkhead: { ...preset.bulkhead, ...overrides.bulkhead },
    clocks: { ...preset.clocks, ...overrides.clocks },
    fallback: { ...preset.fallback, ...overrides.fallback },
    throttle: { ...preset.throttle, ...overrides.throttle },
    hedge: { ...preset.hedge, ...overrides.hedge },
    stream: { ...preset.stream, ...overrides.stream },
    cache: { ...preset.cache, ...overrides.cache },
    coalesce: { ...preset.coalesce, ...overrides.coalesce }
  }
}

/**
 * A policy as a file writes it: a preset's name, or `{ preset, retry: { … }, … }` with some numbers replaced. Impossible
 * numbers are refused with the path of the option.
 *
 * **Gotchas**
 *
 * Like every schema it ignores keys it does not know. Decode with `{ onExcessProperty: "error" }` to have a misspelt one
 * refused with its path.
 */
export const fromConfig = (preset: PresetName) =>
  Schema.Union([PresetName, Overrides]).pipe(
    Schema.decodeTo(
      Schema.toType(Fields),
      SchemaTransformation.transform({
        decode: (written) => (typeof written === "string" ? lay(written, {}) : lay(written.preset ?? preset, written)),
        encode: (policy) => ({ preset, ...policy })
      })
    ),
    Schema.decodeTo(
      Schema.toType(Policy),
      SchemaTransformation.transform({
        decode: (fields) => new Policy(fields),
        encode: fieldsOf
      })
    )
  )
