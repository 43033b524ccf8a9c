/** This gateway under the fault bench: a process-local one on a free port, with a route for every model of the bench. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as FaultBench from "@holdfast/chaos/FaultBench"
import * as Policy from "@holdfast/core/Policy"
import * as Config from "@holdfast/gateway/Config"
import * as Gateway from "@holdfast/gateway/Gateway"
import * as Database from "@holdfast/store-sql/Database"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"

/** What becomes of a stream that fails after its first text. */
export const Mode = Schema.Literals(["surface", "continue"])
export type Mode = typeof Mode.Type

export interface Options {
  /** The base URL of the bench's providers. */
  readonly upstream: string
  readonly profile: FaultBench.Profile
  readonly mode: Mode
}

/** The configuration: the `interactive` policy as it is, in the time of the profile, with the mode. */
export const config = Effect.fnUntraced(function* (options: Options) {
  const interactive = Policy.interactive.pipe(Policy.stream({ onFailure: options.mode }))
  const policy = yield* hurried(interactive, FaultBench.speed[options.profile])
  return yield* Schema.decodeUnknownEffect(Config.Config)({
    providers: {
      bench: {
        kind: "openai-compatible",
        baseUrl: options.upstream,
        models: {
          [FaultBench.smallWindow.model]: { contextWindow: FaultBench.smallWindow.contextWindow },
          "fb-ok": { contextWindow: 128_000 }
        }
      }
    },
    routes: Object.fromEntries(
      FaultBench.routes.map(({ models, name }) => [name, { policy, lanes: models.map((model) => `bench/${model}`) }])
    )
  })
})

/** Serves until the scope closes; gives the base URL. It keeps its rows in memory and writes no log. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const context = yield* Layer.build(
    Gateway.layerNoDatabase({ config: yield* config(options), port: 0, drainTimeout: "1 second" }).pipe(
      Layer.provide(Layer.provide(Database.layerEmbedded(), NodeFileSystem.layer)),
      Layer.provide(Logger.layer([]))
    )
  )
  return `${yield* Effect.provideContext(Gateway.url, context)}/v1`
})

/** A policy as a file writes it, with every time in it divided. */
const hurried = (policy: Policy.Policy, faster: number) =>
  Effect.map(Schema.encodeEffect(Policy.fromConfig("interactive"))(policy), (written) => divide(written, faster))

const divide = (value: unknown, by: number): unknown => {
  if (typeof value === "string") {
    const time = Option.getOrUndefined(Schema.decodeUnknownOption(Schema.DurationFromString)(value))
    return time === undefined ? value : `${Duration.toMillis(time) / by} millis`
  }
  if (Array.isArray(value)) return value.map((part) => divide(part, by))
  return Predicate.isObject(value)
    ? Object.fromEntries(Object.entries(value).map(([key, part]) => [key, divide(part, by)]))
    : value
}
