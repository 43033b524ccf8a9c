/** Lanes that do what a test tells them to, one step per call; the last step repeats. */
import { Clock, type Duration, Effect, Ref, Stream } from "effect"
import { Failure, Lane, type TextModel } from "@holdfast/core"
import type { Response } from "effect/ai"

interface Target {
  readonly provider: string
  readonly model: string
  readonly lane: string
}

export type Step = (target: Target) => {
  readonly generate: Effect.Effect<ReadonlyArray<Response.PartEncoded>, Failure.Failure>
  readonly stream: Stream.Stream<Response.StreamPartEncoded, Failure.Failure>
}

export const finish: Response.FinishPartEncoded = {
  type: "finish",
  reason: "stop",
  usage: {
    inputTokens: { uncached: 3, total: 3, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 2, text: 2, reasoning: 0 }
  },
  response: undefined
}

export const delta = (text: string): Response.StreamPartEncoded => ({ type: "text-delta", id: "1", delta: text })

const failure = (class_: Failure.Class, target: Target, fields: Partial<Failure.Fields> = {}): Failure.Failure =>
  Failure.make(class_, { ...target, scope: "provider", rule: "test", ...fields })

export const replying =
  (text: string): Step =>
  () => ({
    generate: Effect.succeed([{ type: "text", text }, finish]),
    stream: Stream.make(
      { type: "text-start", id: "1" } as const,
      delta(text),
      { type: "text-end", id: "1" } as const,
      finish
    )
  })

export const failing =
  (class_: Failure.Class, fields: Partial<Failure.Fields> = {}): Step =>
  (target) => {
    const error = failure(class_, target, fields)
    return { generate: Effect.fail(error), stream: Stream.fail(error) }
  }

export const hanging: Step = () => ({ generate: Effect.never, stream: Stream.never })

/** The call itself throws, as a faulty client would. */
export const throwing: Step = () => {
  throw new Error("a bug in the client")
}

/** The call ends in a defect. */
export const dying: Step = () => ({ generate: Effect.die("a bug"), stream: Stream.die("a bug") })

/** The step, after a while. */
export const after =
  (duration: Duration.Input, step: Step): Step =>
  (target) => {
    const { generate, stream } = step(target)
    return {
      generate: Effect.delay(generate, duration),
      stream: Stream.unwrap(Effect.as(Effect.sleep(duration), stream))
    }
  }

/** One beat of a stream: parts that come, a pause, or a failure. */
export type Beat = (target: Target) => Effect.Effect<ReadonlyArray<Response.StreamPartEncoded>, Failure.Failure>

export const part =
  (...parts: ReadonlyArray<Response.StreamPartEncoded>): Beat =>
  () =>
    Effect.succeed(parts)

export const text = (piece: string): Beat => part(delta(piece))

export const pause =
  (duration: Duration.Input): Beat =>
  () =>
    Effect.as(Effect.sleep(duration), [])

export const breaking =
  (class_: Failure.Class): Beat =>
  (target) =>
    Effect.fail(failure(class_, target))

export const silence: Beat = () => Effect.never

/** A stream beat by beat. */
export const playing =
  (...beats: ReadonlyArray<Beat>): Step =>
  (target) => ({
    generate: Effect.die("this script is for streams"),
    stream: Stream.fromIterable(beats).pipe(
      Stream.mapEffect((beat) => beat(target)),
      Stream.flatMap((parts) => Stream.fromIterable(parts))
    )
  })

export interface Options {
  readonly credential?: string | undefined
  readonly capabilities?: Lane.Capabilities | undefined
  readonly estimateTokens?: Lane.Lane["estimateTokens"]
  readonly leastTokens?: Lane.Lane["leastTokens"]
  readonly cost?: Lane.Lane["cost"]
}

/** A text lane `provider/model` that follows a script, and what was asked of it. */
export const scripted = Effect.fnUntraced(function* (id: string, steps: ReadonlyArray<Step>, options: Options = {}) {
  const calls = yield* Ref.make<ReadonlyArray<{ readonly at: number; readonly request: TextModel.Request }>>([])
  const open = yield* Ref.make(0)
  const [provider = "", model = ""] = id.split("/")
  const made = Lane.make({ provider, model, credential: options.credential })
  const next = (request: TextModel.Request) =>
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      const n = (yield* Ref.getAndUpdate(calls, (before) => [...before, { at, request }])).length
      const step = steps[Math.min(n, steps.length - 1)]
      if (step === undefined) throw new Error("a script needs a step")
      return step({ provider, model, lane: made.id })
    })
  const counted = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.acquireUseRelease(
      Ref.update(open, (n) => n + 1),
      () => self,
      () => Ref.update(open, (n) => n - 1)
    )
  const lane = Lane.make({
    provider,
    model,
    credential: options.credential,
    capabilities: options.capabilities,
    estimateTokens: options.estimateTokens,
    leastTokens: options.leastTokens,
    cost: options.cost,
    text: {
      generate: (request) => counted(Effect.flatMap(next(request), (step) => step.generate)),
      stream: (request) =>
        Stream.unwrap(
          Effect.acquireRelease(
            Ref.update(open, (n) => n + 1),
            () => Ref.update(open, (n) => n - 1)
          ).pipe(
            Effect.andThen(next(request)),
            Effect.map((step) => step.stream)
          )
        )
    }
  })
  return {
    id: lane.id,
    lane: Effect.succeed(lane),
    /** How many calls it got. */
    calls: Effect.map(Ref.get(calls), (all) => all.length),
    /** When, in milliseconds of the test's clock. */
    times: Effect.map(Ref.get(calls), (all) => all.map((call) => call.at)),
    requests: Effect.map(Ref.get(calls), (all) => all.map((call) => call.request)),
    /** Calls that are under way: sockets that are open, so to speak. */
    open: Ref.get(open)
  }
})
