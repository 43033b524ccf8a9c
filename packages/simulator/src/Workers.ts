/**
 * Has simulations run, in this thread (`InThread`) or in worker threads (`NodeWorkers`). What crosses to a worker and back is
 * encoded by schema; a run's figures are those of its scenario, subject and seed wherever it ran and whatever ran beside it,
 * `wallMs` apart. Whoever has only workers loads nothing of the simulation itself.
 *
 * The pool, the encoding and the interruption of what is under way are those of `effect/rpc` over `effect/workers`.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import type * as RpcClientError from "effect/rpc/RpcClientError"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Worker from "effect/workers/Worker"
import * as Result from "./Result.ts"
import * as Scenario from "./Scenario.ts"
import * as Subject from "./Subject.ts"

/** One run, as a value. */
export const Job = Schema.Struct({ scenario: Scenario.Value, subject: Subject.Described, seed: Schema.Int })
export type Job = typeof Job.Type

/** The same scenario and seed under one subject, or two to be compared, to be looked at. */
export const View = Schema.Struct({
  scenario: Scenario.Value,
  subjects: Schema.NonEmptyArray(Subject.Described),
  seed: Schema.Int
})
export type View = typeof View.Type

/** What there is to look at, as text: whoever passes it on need not read it. */
export const Drawn = Schema.Struct({
  /** A `Picture` as JSON. */
  picture: Schema.String,
  /** The page of `Html`. */
  page: Schema.String
})
export type Drawn = typeof Drawn.Type

/** A run did not come to its end: its worker ended first, or the run broke. */
export class RunFailed extends Schema.TaggedError<RunFailed>()("RunFailed", { problem: Schema.String }) {
  override get message() {
    return `The simulation was not finished: ${this.problem}`
  }
}

/** From 0 to 1. */
export type OnProgress = (part: number) => void

export class Workers extends Context.Service<
  Workers,
  {
    /** How many runs go on at once. */
    readonly count: number
    /** Interruption ends the run, also in its worker. */
    readonly run: (job: Job, onProgress?: OnProgress) => Effect.Effect<Result.Result, RunFailed>
    /** Runs all subjects, one after the other, and draws them. Interruption as with `run`. */
    readonly draw: (view: View, onProgress?: OnProgress) => Effect.Effect<Drawn, RunFailed>
  }
>()("@holdfast/simulator/Workers") {}

/** As many at once as there are workers; results in the order of the jobs. The first failure ends all. */
export const runAll = Effect.fnUntraced(function* (jobs: ReadonlyArray<Job>, onProgress?: OnProgress) {
  const { count, run } = yield* Workers
  const parts = jobs.map(() => 0)
  return yield* Effect.forEach(
    jobs,
    (job, index) =>
      run(job, (part) => {
        parts[index] = part
        onProgress?.(parts.reduce((sum, one) => sum + one, 0) / jobs.length)
      }),
    { concurrency: count }
  )
})

const Progress = Schema.TaggedStruct("Progress", { part: Schema.Finite })

/** What a worker understands, and how it answers: with how far it is, then with what there is. */
export class Protocol extends RpcGroup.make(
  Rpc.make("Run", {
    payload: Job,
    success: Schema.Union([Progress, Schema.TaggedStruct("Ended", { value: Result.Result })]),
    error: RunFailed,
    stream: true
  }),
  Rpc.make("Draw", {
    payload: View,
    success: Schema.Union([Progress, Schema.TaggedStruct("Ended", { value: Drawn })]),
    error: RunFailed,
    stream: true
  })
) {}

type Message<A> = typeof Progress.Type | { readonly _tag: "Ended"; readonly value: A }

/**
 * Runs in so many workers of the platform, which live as long as the layer. `broken` fails when the platform cannot start
 * one, since nobody would answer then.
 */
export const layerPool = (
  count: number,
  broken: Deferred.Deferred<never, RunFailed>
): Layer.Layer<Workers, RunFailed, Worker.WorkerPlatform | Worker.Spawner> =>
  Layer.effect(
    Workers,
    Effect.gen(function* () {
      const client = yield* RpcClient.make(Protocol, { disableTracing: true })
      const ending = <A>(
        messages: Stream.Stream<Message<A>, RunFailed | RpcClientError.RpcClientError>,
        onProgress: OnProgress | undefined
      ): Effect.Effect<A, RunFailed> =>
        messages.pipe(
          Stream.runFold(
            (): { readonly value: A } | undefined => undefined,
            (ended, message) => {
              if (message._tag === "Ended") return message
              onProgress?.(message.part)
              return ended
            }
          ),
          Effect.catchTag("RpcClientError", (error) => Effect.fail(new RunFailed({ problem: error.message }))),
          Effect.flatMap((ended) =>
            ended === undefined
              ? Effect.fail(new RunFailed({ problem: "it has no result" }))
              : Effect.succeed(ended.value)
          ),
          Effect.raceFirst(Deferred.await(broken))
        )
      return Workers.of({
        count,
        run: (job, onProgress) => ending(client.Run(job), onProgress),
        draw: (view, onProgress) => ending(client.Draw(view), onProgress)
      })
    })
  ).pipe(
    Layer.provide(RpcClient.layerProtocolWorker({ size: count })),
    Layer.catch(({ message }) => Layer.effect(Workers, Effect.fail(new RunFailed({ problem: message }))))
  )
