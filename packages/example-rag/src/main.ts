/**
 * The application for real: `GEMINI_API_KEY`, `OPENAI_API_KEY`, and `GEMINI_SECOND_API_KEY` where there is a second project.
 * `DATABASE_URL` names a PostgreSQL server; without it the database is in `.rag`.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Config, Effect, Layer, Option } from "effect"
import { Database } from "@holdfast/store-sql"
import { createServer } from "node:http"
import * as Application from "./Application.ts"

const database = Layer.unwrap(
  Effect.map(Config.option(Config.Redacted("DATABASE_URL")), (url) =>
    Database.layer({ url: Option.getOrUndefined(url), dataDirectory: ".rag" })
  )
)

Application.layer.pipe(
  Layer.provide([
    NodeHttpServer.layerConfig(
      createServer,
      Config.all({ port: Config.Port("PORT").pipe(Config.withDefault(8080)), host: Config.succeed("127.0.0.1") })
    ),
    NodeHttpClient.layerUndici,
    database
  ]),
  Layer.provide(NodeServices.layer),
  Layer.launch,
  NodeRuntime.runMain
)
