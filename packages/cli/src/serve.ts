/** `holdfast serve`: the gateway, from a configuration file, or as a demonstration without one. */
import * as Config from "@holdfast/gateway/Config"
import * as Demo from "@holdfast/gateway/Demo"
import * as Gateway from "@holdfast/gateway/Gateway"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"

const port = Flag.Int("port").pipe(
  Flag.withDescription("The port to listen on, instead of the configuration's (8787 by default); 0 takes a free one"),
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))),
  Flag.optional
)

export const serve = Command.make(
  "serve",
  {
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription(
        "A YAML or JSON configuration. Without one: two emulated providers in a storm, with traffic"
      ),
      Flag.optional
    ),
    port,
    data: Flag.String("data").pipe(
      Flag.withDescription("Where the journal and the embedded database live"),
      Flag.withDefault(".holdfast")
    )
  },
  Effect.fnUntraced(function* (flags) {
    const options = { dataDirectory: flags.data, port: Option.getOrUndefined(flags.port), page }
    if (Option.isNone(flags.config)) {
      yield* Console.log(
        "No --config: this is a demonstration. Both providers are emulated, the storm and the traffic are made up."
      )
      return yield* Layer.launch(
        Layer.effectDiscard(
          Effect.andThen(announce, Console.log(`To act on the page, sign in with the key ${Demo.adminKey}`))
        ).pipe(Layer.provide(Demo.layer(options)))
      )
    }
    const config = yield* Config.load(flags.config.value)
    return yield* Layer.launch(Layer.effectDiscard(announce).pipe(Layer.provide(Gateway.layer({ ...options, config }))))
  })
).pipe(Command.withDescription("Serve an OpenAI-shaped endpoint that survives provider storms"))

/** The dashboard's built files. */
const page = fileURLToPath(new URL("./dist", import.meta.resolve("@holdfast/dashboard/package.json")))

const announce = Effect.gen(function* () {
  const url = yield* Gateway.url
  const routes = yield* Gateway.routes
  yield* Console.log(`The dashboard is at ${url}/ (API: ${url}/docs)`)
  yield* Console.log(`Holdfast serves ${routes.join(", ")} at ${url}/v1 (health: ${url}/api/health). Try:`)
  yield* Console.log(
    `  curl -si ${url}/v1/chat/completions -H 'content-type: application/json' ` +
      `-d '{"model":"${routes[0] ?? "chat"}","messages":[{"role":"user","content":"Hello"}]}'`
  )
})
