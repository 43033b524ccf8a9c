/**
 * What stands in front of a route's pipeline: the cache, and what is given when every lane has failed. A route that uses
 * none of it has no front, and pays nothing for it.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cache from "../Cache.ts"
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import type * as EventBus from "../EventBus.ts"
import * as Failure from "../Failure.ts"
import type { Desk } from "../Operation.ts"
import * as Provenance from "../Provenance.ts"
import type * as Refusal from "../Refusal.ts"
import { Caller } from "./Caller.ts"

type Errors = Failure.Failure | Refusal.Refusal

export interface Front {
  readonly route: string
  readonly settings: Cache.Settings
  readonly cache: Cache.Cache["Service"]
  readonly bus: EventBus.EventBus["Service"]
  /** The lanes' ids: an answer of other lanes, or in another order of preference, is another answer. */
  readonly lanes: ReadonlyArray<string>
}

/** One request as the front sees it; `Answer` is all of the answer. */
interface Asked<Answer> {
  readonly kind: Event.Kind
  /** Everything that decides the answer, besides the route, its lanes and the tenant. */
  readonly request: unknown
  /** Whether an answer is whole, so that it may be given again. */
  readonly isWhole: (answer: Answer) => boolean
  /** Whether what an entry holds is an answer. */
  readonly isAnswer: (kept: unknown) => kept is Answer
  /** What is given when everything else has failed. */
  readonly lastResort: (error: Errors) => Effect.Effect<Answer | undefined>
}

/** A request that ends with one answer. */
export interface Plain<Answer> extends Asked<Answer> {
  readonly run: (desk: Desk) => Effect.Effect<Answer, Errors>
}

/** A request that ends with a stream, whose answer is all of its parts. */
export interface Streamed<Part> extends Asked<ReadonlyArray<Part>> {
  readonly run: (desk: Desk) => Stream.Stream<Part, Errors>
}

/** The answer from the cache, from the lanes, or from what stands in for them. */
export const plain = <Answer>(front: Front, asked: Plain<Answer>): Effect.Effect<Answer, Errors> =>
  Effect.withFiber((fiber) => {
    const caller = new Caller(front.bus, front.route, asked.kind, fiber)
    return caller.toTheEnd(
      Effect.flatMap(lookUp(front, asked, fiber), (kept) => {
        const fresh = kept.fresh(caller)
        if (fresh !== undefined) return Effect.succeed(fresh)
        return asked.run(caller).pipe(
          Effect.provideService(Provenance.Sink, caller.collector),
          Effect.tap((answer) => kept.keep(caller, answer)),
          Effect.catch((error) =>
            Effect.flatMap(substitute(asked, kept, caller, error), (answer) =>
              answer === undefined ? Effect.fail(error) : Effect.succeed(answer)
            )
          )
        )
      })
    )
  })

/** The same for a stream. Once the caller has seen a part of it, nothing stands in for the rest. */
export const stream = <Part>(front: Front, asked: Streamed<Part>): Stream.Stream<Part, Errors> =>
  Stream.unwrap(
    Effect.withFiber((fiber) =>
      Effect.gen(function* () {
        const caller = new Caller(front.bus, front.route, asked.kind, fiber)
        const scope = yield* Effect.scope
        // Whatever is not over by itself when the stream's scope closes was left by its consumer.
        yield* Scope.addFinalizer(
          scope,
          Effect.sync(() => caller.leave())
        )
        const kept = yield* lookUp(front, asked, fiber)
        const fresh = kept.fresh(caller)
        const source =
          fresh === undefined
            ? Stream.provideService(asked.run(caller), Provenance.Sink, caller.collector)
            : Stream.fromArray(fresh)
        let pull = yield* Stream.toPull(source)
        let parts: Array<Part> | undefined = fresh === undefined ? [] : undefined
        let begun = false
        const next: Pull.Pull<NonEmptyReadonlyArray<Part>, Errors> = Effect.suspend(() => pull).pipe(
          Effect.tap((chunk) =>
            Effect.sync(() => {
              if (!begun) caller.report()
              begun = true
              parts?.push(...chunk)
            })
          ),
          Effect.catchCause((cause) =>
            Effect.gen(function* () {
              const error = Pull.isDoneCause(cause) ? undefined : typedOf(cause)
              if (!begun && error !== undefined) {
                const answer = yield* substitute(asked, kept, caller, error)
                if (answer !== undefined) {
                  parts = undefined
                  pull = yield* Scope.provide(Stream.toPull(Stream.fromArray(answer)), scope)
                  return yield* next
                }
              }
              if (Pull.isDoneCause(cause) && parts !== undefined) yield* kept.keep(caller, parts)
              return yield* Effect.failCause(cause)
            })
          )
        )
        return Stream.fromPull(
          Effect.succeed(
            Effect.onError(next, (cause) => Effect.sync(() => caller.close(Pull.doneExitFromCause(cause))))
          )
        )
      })
    )
  )

