/** Our own pipeline as the guard of a fleet: a `Resilience.layer` per client, so that nothing is shared but the provider. */
import { Effect, Layer } from "effect"
import { CircuitBreaker, Lane, type Policy, Resilience } from "@holdfast/core"
import type { Guard } from "./Fleet.ts"

export const holdfast = (name: string, policy: Policy.Policy): Guard => ({
  name,
  client: (client, providers) => {
    const ways = providers.map((provider) => ({ provider, lane: Lane.make({ provider: provider.name, model: "m" }) }))
    const providerOf = new Map(ways.map(({ lane, provider }) => [lane.id, provider]))
    const operation = Resilience.Resilience.use((resilience) =>
      resilience.run({
        route: "chat",
        kind: "text",
        policy,
        lanes: ways.map(({ lane }) => lane),
        call: Effect.fnUntraced(function* (lane) {
          const provider = providerOf.get(lane.id)!
          yield* provider.call(client, yield* isProbe(lane))
          return provider.name
        })
      })
    )
    return Effect.map(Layer.build(Layer.fresh(Resilience.layer)), (services) =>
      Effect.provideContext(operation, services)
    )
  }
})

/** Whether the call that is about to be made on the lane is one that a half-open circuit let through. */
const isProbe = Effect.fnUntraced(function* (lane: Lane.Lane) {
  const breaker = yield* CircuitBreaker.CircuitBreaker
  for (const circuit of [lane.id, `model:${lane.provider}/${lane.model}`]) {
    if ((yield* breaker.snapshot(circuit)).state === "half-open") return true
  }
  return false
})
