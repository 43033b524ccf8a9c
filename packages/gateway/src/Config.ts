/**
 * The gateway's configuration as a file writes it: YAML or JSON, decoded by schema, unknown keys refused with their path.
 * Secrets are named (`{ env: OPENAI_API_KEY }`), never written down; their values appear in no error.
 */
import * as Policy from "@holdfast/core/Policy"
import * as ModelProfile from "@holdfast/providers/ModelProfile"
import * as Logging from "@holdfast/telemetry/Logging"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Yaml from "yaml"
import * as AlertsSection from "./AlertsSection.ts"
import { Secret, Url } from "./Secret.ts"

/** The configuration cannot be used; the message says where and why. */
export class InvalidConfig extends Schema.TaggedError<InvalidConfig>()("InvalidConfig", {
  /** The file, or what else it came from. */
  source: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `${this.source}: ${this.problem}`
  }
}

export { Secret }

const positiveInt = Schema.Int.check(Schema.isGreaterThan(0))

/** What a model can serve, where the built-in catalogue does not know it or is wrong. */
const Model = Schema.Struct({
  contextWindow: Schema.optionalKey(positiveInt),
  maxOutputTokens: Schema.optionalKey(positiveInt),
  tools: Schema.optionalKey(Schema.Boolean),
  vision: Schema.optionalKey(Schema.Boolean),
  jsonSchema: Schema.optionalKey(Schema.Boolean),
  streaming: Schema.optionalKey(Schema.Boolean),
  prefill: Schema.optionalKey(Schema.Boolean),
  dimensions: Schema.optionalKey(positiveInt),
  /** Models of one space make comparable vectors. */
  vectorSpace: Schema.optionalKey(Schema.NonEmptyString),
  /** US dollars per million tokens: `{ input, output }` of text, `{ embedding }` of vectors. */
  price: Schema.optionalKey(ModelProfile.Price)
})

export const Kind = Schema.Literals(["openai", "gemini", "anthropic", "openai-compatible"])
export type Kind = typeof Kind.Type

const Provider = Schema.Struct({
  /** Default: the provider's own name, when it is one of the kinds. */
  kind: Schema.optionalKey(Kind),
  /** May be left out for a host that asks for none. */
  key: Schema.optionalKey(Secret),
  baseUrl: Schema.optionalKey(Url),
  models: Schema.optionalKey(Schema.Record(Schema.String, Model)),
  /** Of OpenAI: the wire format to speak. Default `chat`. */
  api: Schema.optionalKey(Schema.Literals(["chat", "responses"])),
  /** What a stream's undecodable event is: a failure (the default), or something to skip and count. */
  onBadEvent: Schema.optionalKey(Schema.Literals(["fail", "skip"]))
})
export type Provider = typeof Provider.Type

const LaneName = Schema.String.check(Schema.isPattern(/^[^/\s]+\/\S+$/, { message: "expected provider/model" }))

/** What every lane of a route has to offer: one that is known not to is an error of the configuration. */
const Needs = Schema.Struct({
  tools: Schema.optionalKey(Schema.Boolean),
  vision: Schema.optionalKey(Schema.Boolean),
  jsonSchema: Schema.optionalKey(Schema.Boolean),
  streaming: Schema.optionalKey(Schema.Boolean),
  /** Tokens of input and output together. */
  contextTokens: Schema.optionalKey(positiveInt),
  maxOutputTokens: Schema.optionalKey(positiveInt),
  dimensions: Schema.optionalKey(positiveInt)
})

const Route = Schema.Struct({
  /** Default: `embed` when every lane's model is known to make vectors, else `text`. */
  kind: Schema.optionalKey(Schema.Literals(["text", "embed"])),
  /** Default `interactive`. */
  policy: Schema.optionalKey(Policy.fromConfig("interactive")),
  /** `provider/model`, most preferred first. */
  lanes: Schema.NonEmptyArray(LaneName),
  needs: Schema.optionalKey(Needs),
  /** What a route for text answers when every lane has failed and the caller could not have helped it. */
  degraded: Schema.optionalKey(Schema.NonEmptyString),
  /** Writes prompts and answers into the log, with keys taken out of them. Default false. */
  logContent: Schema.optionalKey(Schema.Boolean)
})
export type Route = typeof Route.Type

const Wait = Schema.DurationFromString.check(
  Schema.makeFilter((duration: Duration.Duration) => Duration.isFinite(duration) && Duration.toMillis(duration) > 0, {
    expected: "a positive, finite duration"
  })
)

