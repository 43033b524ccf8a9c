/** The routes of a gateway by name, each a resilient model over its lanes. Built once, from the configuration. */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import type * as Failure from "@holdfast/core/Failure"
import type * as FallbackPlan from "@holdfast/core/FallbackPlan"
import type * as Lane from "@holdfast/core/Lane"
import * as Policy from "@holdfast/core/Policy"
import type * as Refusal from "@holdfast/core/Refusal"
import * as CoreRoute from "@holdfast/core/Route"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Config from "./Config.ts"
import * as ContentLog from "./ContentLog.ts"
import * as Lanes from "./Lanes.ts"

type Errors = Failure.Failure | Refusal.Refusal

/** A route as the gateway serves it. */
export interface Route {
  readonly name: string
  readonly policy: Policy.Policy
  readonly lanes: ReadonlyArray<Lane.Lane>
  readonly text?: CoreRoute.Text
  readonly embed?: EmbedModel.EmbedModel<Errors>
}

export class Routes extends Context.Service<
  Routes,
  {
    readonly byName: ReadonlyMap<string, Route>
    /** Every lane once, over all routes. */
    readonly lanes: ReadonlyArray<Lane.Lane>
  }
>()("@holdfast/gateway/Routes") {}

export const make = Effect.fnUntraced(function* (
  config: Config.Config
): Effect.fn.Return<
  Routes["Service"],
  Config.InvalidConfig | FallbackPlan.InvalidRoute,
  HttpClient.HttpClient | CoreRoute.Around
> {
  const lanes = new Map<string, Lane.Lane>()
  const byName = new Map<string, Route>()
  const content = yield* ContentLog.make
  for (const [name, entry] of Object.entries(config.routes)) {
    const own: Array<Lane.Lane> = []
    for (const id of entry.lanes) {
      const lane = lanes.get(id) ?? (yield* Lanes.make(config, id))
      lanes.set(id, lane)
      own.push(lane)
    }
    const policy = entry.policy ?? Policy.interactive
    const options = { lanes: own.map((lane) => Effect.succeed(lane)), policy, needs: entry.needs }
    const kind = entry.kind ?? (own.every(makesVectors) ? "embed" : "text")
    if (kind === "embed" && entry.degraded !== undefined) {
      return yield* new Config.InvalidConfig({
        source: `routes.${name}.degraded`,
        problem: "only a route for text has one, and these lanes embed"
      })
    }
    const isShown = entry.logContent ?? false
    const common = { name, policy, lanes: own }
    if (kind === "embed") {
      byName.set(name, { ...common, embed: content.embed(name, isShown, yield* CoreRoute.embed(name, options)) })
    } else {
      const text = yield* CoreRoute.text(name, { ...options, degraded: entry.degraded })
      byName.set(name, { ...common, text: content.text(name, isShown, text) })
    }
  }
  return Routes.of({ byName, lanes: [...lanes.values()] })
})

export const layer = (
  config: Config.Config
): Layer.Layer<Routes, Config.InvalidConfig | FallbackPlan.InvalidRoute, HttpClient.HttpClient | CoreRoute.Around> =>
  Layer.effect(Routes, make(config))

/** Only a model for vectors has a length of vectors; where that is not known, its name has to do. */
const makesVectors = (lane: Lane.Lane): boolean =>
  lane.capabilities.dimensions !== undefined || /\bembed(ding)?s?\b/i.test(lane.model)
