/**
 * The gateway as one layer: HTTP server, routes, store and log. Closing it stops accepting, lets what is in flight finish
 * for a while, writes what is left to write, and closes sockets and the database.
 */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Resilience from "@holdfast/core/Resilience"
import * as Database from "@holdfast/store-sql/Database"
import * as EventWriter from "@holdfast/store-sql/EventWriter"
import * as Journal from "@holdfast/store-sql/Journal"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import * as Access from "./admin/Access.ts"
import * as Handlers from "./admin/Handlers.ts"
import * as History from "./admin/History.ts"
import * as Holds from "./admin/Holds.ts"
import * as Live from "./admin/Live.ts"
import * as Page from "./admin/Page.ts"
import * as State from "./admin/State.ts"
import * as WhatIf from "./admin/WhatIf.ts"
import * as Alerting from "./Alerting.ts"
import * as CacheStore from "./CacheStore.ts"
import type * as Config from "./Config.ts"
import * as DatabaseUrl from "./DatabaseUrl.ts"
import * as EventLog from "@holdfast/telemetry/EventLog"
import * as HealthEndpoints from "./HealthEndpoints.ts"
import * as Endpoints from "./openai/Endpoints.ts"
import * as Logs from "./Logs.ts"
import * as ProviderHttp from "./ProviderHttp.ts"
import * as Routes from "./Routes.ts"
import * as SharedStore from "./SharedStore.ts"
import * as Telemetry from "./Telemetry.ts"

export interface Options {
  readonly config: Config.Config
  /** Where the journal is, and the embedded database. */
  readonly dataDirectory: string
  /** Over the configuration's. Default 8787; 0 takes a free one. */
  readonly port?: number | undefined
  /** Where the dashboard's built files are. Default: nowhere, and `/` says so. */
  readonly page?: string | undefined
  /** How long requests in flight may go on after the gateway was told to stop. Default 20 seconds. */
  readonly drainTimeout?: Duration.Input | undefined
}

export const defaultPort = 8787

/**
 * Serves until its scope closes, with the database that the configuration and `DATABASE_URL` name, else its own, and with
 * the log that the configuration describes.
 */
export const layer = (options: Options) =>
  layerWith(options, database(options), journalling(options)).pipe(Layer.provideMerge(Logs.layer(options)))

/** The same, writing to the database and to the loggers that it is given, with rows that wait in memory. */
export const layerNoDatabase = (options: Omit<Options, "dataDirectory">) =>
  layerWith(
    options,
    Layer.effectContext(Effect.context<Database.Database>()),
    EventWriter.layerOfLanes({ retention: options.config.store?.retention })
  )

// Routes come before the database: a missing key is found out before anything is opened.
const layerWith = <E, R, E2, R2>(
  options: Omit<Options, "dataDirectory">,
  database: Layer.Layer<Database.Database, E, R>,
  writer: Layer.Layer<EventWriter.EventWriter, E2, R2>
) =>
  Live.farewell.pipe(
    Layer.provideMerge(server(options)),
    Layer.provideMerge(State.layer),
    Layer.provideMerge(Layer.mergeAll(Access.layer(options.config), History.layer, WhatIf.layer())),
    Layer.provideMerge(
      NodeHttpServer.layer(createServer, {
        host: options.config.server?.host ?? "127.0.0.1",
        port: options.port ?? options.config.server?.port ?? defaultPort,
        gracefulShutdownTimeout: options.drainTimeout ?? "20 seconds"
      })
    ),
    // Nobody can connect before what operators have decided is in force again.
    Layer.provideMerge(Holds.layer({ instance: Alerting.instanceOf(options.config) })),
    Layer.provideMerge(Live.layer),
    Layer.provide(Logs.named("gateway")),
    Layer.provideMerge(Telemetry.metrics(options.config)),
    Layer.provideMerge(
      Layer.mergeAll(
        EventLog.layer,
        Layer.provide(writer, Logs.named("store")),
        Layer.provide(SharedStore.layer(options.config), Logs.named("sharing")),
        Layer.provide(Alerting.layer(options.config), Logs.named("alerts"))
      )
    ),
    Layer.provideMerge(Layer.provide(database, Logs.named("store"))),
    Layer.provideMerge(Routes.layer(options.config)),
    Layer.provideMerge(Resilience.layer),
    Layer.provide([CacheStore.layer(options.config), NodeCrypto.layerDigest, ProviderHttp.layer])
  )

const server = (options: Pick<Options, "config" | "page">) =>
  HttpRouter.serve(
    Layer.mergeAll(
      Endpoints.layer(options.config.server),
      HealthEndpoints.layer,
      Handlers.layer,
      Page.layer(options.page),
      Telemetry.endpoint(options.config)
    ),
    { disableListenLog: true, disableLogger: true, ...Telemetry.middleware(options.config) }
  ).pipe(Layer.provide(Telemetry.otlp(options.config)))

/** Where the gateway can be reached. */
export const url: Effect.Effect<string, never, HttpServer.HttpServer> = HttpServer.addressFormattedWith(Effect.succeed)

/** The names of its routes, those for text first. */
export const routes: Effect.Effect<ReadonlyArray<string>, never, Routes.Routes> = Routes.Routes.useSync(({ byName }) =>
  [...byName.values()]
    .toSorted((a, b) => Number(b.text !== undefined) - Number(a.text !== undefined))
    .map((route) => route.name)
)

/** Whose rows wait in a journal. */
const journalling = ({ config, dataDirectory }: Options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { journal: { maxBytes } = {}, retention } = config.store ?? {}
      const journal = yield* Journal.open({ directory: `${dataDirectory}/journal`, maxBytes })
      return EventWriter.layerOfLanes({ journal, retention })
    })
  )

const database = (options: Options) =>
  Layer.unwrap(
    Effect.map(DatabaseUrl.read(options.config.store), (url) => {
      const { maxConnections, statementTimeout } = options.config.store ?? {}
      return Database.layer({ url, dataDirectory: options.dataDirectory, maxConnections, statementTimeout })
    })
  )
