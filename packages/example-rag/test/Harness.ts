/** The application as production builds it, over emulated providers on real sockets, with a database of its own. */
import { NodeFileSystem, NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientRequest, HttpServer } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { Database } from "@holdfast/store-sql"
import { createServer } from "node:http"
import { Api } from "../src/Api.ts"
import * as Application from "../src/Application.ts"
import { documents } from "../src/demo/documents.ts"
import * as World from "../src/demo/World.ts"
import { Library } from "../src/Library.ts"

export const primary = "gemini/gemini-3.5-flash"
export const secondary = "openai/gpt-4o-mini"
export const space = "gemini-embedding-001@3072"
export const standbySpace = "text-embedding-3-small@1536"

/** An embedded database, in memory. */
export const database = Layer.provide(Database.layerEmbedded(), NodeFileSystem.layer)

/** Serves it on a free port, in the present scope, with a typed client. */
const serve = Effect.fnUntraced(function* (world: World.World) {
  const context = yield* Layer.build(
    Application.layer.pipe(
      Layer.provideMerge(
        NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1", gracefulShutdownTimeout: "1 second" })
      ),
      Layer.provideMerge(NodeHttpClient.layerUndici),
      Layer.provide(World.config(world))
    )
  )
  const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), context)
  const client = yield* HttpApiClient.make(Api, {
    transformClient: HttpClient.mapRequest(HttpClientRequest.prependUrl(url))
  }).pipe(Effect.provide(context))
  return { client, context, url }
})

/** The same with the documents of the demonstration, and all their vectors in both spaces. */
export const serveStocked = Effect.fnUntraced(function* (world: World.World) {
  const served = yield* serve(world)
  for (const document of documents) yield* served.client.addDocument({ payload: document })
  // The vectors of the space on stand-by are made behind the caller's back.
  yield* Library.use(({ catchUp }) => catchUp).pipe(Effect.provide(served.context))
  return served
})
