/**
 * The application, as `main.ts` builds it, on emulated providers in a storm: documents go in, questions are asked over
 * HTTP while one thing after another fails, and a timeline says who answered. No key and no network is needed.
 */
import { NodeHttpClient, NodeHttpServer, NodeRuntime, NodeServices } from "@effect/platform-node"
import { Clock, Effect, Layer, Logger, Stream } from "effect"
import { HttpClient, HttpClientRequest, HttpServer } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { CircuitBreaker } from "@holdfast/core"
import { Database } from "@holdfast/store-sql"
import { createServer } from "node:http"
import { Api } from "./Api.ts"
import * as Application from "./Application.ts"
import { documents, questions } from "./demo/documents.ts"
import { calm, scenes, type Scene } from "./demo/scenes.ts"
import * as Timeline from "./demo/Timeline.ts"
import * as World from "./demo/World.ts"

const demo = Effect.gen(function* () {
  const world = yield* World.make()
  const application = yield* Layer.build(
    Application.layer.pipe(
      Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
      Layer.provideMerge(NodeHttpClient.layerUndici),
      Layer.provide([Database.layerEmbedded(), World.config(world)])
    )
  )
  const url = yield* Effect.provide(HttpServer.addressFormattedWith(Effect.succeed), application)
  const client = yield* HttpApiClient.make(Api, {
    transformClient: HttpClient.mapRequest(HttpClientRequest.prependUrl(url))
  }).pipe(Effect.provide(application))

  const timeline = yield* Timeline.make
  const { answered, failed, say } = timeline
  yield* say(`It serves ${url}: POST /documents, /search, /answer, /answer/stream, and GET /health`)

  const breaker = yield* Effect.provide(CircuitBreaker.CircuitBreaker, application)
  yield* breaker.transitions.pipe(
    Stream.runForEach(({ circuit, reason, to }) => say(`circuit   ${circuit} is ${to}: ${reason}`)),
    Effect.forkScoped({ startImmediately: true })
  )

  const begin = ({ faults, title }: Pick<Scene, "faults" | "title">) =>
    Effect.gen(function* () {
      for (const provider of World.providers) {
        const pace = { latency: "150 millis", chunkDelay: "20 millis" } as const
        yield* world[provider].setPlan(World.plan(faults[provider], pace))
      }
      yield* say("")
      yield* say(`── ${title} ──`)
    })

  const ask = Effect.fnUntraced(function* (question: string) {
    const began = yield* Clock.currentTimeMillis
    const answer = yield* client.answer({ payload: { question } })
    yield* answered(question, answer, (yield* Clock.currentTimeMillis) - began)
    return answer
  })

  const listen = Effect.fnUntraced(function* (question: string) {
    const began = yield* Clock.currentTimeMillis
    let text = ""
    yield* Stream.runForEach(yield* client.stream({ payload: { question } }), (piece) => {
      if (piece._tag === "Text") text += piece.delta
      if (piece._tag !== "End") return Effect.void
      return Effect.flatMap(Clock.currentTimeMillis, (now) => answered(question, { ...piece, text }, now - began))
    })
  })

  const told = <A, E, R>(question: string, self: Effect.Effect<A, E, R>) =>
    self.pipe(Effect.catch((error) => failed(question, error instanceof Error ? error.message : String(error))))

  let asked = 0
  const next = () => questions[asked++ % questions.length] ?? ""
  for (const scene of scenes) {
    yield* begin(scene)
    if (asked === 0) {
      for (const document of documents) {
        const { isSearchable, passages } = yield* client.addDocument({ payload: document })
        yield* say(
          `took in   ${document.title}: ${passages} passages, ${isSearchable ? "searchable" : "to be embedded"}`
        )
      }
    }
    for (let n = 0; n < scene.questions; n++) {
      const question = next()
      yield* told(question, scene.streamed === true ? listen(question) : ask(question))
    }
  }

  yield* begin({ title: "The storm is over: circuits probe by themselves", faults: calm })
  yield* told(
    "recovery",
    Effect.suspend(() => ask(next())).pipe(
      Effect.delay("3 seconds"),
      Effect.repeat({ until: ({ notice }) => notice === undefined, times: 15 })
    )
  )

  yield* say("")
  const { index, lanes, status } = yield* client.health()
  yield* say(`GET /health says ${status}:`)
  for (const { calls, circuit, errors, lane, successRate } of lanes) {
    const trouble = Object.entries(errors).map(([error, count]) => `${count} ${error}`)
    const rate = `${Math.round(successRate * 100)} % of ${calls} calls`
    yield* say(`  ${lane}: ${circuit.state}, ${rate}${trouble.length === 0 ? "" : ` (${trouble.join(", ")})`}`)
  }
  for (const [space, { indexed, passages }] of Object.entries(index)) {
    yield* say(`  vectors of ${space}: ${indexed} of ${passages} passages`)
  }
  yield* say("")
  const { failures, lines } = yield* timeline.summary
  for (const line of lines) yield* say(line)
  if (failures > 0) return yield* Effect.die(new Error(`${failures} questions found no answer at all`))
})

demo.pipe(
  Effect.scoped,
  // What is worth knowing is on the timeline.
  Effect.provide([NodeServices.layer, Logger.layer([])]),
  NodeRuntime.runMain
)