/** What the cache has, and may be given, of one request. */
interface Kept<Answer> {
  /** The answer, if it is fresh. */
  readonly fresh: (caller: Caller) => Answer | undefined
  /** The answer, if it may stand in for the error. */
  readonly stale: (caller: Caller, instead: Errors) => Answer | undefined
  /** Keeps a new answer, if it is whole. */
  readonly keep: (caller: Caller, answer: Answer) => Effect.Effect<void>
}

const nothing = { fresh: () => undefined, stale: () => undefined, keep: () => Effect.void }

const lookUp = Effect.fnUntraced(function* <Answer>(
  front: Front,
  asked: Asked<Answer>,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.fn.Return<Kept<Answer>> {
  const { cache, lanes, route, settings } = front
  const bypass = fiber.getRef(Cache.Bypass)
  if (!Cache.isOn(settings) || bypass === "no-store") return nothing
  const key = yield* cache.key([asked.kind, fiber.getRef(Cache.Tenant), route, lanes, asked.request])
  if (key === undefined) return nothing
  const [entry] = bypass === "no-cache" ? [] : yield* cache.read([key])
  const answer = entry !== undefined && asked.isAnswer(entry.answer) ? entry.answer : undefined
  const ttl = Duration.toMillis(settings.ttl)
  const keepFor = Duration.sum(settings.ttl, settings.staleIfError)
  // Another process's clock may be ahead of ours.
  const ageMillis = (caller: Caller, at: number) => Math.max(0, caller.now - at)
  return {
    fresh: (caller) => {
      if (entry === undefined || answer === undefined || ageMillis(caller, entry.at) >= ttl) return undefined
      caller.answerFrom({ source: "cache", entry, ageMillis: ageMillis(caller, entry.at) })
      return answer
    },
    stale: (caller, instead) => {
      if (entry === undefined || answer === undefined) return undefined
      const age = ageMillis(caller, entry.at)
      if (age >= Duration.toMillis(keepFor)) return undefined
      caller.answerFrom({ source: "stale", entry, ageMillis: age, instead })
      return answer
    },
    keep: (caller, answer) => {
      if (!asked.isWhole(answer)) return Effect.void
      const { degraded = false, lane, model } = caller.collector.provenance ?? {}
      const by = { ...(lane === undefined ? {} : { lane }), ...(model === undefined ? {} : { model }) }
      return cache.write([[key, { at: caller.now, degraded, ...by, answer }]], keepFor, settings.maxEntryBytes)
    }
  }
})

/** The longest that a computed last resort may take. */
const lastResortPatience = Duration.seconds(5)

/** What stands in for an error that is none of the caller's doing: the stale answer, else the last resort. */
const substitute = <Answer>(
  asked: Asked<Answer>,
  kept: Kept<Answer>,
  caller: Caller,
  error: Errors
): Effect.Effect<Answer | undefined> => {
  if (isCallersFault(error)) return Effect.undefined
  const stale = kept.stale(caller, error)
  if (stale !== undefined) return Effect.succeed(stale)
  return Effect.suspend(() => asked.lastResort(error)).pipe(
    Effect.timeoutOrElse({ duration: lastResortPatience, orElse: () => Effect.undefined }),
    Effect.catchDefect((defect) => Effect.as(Effect.logError("A last resort broke", defect), undefined)),
    Effect.tap((answer) =>
      Effect.sync(() => {
        if (answer !== undefined) caller.answerFrom({ source: "last-resort", instead: error })
      })
    )
  )
}

/** Whether the caller has to change something: another answer would only hide that. */
const isCallersFault = (error: Errors): boolean => {
  if (Failure.isFailure(error)) return Disposition.of(error).blames === "caller"
  if (error._tag === "NoCapableLane") return true
  return error._tag === "AllLanesFailed" && error.trail.every((entry) => isCallersFault(entry.error))
}

const typedOf = (cause: Cause.Cause<Errors | Cause.Done>): Errors | undefined => {
  if (Cause.hasInterrupts(cause)) return undefined
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" && !Cause.isDone(error.value) ? error.value : undefined
}
