import { Deferred, Clock, Effect, Layer, Random } from "effect"
import { CircuitBreaker, Lane, Policy, Resilience } from "@holdfast/core"
import type { Guard } from "./Fleet.ts"

export const holdfast = (name: string, policy: Policy.Policy): Guard => ({
  name,
  make: Effect.fnUntraced(function* (client, providers) {
    const context = yield* Layer.build(Layer.fresh(Resilience.layer))
    const lanes = providers.map((p) => Lane.make({ provider: p.name, model: "m" }))
    const byLane = new Map(lanes.map((lane, i) => [lane.id, providers[i]!] as const))
    const operation = Effect.gen(function* () {
      const resilience = yield* Resilience.Resilience
      const breaker = yield* CircuitBreaker.CircuitBreaker
      return yield* resilience.run({
        route: "chat",
        kind: "text",
        policy,
        lanes,
        call: (lane) =>
          Effect.gen(function* () {
            const isProbe =
              (yield* breaker.snapshot(lane.id)).state === "half-open" ||
              (yield* breaker.snapshot(`model:${lane.id}`)).state === "half-open"
            const p = byLane.get(lane.id)!
            yield* p.call(client, isProbe)
            return p.name
          })
      })
    }).pipe(Effect.provideContext(context))
    return { operation }
  })
})

export const naive: Guard = {
  name: "no guards, 3 immediate retries",
  make: (client, [p]) =>
    Effect.succeed({
      operation: p!
        .call(client, false)
        .pipe(Effect.timeout(30_000), Effect.retry({ times: 3 }), Effect.timeout(120_000), Effect.as(p!.name))
    })
}

type State =
  | { readonly _tag: "Closed" }
  | { readonly _tag: "Open"; openedAt: number }
  | { readonly _tag: "HalfOpen"; readonly decision: Deferred.Deferred<void> }
export const cockatiel = (halfOpenAfter: number): Guard => ({
  name: `cockatiel-style ${halfOpenAfter / 1000} s`,
  make: (client, [p]) =>
    Effect.sync(() => {
      let state: State = { _tag: "Closed" }
      let failures = 0
      const open = (now: number) => {
        if (state._tag === "Open") return
        const previous = state
        state = { _tag: "Open", openedAt: now }
        if (previous._tag === "HalfOpen") Deferred.doneUnsafe(previous.decision, Effect.void)
      }
      const call = (isProbe: boolean) => Effect.timeout(p!.call(client, isProbe), 30_000)
      const execute: Effect.Effect<void, unknown> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const current = state
        switch (current._tag) {
          case "Closed":
            return Effect.matchEffect(call(false), {
              onSuccess: () =>
                Effect.sync(() => {
                  failures = 0
                }),
              onFailure: (e) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) => {
                  failures += 1
                  if (failures >= 5) open(now)
                  return Effect.fail(e)
                })
            })
          case "Open": {
            if (now - current.openedAt < halfOpenAfter) return Effect.fail({ _tag: "Broken" })
            const mine: State = { _tag: "HalfOpen", decision: Deferred.makeUnsafe<void>() }
            state = mine
            return Effect.matchEffect(call(true), {
              onSuccess: () =>
                Effect.sync(() => {
                  if (state === mine) {
                    failures = 0
                    state = { _tag: "Closed" }
                    Deferred.doneUnsafe(mine.decision, Effect.void)
                  }
                }),
              onFailure: (e) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) => {
                  if (state === mine) {
                    failures += 1
                    open(now)
                  }
                  return Effect.fail(e)
                })
            })
          }
          case "HalfOpen":
            return Effect.andThen(
              Deferred.await(current.decision),
              Effect.suspend(() => execute)
            )
        }
      })
      const retrying = (attempt: number, prev: number): Effect.Effect<void, unknown> =>
        Effect.catch(execute, (e) => {
          if (attempt >= 3) return Effect.fail(e)
          return Effect.flatMap(Random.next, (r) => {
            const t = attempt + r
            const next = 2 ** t * Math.tanh(Math.sqrt(4 * t))
            return Effect.andThen(
              Effect.sleep(Math.min(30_000, (Math.max(0, next - prev) / 1.4) * 128)),
              retrying(attempt + 1, next)
            )
          })
        })
      return {
        operation: Effect.as(
          Effect.timeout(
            Effect.suspend(() => retrying(0, 0)),
            120_000
          ),
          p!.name
        )
      }
    })
})
export const standard = holdfast("standard", Policy.standard)
export const interactive = holdfast("interactive", Policy.interactive)
