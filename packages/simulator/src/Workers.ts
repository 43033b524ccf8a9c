/**
 * Runs simulations, in this thread or in worker threads. What crosses to a worker and back is encoded by schema; a run's
 * figures are those of its scenario, subject and seed wherever it ran and whatever ran beside it, `wallMs` apart.
 *
 * The pool, the encoding and the interruption of what is under way are those of `effect/rpc` over `effect/workers`.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Rpc from "effect/rpc/Rpc"
import * as RpcClient from "effect/rpc/RpcClient"
import * as RpcGroup from "effect/rpc/RpcGroup"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Worker from "effect/workers/Worker"
import * as Result from "./Result.ts"
import * as Scenario from "./Scenario.ts"
import * as Simulation from "./Simulation.ts"
import * as Subject from "./Subject.ts"

/** One run, as a value. */
export const Job = Schema.Struct({ scenario: Scenario.Value, subject: Subject.Described, seed: Schema.Int })
export type Job = typeof Job.Type

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

/** The workers' side of it. */
const work = ({ scenario, seed, subject }: Job, onProgress?: OnProgress): Effect.Effect<Result.Result, RunFailed> =>
  Simulation.run(scenario, Subject.of(subject), { seed, onProgress }).pipe(
    Effect.catchDefect((defect) => Effect.fail(new RunFailed({ problem: messageOf(defect) }))),
    Effect.tap(() => Effect.sync(() => onProgress?.(1)))
  )

/** Runs in this thread, one after the other. */
export const layerHere: Layer.Layer<Workers> = Layer.succeed(Workers, { count: 1, run: work })

const Message = Schema.Union([
  Schema.TaggedStruct("Progress", { part: Schema.Finite }),
  Schema.TaggedStruct("Ended", { result: Result.Result })
])

/** What a worker understands. */
export class Protocol extends RpcGroup.make(
  Rpc.make("Run", { payload: Job, success: Message, error: RunFailed, stream: true })
) {}

/** What a worker does, over the `RpcServer` of its platform. */
export const handlers: Layer.Layer<Rpc.ToHandler<RpcGroup.Rpcs<typeof Protocol>>> = Protocol.toLayer({
  Run: (job) =>
    Stream.callback((queue) =>
      work(job, (part) => Queue.offerUnsafe(queue, { _tag: "Progress", part })).pipe(
        Effect.flatMap((result) => Queue.offer(queue, { _tag: "Ended", result })),
        Effect.andThen(Queue.end(queue)),
        Effect.catch((failure) => Queue.fail(queue, failure))
      )
    )
})

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
      const run = (job: Job, onProgress?: OnProgress): Effect.Effect<Result.Result, RunFailed> =>
        client.Run(job).pipe(
          Stream.runFold(
            (): Result.Result | undefined => undefined,
            (ended, message) => {
              if (message._tag === "Ended") return message.result
              onProgress?.(message.part)
              return ended
            }
          ),
          Effect.catchTag("RpcClientError", (error) => Effect.fail(new RunFailed({ problem: error.message }))),
          Effect.flatMap((result) =>
            result === undefined ? Effect.fail(new RunFailed({ problem: "it has no result" })) : Effect.succeed(result)
          ),
          Effect.raceFirst(Deferred.await(broken))
        )
      return Workers.of({ count, run })
    })
  ).pipe(
    Layer.provide(RpcClient.layerProtocolWorker({ size: count })),
    Layer.catch(({ message }) => Layer.effect(Workers, Effect.fail(new RunFailed({ problem: message }))))
  )

const messageOf = (defect: unknown): string => (defect instanceof Error ? defect.message : String(defect))
