/**
 * The stage of a replay: the gateway as it is served, a route with the policy that is put to the test, and the scenario's
 * providers on loopback. Everything belongs to the scope; rows are kept in memory, and nothing is logged.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as EventBus from "@holdfast/core/EventBus"
import type * as Policy from "@holdfast/core/Policy"
import type * as Config from "@holdfast/gateway/Config"
import * as Gateway from "@holdfast/gateway/Gateway"
import type * as Replay from "@holdfast/simulator/Replay"
import * as Scenario from "@holdfast/simulator/Scenario"
import * as Database from "@holdfast/store-sql/Database"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Caller from "./Caller.ts"
import * as Emulators from "./Emulators.ts"

const route = "replay"
const keyName = "HOLDFAST_REPLAY_KEY"

/** What the configuration takes from the environment. */
export const environment = ConfigProvider.layerAdd(ConfigProvider.fromUnknown({ [keyName]: "replay" }))

/** Sets it for the providers of a run. */
export const set = (policy: Policy.Policy) =>
  Effect.fnUntraced(function* (providers: ReadonlyArray<Replay.Provider>) {
    const config = configOf(policy, providers, yield* Emulators.start(providers))
    const gateway = yield* Layer.build(
      Gateway.layerNoDatabase({ config, port: 0, drainTimeout: "1 second" }).pipe(
        Layer.provide(Layer.provide(Database.layerEmbedded(), NodeFileSystem.layer)),
        Layer.provide(environment),
        Layer.provide(Logger.layer([]))
      )
    )
    const url = yield* Effect.provideContext(Gateway.url, gateway)
    const client = Context.get(yield* Layer.build(NodeHttpClient.layerUndici), HttpClient.HttpClient)
    return {
      ask: (asked, onContent) =>
        Effect.provideService(Caller.ask(url, route, asked, onContent), HttpClient.HttpClient, client),
      events: Context.get(gateway, EventBus.EventBus)
    } satisfies Replay.Stage<Caller.Failed, never>
  })

/** The gateway that has these providers, with one route over their lanes in their order. */
export const configOf = (
  policy: Policy.Policy,
  providers: ReadonlyArray<Replay.Provider>,
  listening: ReadonlyArray<Emulators.Listening>
): Config.Config => ({
  providers: Object.fromEntries(
    listening.map(({ kind, provider, url }) => [
      provider,
      {
        kind,
        key: { env: keyName },
        baseUrl: url,
        models: Object.fromEntries(
          providers
            .filter(({ lane }) => lane.startsWith(`${provider}/`))
            .map(({ lane, settings }) => [
              lane.slice(provider.length + 1),
              { streaming: true, ...(settings.price === undefined ? {} : { price: settings.price }) }
            ])
        )
      }
    ])
  ),
  routes: {
    [route]: { kind: "text", lanes: lanesOf(providers), policy }
  }
})

const lanesOf = ([first, ...others]: ReadonlyArray<Replay.Provider>): readonly [string, ...ReadonlyArray<string>] => {
  if (first === undefined) throw new RangeError("a replay needs a lane")
  return [first.lane, ...others.map(({ lane }) => lane)]
}

/** Refuses what sockets on loopback, or callers over HTTP, cannot do. */
export const check = (scenario: Scenario.Scenario): Effect.Effect<Scenario.Scenario, Scenario.InvalidScenario> => {
  const problem = problemOf(scenario)
  return problem === undefined
    ? Effect.succeed(scenario)
    : Effect.fail(new Scenario.InvalidScenario({ source: scenario.name, problem: `cannot be replayed: ${problem}` }))
}

const problemOf = ({ providers, workload }: Scenario.Scenario): string | undefined => {
  if ((workload.urgent ?? 0) > 0) return "workload.urgent (the gateway's API has no way to ask urgently)"
  for (const [lane, { errors, outages = [], quota }] of Object.entries(providers)) {
    const [at, hint] = [`providers.${lane}`, quota?.hint === true]
    if (hint) return `${at}.quota.hint (providers do not say when a quota is full again)`
    if ((errors?.unreachable ?? 0) > 0) return `${at}.errors.unreachable (${noBlackHole})`
    if (outages.some(({ kind }) => kind === "unreachable")) return `${at}.outages of kind unreachable (${noBlackHole})`
  }
  return undefined
}

const noBlackHole = "on loopback a connection comes to stand at once, or is refused at once"
