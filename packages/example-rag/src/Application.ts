/** Everything together. What is left to provide is a database, an HTTP client and a server: production and tests differ there. */
import { Layer } from "effect"
import { HttpRouter } from "effect/http"
import { EventWriter } from "@holdfast/store-sql"
import * as Answerer from "./Answerer.ts"
import * as Library from "./Library.ts"
import * as Models from "./Models.ts"
import * as PassageStore from "./PassageStore.ts"
import * as Retriever from "./Retriever.ts"
import * as Server from "./Server.ts"

/** The services, without HTTP. What happened to every call is written to the same database. */
const services = Layer.mergeAll(Answerer.layer, Library.layer, EventWriter.layerOfLanes()).pipe(
  Layer.provideMerge(Retriever.layer),
  Layer.provideMerge(PassageStore.layer),
  Layer.provideMerge(Models.layer)
)

/** Serves them. */
export const layer = HttpRouter.serve(Server.layer, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(services)
)
