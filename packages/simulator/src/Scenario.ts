/**
 * A storm as a file writes it, YAML or JSON: who asks for how much, which providers answer how, and what goes wrong when.
 * Pure data, decoded by schema; a key nobody knows or a value out of range is refused with its path.
 */
import * as Yaml from "effect/encoding/Yaml"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { meant } from "./internal/meant.ts"

/** The file is no scenario; the message says where and why. */
export class InvalidScenario extends Schema.TaggedError<InvalidScenario>()("InvalidScenario", {
  /** The file, or what else it came from. */
  source: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `${this.source}: ${this.problem}`
  }
}

const isPositive = Schema.makeFilter(
  (duration: Duration.Duration) => Duration.isFinite(duration) && Duration.toMillis(duration) > 0,
  { expected: "a positive, finite duration" }
)
const isInstant = Schema.makeFilter(
  (duration: Duration.Duration) => Duration.isFinite(duration) && Duration.toMillis(duration) >= 0,
  { expected: "a finite duration" }
)
/** Decoded to milliseconds: nothing else is reckoned with here. */
const millis = (check: typeof isPositive) =>
  Schema.DurationFromString.check(check).pipe(
    Schema.decodeTo(
      Schema.Finite,
      SchemaTransformation.transform({ decode: Duration.toMillis, encode: (value) => Duration.millis(value) })
    )
  )
const Span = millis(isPositive)
const Instant = millis(isInstant)

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const positive = Schema.Finite.check(Schema.isGreaterThan(0))
const positiveInt = Schema.Int.check(Schema.isGreaterThan(0))
const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const units = { second: 1000, minute: 60_000, hour: 3_600_000 } as const

const RateText = Schema.String.check(
  Schema.isPattern(/^\s*(\d+(\.\d+)?|\.\d+) per (second|minute|hour)\s*$/, {
    message: 'expected a rate such as "10 per second", per minute or per hour'
  }),
  Schema.makeFilter((text: string) => Number.parseFloat(text) > 0, { expected: "a rate above zero" })
)

/** A rate, as events per millisecond: `10 per second`, `600 per minute`. */
export const Rate = RateText.pipe(
  Schema.decodeTo(
    Schema.Finite,
    SchemaTransformation.transform({
      decode: (text) => {
        const unit = (["second", "minute", "hour"] as const).find((name) => text.includes(name)) ?? "second"
        return Number.parseFloat(text) / units[unit]
      },
      encode: (rate) => `${rate * units.second} per second`
    })
  )
)

const isOrdered = Schema.makeFilter(
  ({ p50, p99 }: { readonly p50: number; readonly p99: number }) =>
    p50 <= p99 || { path: ["p99"], issue: "expected at least p50" }
)

/** When operations arrive. */
export const Arrivals = Schema.Union([
  /** One independently of the other. */
  Schema.Struct({ poisson: Rate }),
  /** Evenly spaced. */
  Schema.Struct({ constant: Rate }),
  /** Poisson whose rate swings between `low` and `high` once in a period (24 hours), low at the beginning. */
  Schema.Struct({
    diurnal: Schema.Struct({ low: Rate, high: Rate, period: Schema.optionalKey(Span) }).check(
      Schema.makeFilter(
        ({ high, low }: { readonly low: number; readonly high: number }) =>
          low <= high || { path: ["high"], issue: "expected at least low" }
      )
    )
  }),
  /** Poisson of rate `base`, and of rate `peak` for a while in each period. */
  Schema.Struct({
    burst: Schema.Struct({ base: Rate, peak: Rate, every: Span, for: Span }).check(
      Schema.makeFilter(
        (burst: { readonly every: number; readonly for: number }) =>
          burst.for <= burst.every || { path: ["for"], issue: "expected at most every" }
      )
    )
  }),
  /** At these instants, in order, as they were recorded. */
  Schema.Struct({
    recorded: Schema.NonEmptyArray(Instant).check(
      Schema.makeFilter((instants: ReadonlyArray<number>) => {
        const late = instants.findIndex((at, index) => at < (instants[index - 1] ?? 0))
        return late === -1 || { path: [late], issue: "expected no earlier than the one before" }
      })
    )
  })
])
export type Arrivals = typeof Arrivals.Type

