/**
 * Many processes that call the same providers, each with guards of its own, under a clock of their own. The same seed gives
 * every kind of guard the same operations at the same instants.
 */
import { Clock, Duration, Effect, Random, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Provider from "./Provider.ts"

/** What stands between the operations of a process and the providers. */
export interface Guard {
  readonly name: string
  /** The guards of one process: an operation that succeeds with the name of the provider that answered. */
  readonly client: (
    client: number,
    providers: ReadonlyArray<Provider.Provider>
  ) => Effect.Effect<Effect.Effect<string, { readonly _tag: string }>, never, Scope.Scope>
}

export interface Options {
  readonly seed: string
  readonly clients: number
  /** Operations that arrive at each client per second, on average, one independently of the other. */
  readonly perSecond: number
  /** For how long they arrive, in milliseconds. */
  readonly millis: number
  /** Most preferred first. */
  readonly providers: ReadonlyArray<Provider.Options>
}

export interface Operation {
  readonly at: number
  endedAt: number | undefined
  /** The provider that answered. */
  answeredBy: string | undefined
  /** What it failed with. */
  error: string | undefined
}

export interface Run {
  /** In the order they arrived. */
  readonly operations: ReadonlyArray<Operation>
  readonly providers: ReadonlyArray<Provider.Provider>
}

/** After the last arrival, long enough for any operation to meet its deadline. */
const drainMillis = 130_000

/** Runs a fleet from the instant zero until every operation is over. */
export const run = (guard: Guard, options: Options): Effect.Effect<Run> =>
  Effect.gen(function* () {
    const seeded = (part: string) => Random.withSeed(`${options.seed}/${part}`)
    const providers: Array<Provider.Provider> = []
    for (const one of options.providers) providers.push(yield* seeded(one.name)(Provider.make(one)))
    const operations: Array<Operation> = []

    const client = Effect.fnUntraced(function* (index: number) {
      const operation = yield* guard.client(index, providers)
      for (const at of yield* seeded(`arrivals/${index}`)(arrivals(options.perSecond, options.millis))) {
        yield* Effect.sleep(at - (yield* Clock.currentTimeMillis))
        const seen: Operation = { at, endedAt: undefined, answeredBy: undefined, error: undefined }
        operations.push(seen)
        yield* Effect.forkChild(watched(seen, operation), { startImmediately: true })
      }
      return yield* Effect.never
    })

    const clock = inWholeMillis(yield* Clock.Clock)
    for (let index = 0; index < options.clients; index++) {
      yield* client(index).pipe(
        Effect.scoped,
        Effect.provideService(Clock.Clock, clock),
        seeded(`client/${index}`),
        Effect.forkScoped
      )
    }
    yield* TestClock.adjust(options.millis + drainMillis)
    return { operations, providers }
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

/** Runs an operation and writes down how it ended. */
const watched = <E extends { readonly _tag: string }>(seen: Operation, operation: Effect.Effect<string, E>) =>
  operation.pipe(
    Effect.match({
      onSuccess: (provider) => void (seen.answeredBy = provider),
      onFailure: (error) => void (seen.error = error._tag)
    }),
    Effect.andThen(Clock.currentTimeMillis),
    Effect.map((now) => void (seen.endedAt = now))
  )

/** The instants of a Poisson process, in whole milliseconds. */
const arrivals = (perSecond: number, millis: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.map(Random.Random, (random) => {
    const instants: Array<number> = []
    let at = 0
    while (true) {
      at += (-Math.log(1 - random.nextDoubleUnsafe()) * 1000) / perSecond
      if (at >= millis) return instants
      instants.push(Math.floor(at))
    }
  })

/** A clock whose sleeps end at whole milliseconds, as a platform's timers do. */
const inWholeMillis = (clock: Clock.Clock): Clock.Clock => ({
  currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
  currentTimeMillis: clock.currentTimeMillis,
  currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
  currentTimeNanos: clock.currentTimeNanos,
  monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: clock.monotonicTimeNanos,
  sleep: (duration) => clock.sleep(Duration.millis(Math.ceil(Duration.toMillis(duration))))
})
