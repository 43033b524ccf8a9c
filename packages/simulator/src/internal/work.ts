/** What is done for `Workers`, wherever that is. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import type * as Rpc from "effect/rpc/Rpc"
import type * as RpcGroup from "effect/rpc/RpcGroup"
import * as Stream from "effect/Stream"
import * as Html from "../report/Html.ts"
import * as Picture from "../report/Picture.ts"
import type * as Result from "../Result.ts"
import * as Simulation from "../Simulation.ts"
import * as Subject from "../Subject.ts"
import * as Workers from "../Workers.ts"

export const run = (
  { scenario, seed, subject }: Workers.Job,
  onProgress?: Workers.OnProgress
): Effect.Effect<Result.Result, Workers.RunFailed> =>
  Simulation.run(scenario, Subject.of(subject), { seed, onProgress }).pipe(
    Effect.catchDefect((defect) =>
      Effect.fail(new Workers.RunFailed({ problem: defect instanceof Error ? defect.message : String(defect) }))
    ),
    Effect.tap(() => Effect.sync(() => onProgress?.(1)))
  )

export const draw = Effect.fnUntraced(function* (
  { scenario, seed, subjects: [first, ...others] }: Workers.View,
  onProgress?: Workers.OnProgress
): Effect.fn.Return<Workers.Drawn, Workers.RunFailed> {
  const one = (subject: Subject.Described, index: number) =>
    run({ scenario, subject, seed }, (part) => onProgress?.((index + part) / (1 + others.length)))
  const results = [
    yield* one(first, 0),
    ...(yield* Effect.forEach(others, (other, index) => one(other, index + 1)))
  ] as const
  const picture = Picture.of(scenario, results)
  return { picture: JSON.stringify(picture), page: Html.draw(picture) }
})

/** What a worker does, over the `RpcServer` of its platform. */
export const handlers: Layer.Layer<Rpc.ToHandler<RpcGroup.Rpcs<typeof Workers.Protocol>>> = Workers.Protocol.toLayer({
  Run: (job) => answering((onProgress) => run(job, onProgress)),
  Draw: (view) => answering((onProgress) => draw(view, onProgress))
})

type Message<A> = { readonly _tag: "Progress"; readonly part: number } | { readonly _tag: "Ended"; readonly value: A }

const answering = <A>(
  work: (onProgress: Workers.OnProgress) => Effect.Effect<A, Workers.RunFailed>
): Stream.Stream<Message<A>, Workers.RunFailed> =>
  Stream.callback((queue) =>
    work((part) => Queue.offerUnsafe(queue, { _tag: "Progress", part })).pipe(
      Effect.flatMap((value) => Queue.offer(queue, { _tag: "Ended", value })),
      Effect.andThen(Queue.end(queue)),
      Effect.catch((failure) => Queue.fail(queue, failure))
    )
  )
