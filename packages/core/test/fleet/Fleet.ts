import { Clock, Effect, Random, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Provider from "./Provider.ts"

export interface Client {
  readonly operation: Effect.Effect<string, unknown>
}
export interface Guard {
  readonly name: string
  readonly make: (
    client: number,
    providers: ReadonlyArray<Provider.Provider>
  ) => Effect.Effect<Client, never, Scope.Scope>
}
export interface Operation {
  readonly client: number
  readonly at: number
  endedAt: number | undefined
  /** who answered */
  by: string | undefined
  error: string | undefined
}
export interface Options {
  readonly seed: string
  readonly clients: number
  readonly perSecond: number
  readonly millis: number
  readonly providers: ReadonlyArray<Provider.Options>
}
export interface Run {
  readonly operations: ReadonlyArray<Operation>
  readonly providers: ReadonlyArray<Provider.Provider>
}

const arrivals = (perSecond: number, millis: number) =>
  Effect.map(Random.Random, (random) => {
    const times: Array<number> = []
    let at = 0
    while (true) {
      at += (-Math.log(1 - random.nextDoubleUnsafe()) * 1000) / perSecond
      if (at >= millis) return times
      times.push(Math.round(at))
    }
  })

export const run = Effect.fnUntraced(function* (guard: Guard, options: Options) {
  const providers: Array<Provider.Provider> = []
  for (const one of options.providers)
    providers.push(yield* Provider.make(one).pipe(Random.withSeed(`${options.seed}/${one.name}`)))
  const operations: Array<Operation> = []
  const one = Effect.fnUntraced(function* (client: number) {
    const times = yield* arrivals(options.perSecond, options.millis).pipe(
      Random.withSeed(`${options.seed}/arrivals/${client}`)
    )
    const { operation } = yield* guard.make(client, providers)
    for (const at of times) {
      yield* Effect.sleep(at - (yield* Clock.currentTimeMillis))
      const record: Operation = { client, at, endedAt: undefined, by: undefined, error: undefined }
      operations.push(record)
      yield* Effect.forkChild(
        Effect.matchEffect(operation, {
          onSuccess: (by) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              record.by = by
              record.endedAt = now
            }),
          onFailure: (e) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              record.endedAt = now
              record.error = (e as any)?._tag ?? String(e)
            })
        }),
        { startImmediately: true }
      )
    }
    yield* Effect.never
  })
  for (let client = 0; client < options.clients; client++)
    yield* Effect.forkScoped(one(client).pipe(Effect.scoped, Random.withSeed(`${options.seed}/${client}`)))
  yield* TestClock.adjust(options.millis + 130_000)
  return { operations, providers } satisfies Run
})