/** How many tokens: always as many, or log-normal. */
const Tokens = Schema.Union([count, Schema.Struct({ p50: positive, p99: positive }).check(isOrdered)])
export type Tokens = typeof Tokens.Type

const Workload = Schema.Struct({
  arrivals: Arrivals,
  /** How long a caller waits for the whole answer. Then it leaves. */
  deadline: Span,
  /** Which part of the operations is streamed. Default 0. */
  streams: Schema.optionalKey(Share),
  /** Default 500 in and 200 out. */
  tokens: Schema.optionalKey(Schema.Struct({ in: Schema.optionalKey(Tokens), out: Schema.optionalKey(Tokens) })),
  /** Which part goes before the others where it waits for a slot. Default 0. */
  urgent: Schema.optionalKey(Share),
  /** Which part asks what one of a hundred popular requests asks, word for word. Default 0. */
  identical: Schema.optionalKey(Share),
  /** Requests that no provider answers well, whoever is asked. */
  poisoned: Schema.optionalKey(
    Schema.Struct({
      share: Share,
      /** The provider refuses them as wrong or as against its policy, or breaks on them with a 500. */
      kind: Schema.Literals(["invalid-request", "content-policy", "service-unavailable"])
    })
  ),
  /** Callers that ask again on their own when they get an error, each after such a wait, until their deadline. */
  clients: Schema.optionalKey(Schema.Struct({ retries: positiveInt, wait: Span }))
})
export type Workload = typeof Workload.Type

/**
 * What goes wrong with one call.
 *
 * - `service-unavailable`, `overloaded`, `rate-limited`, `quota`, `authentication`, `invalid-response`: it is answered so.
 * - `network`: the connection is refused or reset at once.
 * - `unreachable`: no connection comes to stand.
 * - `hang`: it is accepted, and nothing comes.
 * - `truncated`: the answer breaks off in the middle; a stream ends there as if it were over.
 */
export const Trouble = Schema.Literals([
  "service-unavailable",
  "overloaded",
  "rate-limited",
  "quota",
  "authentication",
  "invalid-response",
  "network",
  "unreachable",
  "hang",
  "truncated"
])
export type Trouble = typeof Trouble.Type

/** A stretch of time in which calls go wrong. */
const Outage = Schema.Struct({
  at: Instant,
  for: Span,
  kind: Schema.Literals([...Trouble.literals, "slow"]),
  /** Which part of the calls it hits at its height. Default 1; less is a brown-out. */
  share: Schema.optionalKey(Share),
  /** How long it takes to come to its height, within the outage. Default: at once. */
  onset: Schema.optionalKey(Span),
  /** How long it takes to go down again, after the outage. Default: at once. */
  recovery: Schema.optionalKey(Span),
  /** Of `slow`: how many times longer an answer takes. Default 5. */
  factor: Schema.optionalKey(positive),
  /** Of `rate-limited` and `overloaded`: the wait that the provider names. Default: none. */
  retryAfter: Schema.optionalKey(Span),
  /** Begins anew with this period, so often. Default: once. */
  every: Schema.optionalKey(Span),
  times: Schema.optionalKey(positiveInt)
}).check(
  Schema.makeFilter((outage) => {
    if (outage.times !== undefined && outage.every === undefined)
      return { path: ["times"], issue: "expected every with it" }
    if (outage.every !== undefined && outage.every < outage.for + (outage.recovery ?? 0))
      return { path: ["every"], issue: "expected at least as long as the outage with its recovery" }
    if (outage.onset !== undefined && outage.onset > outage.for)
      return { path: ["onset"], issue: "expected at most as long as the outage" }
    if (outage.factor !== undefined && outage.kind !== "slow") return { path: ["factor"], issue: "only slow has one" }
    return undefined
  })
)
export type Outage = typeof Outage.Type

