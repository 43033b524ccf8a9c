/** Lanes that do what a test tells them to, one step per call; the last step repeats. */
import { Effect, Ref, Stream } from "effect"
import { Failure, Lane } from "@holdfast/core"
import type { Response } from "effect/ai"

export type Step = (target: { provider: string; model: string; lane: string }) => {
  readonly generate: Effect.Effect<ReadonlyArray<Response.PartEncoded>, Failure.Failure>
  readonly stream: Stream.Stream<Response.StreamPartEncoded, Failure.Failure>
}

const finish: Response.FinishPartEncoded = {
  type: "finish",
  reason: "stop",
  usage: {
    inputTokens: { uncached: 3, total: 3, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 2, text: 2, reasoning: 0 }
  },
  response: undefined
}

export const replying =
  (text: string): Step =>
  () => ({
    generate: Effect.succeed([{ type: "text", text }, finish]),
    stream: Stream.make(
      { type: "text-start", id: "1" },
      { type: "text-delta", id: "1", delta: text },
      { type: "text-end", id: "1" },
      finish
    )
  })

export const failing =
  (class_: Failure.Class, fields: Partial<Failure.Fields> = {}): Step =>
  (target) => {
    const failure = Failure.make(class_, { ...target, scope: "provider", rule: "test", ...fields })
    return { generate: Effect.fail(failure), stream: Stream.fail(failure) }
  }

export const hanging: Step = () => ({ generate: Effect.never, stream: Stream.never })

export const scripted = Effect.fnUntraced(function* (id: string, steps: ReadonlyArray<Step>) {
  const calls = yield* Ref.make(0)
  const [provider = "", model = ""] = id.split("/")
  const next = Ref.getAndUpdate(calls, (n) => n + 1).pipe(
    Effect.map((n) => {
      const step = steps[Math.min(n, steps.length - 1)]
      if (step === undefined) throw new Error("a script needs a step")
      return step({ provider, model, lane: id })
    })
  )
  const lane = Lane.make({
    provider,
    model,
    text: {
      generate: () => Effect.flatMap(next, (step) => step.generate),
      stream: () => Stream.unwrap(Effect.map(next, (step) => step.stream))
    }
  })
  return { lane: Effect.succeed(lane), calls: Ref.get(calls) }
})
