/** A lane whose provider is a model of one: what becomes of a call is decided at once, and told when its time has come. */
import * as ConnectClock from "@holdfast/core/ConnectClock"
import * as Failure from "@holdfast/core/Failure"
import * as Lane from "@holdfast/core/Lane"
import * as Limits from "@holdfast/core/Limits"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as Response from "effect/ai/Response"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import type { Left, ProviderModel, Verdict } from "../ProviderModel.ts"
import type * as VirtualClock from "../VirtualClock.ts"
import { type Job, isRequest, rest } from "./Job.ts"

/** Who counts what the lane does. */
export interface Watcher {
  /** It was called. */
  readonly called: (lane: string, now: number) => void
  /** It has answered in full, and its caller was there. */
  readonly answered: (lane: string, usd: number, now: number) => void
}

/** `pieceMillis`: of a stream that lasts longer, a piece comes this often. */
export const make = (
  id: string,
  model: ProviderModel,
  world: VirtualClock.World,
  watcher: Watcher,
  pieceMillis = Number.POSITIVE_INFINITY
): Lane.Lane => {
  const slash = id.indexOf("/")
  const [provider, modelName] = [id.slice(0, slash), id.slice(slash + 1)]
  const target = { provider, model: modelName, lane: id }

  const failureOf = (verdict: Extract<Verdict, { readonly _tag: "Refused" | "Cut" }>): Failure.Failure => {
    const fields = { ...target, scope: "model", rule: "simulator" } as const
    if (verdict._tag === "Cut") return Failure.make(verdict.class, fields)
    const { class: class_, retryAfter, status } = verdict
    return Failure.make(class_, {
      ...fields,
      ...(status === undefined ? {} : { status }),
      ...(retryAfter === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(retryAfter)) })
    })
  }

  const notConnected: Effect.Effect<never, Failure.Failure> = Effect.flatMap(ConnectClock.Limit, (limit) =>
    Effect.andThen(
      Effect.sleep(limit),
      Effect.suspend(() =>
        Effect.fail(Failure.make("Timeout", { ...target, scope: "provider", rule: "simulator" }, "connect"))
      )
    )
  )

  /** Ends so at that instant, unless it is interrupted before. */
  const at = <A>(instant: number, exit: () => Exit.Exit<A, Failure.Failure>): Effect.Effect<A, Failure.Failure> =>
    Effect.callback<A, Failure.Failure>((resume) => {
      const timer = world.after(instant - world.now(), () => resume(exit()))
      return Effect.sync(timer.cancel)
    })

  const take = (job: Job): Verdict => {
    const now = world.now()
    watcher.called(id, now)
    return model.call(job, now)
  }

  const statesLimits = model.statesLimits(provider)

  /** What the headers of the response to a call that was just taken have to say, for whoever listens when they come. */
  const headers = (fiber: Fiber.Fiber<unknown, unknown>, verdict: Verdict): (() => void) | undefined => {
    const listen = statesLimits ? fiber.getRef(Limits.Listener) : undefined
    if (listen === undefined || (verdict._tag === "Refused" && verdict.isLimited !== true)) return undefined
    const { requests, tokens } = model.left(world.now())
    return () => {
      const now = world.now()
      listen(
        { ...(requests && { requests: stated(requests, now) }), ...(tokens && { tokens: stated(tokens, now) }) },
        now
      )
    }
  }

  const answered = (job: Job): void => watcher.answered(id, model.priceOf(job), world.now())

  const generate: TextModel.TextModel["generate"] = (request) =>
    Effect.withFiber((fiber) => {
      const job = jobOf(request)
      const verdict = take(job)
      const tell = headers(fiber, verdict)
      switch (verdict._tag) {
        case "Answer":
          return at(verdict.endAt, () => {
            tell?.()
            answered(job)
            return Exit.succeed([text, finish(job)])
          })
        case "Refused":
        case "Cut":
          return at(verdict.at, () => {
            tell?.()
            return Exit.fail(failureOf(verdict))
          })
        case "Hang":
          return Effect.never
        case "Unreachable":
          return notConnected
      }
    })

  const stream: TextModel.TextModel["stream"] = (request) =>
    Stream.fromPull(
      Effect.withFiber((fiber) => {
        const job = jobOf(request)
        const verdict = take(job)
        if (verdict._tag === "Hang") return Effect.succeed(Effect.never)
        if (verdict._tag === "Unreachable") return Effect.succeed(notConnected)
        const tell = headers(fiber, verdict)
        if (verdict._tag === "Refused") {
          return Effect.succeed(
            at(verdict.at, () => {
              tell?.()
              return Exit.fail(failureOf(verdict))
            })
          )
        }
        const { firstAt } = verdict
        const endAt = verdict._tag === "Answer" ? verdict.endAt : verdict.at
        let next = firstAt
        const pull = Effect.suspend((): Effect.Effect<Parts, Failure.Failure | Cause.Done> => {
          if (next === Number.POSITIVE_INFINITY) return Cause.done()
          const [due, isFirst] = [next, next === firstAt]
          next = due >= endAt ? Number.POSITIVE_INFINITY : Math.min(endAt, due + pieceMillis)
          return at(due, () => {
            if (isFirst) tell?.()
            if (due < endAt) return Exit.succeed(isFirst ? beginning : piece)
            if (verdict._tag === "Cut") return Exit.fail(failureOf(verdict))
            answered(job)
            return Exit.succeed([...(isFirst ? beginning : piece), end, finish(job)])
          })
        })
        return Effect.succeed(pull)
      })
    )

  return Lane.make({
    provider,
    model: modelName,
    id,
    text: { generate, stream },
    statesLimits,
    estimateTokens: (request) => {
      const job = "prompt" in request ? jobOf(request) : rest
      return job.inputTokens + job.outputTokens
    },
    cost: ({ inputTokens = 0, outputTokens = 0 }) => model.priceOf({ inputTokens, outputTokens })
  })
}

const stated = ({ limit, remaining, resetMillis }: Left, now: number) => ({
  limit,
  remaining,
  resetAt: now + resetMillis
})

type Parts = readonly [Response.StreamPartEncoded, ...ReadonlyArray<Response.StreamPartEncoded>]

const jobOf = (request: TextModel.Request): Job => (isRequest(request) ? request.job : rest)

const text: Response.PartEncoded = { type: "text", text: "So it stays where the light is." }
const piece: Parts = [{ type: "text-delta", id: "0", delta: "more " }]
const beginning: Parts = [{ type: "text-start", id: "0" }, ...piece]
const end: Response.StreamPartEncoded = { type: "text-end", id: "0" }

const finish = ({ inputTokens, outputTokens }: Job): Response.FinishPartEncoded => ({
  type: "finish",
  reason: "stop",
  usage: {
    inputTokens: { uncached: inputTokens, total: inputTokens, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: outputTokens, text: outputTokens, reasoning: 0 }
  },
  response: undefined
})