const Limits = Schema.Struct({
  requestsPerMinute: Schema.optionalKey(positiveInt),
  tokensPerMinute: Schema.optionalKey(positiveInt),
  /** Calls under way at once; one more is answered with 429 and no hint. */
  concurrent: Schema.optionalKey(positiveInt),
  /** How long the limits may be saved up for. Default 1 minute. */
  window: Schema.optionalKey(Span),
  /** Whether a 429 names the wait. Default true. */
  hints: Schema.optionalKey(Schema.Boolean),
  /**
   * Whether the headers of answers, and of a 429, say what is left of the requests and tokens. Default: as the provider of
   * that name does; `gemini`, `google` and `vertex` do not, all others do.
   */
  headers: Schema.optionalKey(Schema.Boolean)
})
export type Limits = typeof Limits.Type

const Capacity = Schema.Struct({
  /** Calls served at once. */
  slots: positiveInt,
  /** Calls that wait for a slot, first come first served; one more is refused as overloaded. Default 0. */
  queue: Schema.optionalKey(count),
  /** How many times longer an answer takes when every slot is busy; it grows with the square of the load. Default 1. */
  slowdown: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1))),
  /** How much of a slot's time each refusal takes, as a part of an answer's: what makes overload collapse. Default 0. */
  refusalCost: Schema.optionalKey(Share)
})
export type Capacity = typeof Capacity.Type

const Quota = Schema.Struct({
  requests: Schema.optionalKey(positiveInt),
  tokens: Schema.optionalKey(positiveInt),
  usd: Schema.optionalKey(positive),
  /** When it is full again, and with which period. Default: never. */
  every: Schema.optionalKey(Span),
  /** Whether the answer says when. Default false. */
  hint: Schema.optionalKey(Schema.Boolean)
}).check(
  Schema.makeFilter(({ requests, tokens, usd }) =>
    requests === undefined && tokens === undefined && usd === undefined ? "expected requests, tokens or usd" : undefined
  )
)
export type Quota = typeof Quota.Type

/** How long until an answer, or the first of it, begins. */
export const Latency = Schema.Union([
  /** Log-normal. */
  Schema.Struct({ p50: Span, p99: Span }).check(isOrdered),
  /** Exponential, with this mean. */
  Schema.Struct({ exponential: Span }),
  Schema.Struct({ constant: Span })
])
export type Latency = typeof Latency.Type

const Errors = Schema.Struct({
  "service-unavailable": Schema.optionalKey(Share),
  overloaded: Schema.optionalKey(Share),
  "rate-limited": Schema.optionalKey(Share),
  quota: Schema.optionalKey(Share),
  authentication: Schema.optionalKey(Share),
  "invalid-response": Schema.optionalKey(Share),
  network: Schema.optionalKey(Share),
  unreachable: Schema.optionalKey(Share),
  hang: Schema.optionalKey(Share),
  truncated: Schema.optionalKey(Share)
} satisfies { readonly [Each in Trouble]: unknown }).check(
  Schema.makeFilter((errors: { readonly [Each in Trouble]?: number }) =>
    Object.values(errors).reduce((sum, share) => sum + share, 0) <= 1
      ? undefined
      : "expected shares of at most 1 in all"
  )
)

const Provider = Schema.Struct({
  latency: Latency,
  /** How fast the answer comes after its beginning. Default: all at once. */
  tokensPerSecond: Schema.optionalKey(positive),
  capacity: Schema.optionalKey(Capacity),
  limits: Schema.optionalKey(Limits),
  quota: Schema.optionalKey(Quota),
  /** Which part of the calls goes wrong at any time, one independently of the other. */
  errors: Schema.optionalKey(Errors),
  outages: Schema.optionalKey(Schema.Array(Outage)),
  /** US dollars per million tokens. Default: free. */
  price: Schema.optionalKey(
    Schema.Struct({
      input: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
      output: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
    })
  )
})
export type Provider = typeof Provider.Type