/** How streams are served. */
const streams = {
  /**
   * How long a caller waits for the first content before it gets headers and comments. From then on a failure is an event
   * in a stream with the status 200. Default: as long as it takes, so that a failure has its own status.
   */
  streamHeadersAfter: Schema.optionalKey(Wait),
  /** A stream that is silent for this long, or up to twice that, gets a comment. Default 10 seconds. */
  streamHeartbeat: Schema.optionalKey(Wait)
}
const Streams = Schema.Struct(streams)
export type Streams = typeof Streams.Type

const Server = Schema.Struct({
  ...streams,
  host: Schema.optionalKey(Schema.NonEmptyString),
  port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })))
})

const Store = Schema.Struct({
  /** A PostgreSQL server's URL. Default: `DATABASE_URL` when that is set, else an embedded database. */
  url: Schema.optionalKey(Secret),
  /** Of a server: connections at most. Default 5. */
  maxConnections: Schema.optionalKey(positiveInt),
  /** Of a server: a statement that takes longer is ended. Default 30 seconds. */
  statementTimeout: Schema.optionalKey(Wait),
  /** Rows older than that are dropped, a week at a time. Default 90 days. */
  retention: Schema.optionalKey(Wait),
  /** Rows that wait for the database, on disk. */
  journal: Schema.optionalKey(
    Schema.Struct({
      /** The most that they may take there; then the oldest are dropped. Default 268,435,456. */
      maxBytes: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(2 ** 20)))
    })
  )
})

/** Who may act on the page and over the admin API. Default: nobody, and both are served on loopback only. */
const Admin = Schema.Struct({
  /** At least 16 characters. */
  key: Secret
})

/** Where the answers are that routes keep. Default: in this process's memory. */
const Cache = Schema.Struct({
  /** A Redis server's URL. It bounds itself, by its own `maxmemory`. */
  redis: Schema.optionalKey(Secret),
  /** Of the memory. Default 10,000. */
  maxEntries: Schema.optionalKey(positiveInt),
  /** Of the memory, in bytes of JSON. Default 67,108,864. */
  maxBytes: Schema.optionalKey(positiveInt)
})

/** Where several instances tell each other of circuits and cool-downs and take turns at probing. Default: they do not. */
const Sharing = Schema.Struct({
  /** A Redis server's URL. */
  redis: Schema.optionalKey(Secret),
  /** In front of every key in Redis: instances with the same one share. Default `holdfast`. */
  prefix: Schema.optionalKey(Schema.NonEmptyString),
  /** The PostgreSQL server of `store`. */
  postgres: Schema.optionalKey(Schema.Literal(true))
}).check(
  Schema.makeFilter(({ postgres, prefix, redis }) => {
    if ((redis === undefined) === (postgres === undefined)) return "expected either redis or postgres"
    return prefix !== undefined && redis === undefined ? { path: ["prefix"], issue: "only redis has one" } : undefined
  })
)

/** What `GET /metrics` says. */
const Metrics = Schema.Struct({
  /** Values a label may have before the rest is `other`. Default 500. */
  maxLabelValues: Schema.optionalKey(positiveInt),
  /** Tenants, that is keys of callers, told apart before the rest is `other`. Default 0: nobody is told apart. */
  tenants: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })))
})

/** An OpenTelemetry collector that takes spans and metrics over HTTP. */
const Otlp = Schema.Struct({
  /** Without `/v1/traces`. */
  url: Url,
  /** `name=value,name=value`, as in OTEL_EXPORTER_OTLP_HEADERS. */
  headers: Schema.optionalKey(Secret),
  /** Default `holdfast`. */
  serviceName: Schema.optionalKey(Schema.NonEmptyString),
  /** Between two batches of spans. Default 5 seconds. */
  spansEvery: Schema.optionalKey(Wait),
  /** Between two looks at the metrics. Default 10 seconds. */
  metricsEvery: Schema.optionalKey(Wait)
})

const fields = Schema.Struct({
  server: Schema.optionalKey(Server),
  admin: Schema.optionalKey(Admin),
  sharing: Schema.optionalKey(Sharing),
  cache: Schema.optionalKey(Cache),
  store: Schema.optionalKey(Store),
  logging: Schema.optionalKey(Logging.Settings),
  metrics: Schema.optionalKey(Schema.Union([Metrics, Schema.Literal(false)])),
  otlp: Schema.optionalKey(Otlp),
  alerts: Schema.optionalKey(AlertsSection.Alerts),
  providers: Schema.Record(Schema.NonEmptyString, Provider),
  routes: Schema.Record(Schema.NonEmptyString, Route)
})

