/** `holdfast explain`: what a route of a configuration does, in words and numbers. It needs no keys and asks nobody. */
import * as Resilience from "@holdfast/core/Resilience"
import * as Config from "@holdfast/gateway/Config"
import * as Routes from "@holdfast/gateway/Routes"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Explanation from "./explain/Explanation.ts"

class UnknownRoute extends Schema.TaggedError<UnknownRoute>()("UnknownRoute", {
  route: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `There is no route ${JSON.stringify(this.route)}; there is: ${this.known.join(", ")}`
  }
}

export const explain = Command.make(
  "explain",
  {
    route: Argument.String("route").pipe(Argument.withDescription("Its name. Default: all of them"), Argument.optional),
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("A YAML or JSON configuration"),
      Flag.withDefault("holdfast.yaml")
    )
  },
  Effect.fnUntraced(function* (flags) {
    const config = yield* Config.load(flags.config)
    const { byName } = yield* Effect.provide(Routes.make(config), around(config))
    const known = [...byName.keys()]
    const wanted = Option.getOrUndefined(flags.route)
    if (wanted !== undefined && !byName.has(wanted)) return yield* new UnknownRoute({ route: wanted, known })
    for (const route of byName.values()) {
      if (wanted !== undefined && route.name !== wanted) continue
      yield* Console.log(Explanation.of(route, config.routes[route.name]?.degraded))
    }
  })
).pipe(Command.withDescription("Say what a route does: its lanes, its guards, and what happens in which failure"))

/** Lanes are made as the gateway makes them, with something in the place of each key, since none is used. */
const around = ({ providers }: Config.Config) => {
  const names = Object.values(providers).flatMap(({ key }) => (key === undefined ? [] : [key.env]))
  return Layer.mergeAll(
    Resilience.layer,
    FetchHttpClient.layer,
    ConfigProvider.layer(ConfigProvider.fromUnknown(Object.fromEntries(names.map((name) => [name, "unused"]))))
  )
}