const LaneName = Schema.String.check(Schema.isPattern(/^[^/\s]+\/\S+$/, { message: "expected provider/model" }))

const Fields = Schema.Struct({
  /** Its name. Default: the file's. */
  name: Schema.optionalKey(Schema.NonEmptyString),
  /** One sentence. */
  description: Schema.optionalKey(Schema.NonEmptyString),
  /** What really happened, and where it can be read. */
  sources: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  /** Why fewer than 99 % of the operations can succeed, whatever one does. */
  beyond: Schema.optionalKey(Schema.NonEmptyString),
  /** For how long operations arrive. */
  duration: Span,
  workload: Workload,
  /** By lane, `provider/model`; most preferred first. */
  providers: Schema.Record(LaneName, Provider).check(
    Schema.makeFilter((providers: Readonly<Record<string, unknown>>) =>
      Object.keys(providers).length > 0 ? undefined : "expected at least one provider"
    )
  )
})

export const Scenario = Fields.check(
  Schema.makeFilter(({ duration, providers, workload }) => {
    const issues: Array<{ readonly path: ReadonlyArray<PropertyKey>; readonly issue: string }> = []
    for (const [lane, { outages = [] }] of Object.entries(providers)) {
      for (const [index, { at }] of outages.entries()) {
        if (at >= duration) {
          issues.push({ path: ["providers", lane, "outages", index, "at"], issue: "expected within the duration" })
        }
      }
    }
    const { arrivals } = workload
    if ("recorded" in arrivals && (arrivals.recorded.at(-1) ?? 0) >= duration) {
      issues.push({ path: ["workload", "arrivals", "recorded"], issue: "expected instants within the duration" })
    }
    return issues
  })
)
/** A scenario; spans and instants are milliseconds, rates are per millisecond. */
export type Scenario = typeof Scenario.Type & { readonly name: string }

/** The same as a schema, for what is sent elsewhere: it stays in milliseconds, so that nothing is rounded on the way. */
export const Value: Schema.Codec<Scenario, unknown> = Schema.toType(
  Schema.Struct({ ...Fields.fields, name: Schema.NonEmptyString })
)

/** A scenario as it is written. */
export type Input = typeof Scenario.Encoded

const decode = Schema.decodeUnknownEffect(Scenario, { onExcessProperty: "error", errors: "all" })

/** Decodes what a file holds. `source` names it in the error, `name` the scenario where it does not name itself. */
export const parse = (text: string, source: string, name: string): Effect.Effect<Scenario, InvalidScenario> =>
  Effect.try({
    try: () => (text.trimStart().startsWith("{") ? (JSON.parse(text) as unknown) : Yaml.parse(text)),
    catch: (cause) =>
      new InvalidScenario({ source, problem: firstLine(cause instanceof Error ? cause.message : String(cause)) })
  }).pipe(Effect.flatMap((value) => fromUnknown(value, source, name)))

/** The same for a value. */
export const fromUnknown = (value: unknown, source: string, name: string): Effect.Effect<Scenario, InvalidScenario> =>
  decode(value).pipe(
    Effect.mapError(
      ({ issue }) => new InvalidScenario({ source, problem: new Schema.SchemaError(meant(issue)).message })
    ),
    Effect.map((scenario) => ({ ...scenario, name: scenario.name ?? name }))
  )

/** Reads and decodes a file. */
export const load = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    files.readFileString(path),
    (error) => new InvalidScenario({ source: path, problem: `cannot be read (${error.reason._tag})` })
  )
  return yield* parse(text, path, nameOf(path))
})

/** The file's name, without its folder and its ending. */
const nameOf = (path: string): string => (path.split(/[\\/]/).at(-1) ?? path).replace(/\.(ya?ml|json)$/, "")

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text