export const Config = fields.check(
  Schema.makeFilter((config: typeof fields.Type) => {
    const issues: Array<{ readonly path: ReadonlyArray<PropertyKey>; readonly issue: string }> = []
    for (const bound of ["maxEntries", "maxBytes"] as const) {
      if (config.cache?.redis !== undefined && config.cache[bound] !== undefined) {
        issues.push({ path: ["cache", bound], issue: "only memory has it; Redis bounds itself" })
      }
    }
    const { sloBurn } = config.alerts?.rules ?? {}
    for (const route of Object.keys(sloBurn === false ? {} : (sloBurn?.objectives ?? {}))) {
      if (!Object.hasOwn(config.routes, route)) {
        issues.push({ path: ["alerts", "rules", "sloBurn", "objectives", route], issue: "there is no such route" })
      }
    }
    if (Object.keys(config.routes).length === 0) issues.push({ path: ["routes"], issue: "expected at least one route" })
    for (const [name, provider] of Object.entries(config.providers)) {
      const kind = kindOf(name, provider)
      if (kind === undefined) {
        issues.push({
          path: ["providers", name, "kind"],
          issue: "expected openai, gemini, anthropic or openai-compatible, since the name is none of them"
        })
      } else if (kind === "openai-compatible" && provider.baseUrl === undefined) {
        issues.push({ path: ["providers", name, "baseUrl"], issue: "expected for an openai-compatible host" })
      } else if (kind !== "openai-compatible" && provider.key === undefined) {
        issues.push({ path: ["providers", name, "key"], issue: "expected, such as { env: OPENAI_API_KEY }" })
      } else if (kind !== "openai" && provider.api !== undefined) {
        issues.push({ path: ["providers", name, "api"], issue: "only a provider of kind openai has several" })
      }
    }
    for (const [name, route] of Object.entries(config.routes)) {
      if (route.kind === "embed" && route.degraded !== undefined) {
        issues.push({ path: ["routes", name, "degraded"], issue: "only a route for text has one" })
      }
      for (const [index, lane] of route.lanes.entries()) {
        const provider = lane.slice(0, lane.indexOf("/"))
        if (!Object.hasOwn(config.providers, provider)) {
          const known = Object.keys(config.providers).join(", ")
          issues.push({ path: ["routes", name, "lanes", index], issue: `no provider ${provider} (there is: ${known})` })
        } else if (route.lanes.indexOf(lane) !== index) {
          issues.push({ path: ["routes", name, "lanes", index], issue: `${lane} is in it twice` })
        }
      }
    }
    return issues
  })
)
export type Config = typeof Config.Type

/** The kind of a provider, from its entry or its name. */
export const kindOf = (name: string, provider: Provider): Kind | undefined =>
  provider.kind ?? (Schema.is(Kind)(name) ? name : undefined)

/** Every secret that a configuration names, wherever it stands. */
export const secrets = (config: Config): ReadonlyArray<Secret> => named(config)

const named = (value: unknown): ReadonlyArray<Secret> => {
  if (typeof value !== "object" || value === null) return []
  return isSecret(value) ? [value] : Object.values(value).flatMap(named)
}

const isSecret = Schema.is(Secret)

const decode = Schema.decodeUnknownEffect(Config, { onExcessProperty: "error", errors: "all" })

/** Decodes what a file holds. `source` names it in the error. */
export const parse = Effect.fnUntraced(function* (text: string, source: string) {
  const document = Yaml.parseDocument(text)
  const [broken] = document.errors
  if (broken !== undefined) return yield* new InvalidConfig({ source, problem: firstLine(broken.message) })
  const value: unknown = document.toJS()
  return yield* Effect.mapError(decode(value), (error) => new InvalidConfig({ source, problem: error.message }))
})

/** Reads and decodes a configuration file. */
export const load = Effect.fnUntraced(function* (path: string) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.mapError(
    files.readFileString(path),
    (error) => new InvalidConfig({ source: path, problem: `cannot be read (${error.reason._tag})` })
  )
  return yield* parse(text, path)
})

const firstLine = (text: string): string => text.split("\n", 1)[0] ?? text
