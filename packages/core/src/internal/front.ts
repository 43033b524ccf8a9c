/**
 * What stands in front of a route's pipeline: the cache, the sharing of identical calls, and what is given when every lane
 * has failed. A route that uses none of it has no front, and pays nothing for it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Bulkhead from "../Bulkhead.ts"
import * as Cache from "../Cache.ts"
import * as Disposition from "../Disposition.ts"
import type * as Event from "../Event.ts"
import type * as EventBus from "../EventBus.ts"
import type * as Failure from "../Failure.ts"
import type { Desk } from "../Operation.ts"
import * as Policy from "../Policy.ts"
import * as Provenance from "../Provenance.ts"
import type * as Refusal from "../Refusal.ts"
import { Caller, type Errand } from "./Caller.ts"
import type { Flights, StreamFlights } from "./Flights.ts"

type Errors = Failure.Failure | Refusal.Refusal

export interface Front {
  readonly route: string
  readonly policy: Policy.Policy
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
  /** Where identical requests meet, if they share. */
  readonly flights: Flights<Answer> | undefined
}

/** A request that ends with a stream, whose answer is all of its parts. */
export interface Streamed<Part> extends Asked<ReadonlyArray<Part>> {
  readonly run: (desk: Desk) => Stream.Stream<Part, Errors>
  /** Where identical requests meet, if they share. */
  readonly flights: StreamFlights<Part> | undefined
}

/** The same front without cache and sharing: what is left is the last resort. */
export const without = (front: Front): Front => ({
  ...front,
  policy: front.policy.pipe(Policy.cache({ ttl: 0, staleIfError: 0 }), Policy.coalesce({ enabled: false }))
})

/** Whether a policy asks for anything that is done here. */
export const isNeeded = ({ cache, coalesce }: Policy.Policy): boolean => Cache.isOn(cache) || coalesce.enabled

/** The answer from the cache, from the lanes, or from what stands in for them. */
export const plain = <Answer>(front: Front, asked: Plain<Answer>): Effect.Effect<Answer, Errors> =>
  Effect.withFiber((fiber) => {
    const caller = callerOf(front, asked.kind, fiber)
    return caller.toTheEnd(
      Effect.flatMap(lookUp(front, asked, fiber), (kept) => {
        const fresh = kept.fresh(caller)
        if (fresh !== undefined) return Effect.succeed(fresh)
        const { keep, key } = kept
        const run = (errand: Errand) => {
          const answer = Effect.provideService(asked.run(errand), Provenance.Sink, errand.collector)
          return keep === undefined ? answer : Effect.tap(answer, (answer) => keep(errand, answer))
        }
        return share(asked.flights, key, fiber, caller, run).pipe(
          Effect.catch((error) =>
            Effect.flatMap(substitute(asked, kept, caller, error), (answer) =>
              answer === undefined ? Effect.fail(error) : Effect.succeed(answer)
            )
          )
        )
      })
    )
  })

/** Runs the operation, or joins the one that is under way under the key. */
export const share = <Answer>(
  flights: Flights<Answer> | undefined,
  key: string | undefined,
  fiber: Fiber.Fiber<unknown, unknown>,
  caller: Caller,
  run: (errand: Errand) => Effect.Effect<Answer, Errors>
): Effect.Effect<Answer, Errors> => {
  if (flights === undefined || key === undefined) return run(caller.errand)
  const joined: Effect.Effect<Answer, Errors> = Effect.suspend(() =>
    flights.join(key, fiber.getRef(Bulkhead.Priority), caller, run)
  ).pipe(Effect.catch((error) => (isOthersDeadline(caller, error) ? joined : Effect.fail(error))))
  return joined
}

/** The same for a stream. Once the caller has seen a part of it, nothing stands in for the rest. */
export const stream = <Part>(front: Front, asked: Streamed<Part>): Stream.Stream<Part, Errors> =>
  Stream.unwrap(
    Effect.withFiber((fiber) =>
      Effect.gen(function* () {
        const caller = callerOf(front, asked.kind, fiber)
        const scope = yield* Effect.scope
        // Whatever is not over by itself when the stream's scope closes was left by its consumer.
        yield* Scope.addFinalizer(
          scope,
          Effect.sync(() => caller.leave())
        )
        const kept = yield* lookUp(front, asked, fiber)
        const { keep, key } = kept
        const run = (errand: Errand) => {
          const source = Stream.provideService(asked.run(errand), Provenance.Sink, errand.collector)
          return keep === undefined ? source : keeping(source, (parts) => keep(errand, parts))
        }
        const { flights } = asked
        const live =
          flights === undefined || key === undefined
            ? Stream.toPull(Stream.suspend(() => run(caller.errand)))
            : Effect.suspend(() => flights.join(key, fiber.getRef(Bulkhead.Priority), caller, run))
        const turnTo = (source: Effect.Effect<Pull.Pull<NonEmptyReadonlyArray<Part>, Errors>, never, Scope.Scope>) =>
          Effect.map(Scope.provide(source, scope), (opened) => {
            pull = opened
          })

        const fresh = kept.fresh(caller)
        let pull: Pull.Pull<NonEmptyReadonlyArray<Part>, Errors> = Cause.done()
        yield* turnTo(fresh === undefined ? live : Stream.toPull(Stream.fromArray(fresh)))
        let begun = false
        const next: Pull.Pull<NonEmptyReadonlyArray<Part>, Errors> = Effect.suspend(() => pull).pipe(
          Effect.tap(() =>
            Effect.sync(() => {
              if (!begun) caller.report()
              begun = true
            })
          ),
          Effect.catchCause((cause) => {
            const error = begun ? undefined : errorOf(cause)
            if (error === undefined) return Effect.failCause(cause)
            if (isOthersDeadline(caller, error)) return Effect.andThen(turnTo(live), next)
            return Effect.flatMap(substitute(asked, kept, caller, error), (answer) =>
              answer === undefined
                ? Effect.failCause(cause)
                : Effect.andThen(turnTo(Stream.toPull(Stream.fromArray(answer))), next)
            )
          })
        )
        return Stream.fromPull(
          Effect.succeed(
            Effect.onError(next, (cause) =>
              // Who is interrupted is leaving: that is reported when what it waited for has been left as well.
              Effect.sync(() =>
                Cause.hasInterruptsOnly(cause) ? undefined : caller.close(Pull.doneExitFromCause(cause))
              )
            )
          )
        )
      })
    )
  )

export const callerOf = (
  { bus, policy, route }: Front,
  kind: Event.Kind,
  fiber: Fiber.Fiber<unknown, unknown>
): Caller => new Caller({ bus, route, kind, total: policy.clocks.total }, fiber)

/** The stream, all of whose parts are handed on when it has come to its end. */
const keeping = <Part>(
  source: Stream.Stream<Part, Errors>,
  keep: (parts: ReadonlyArray<Part>) => Effect.Effect<void>
): Stream.Stream<Part, Errors> => {
  const parts: Array<Part> = []
  return source.pipe(
    Stream.mapArray((chunk) => {
      parts.push(...chunk)
      return chunk
    }),
    Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => keep(parts))))
  )
}

/** Whether the time that is over is that of the caller who began, and this one has some left to ask again. */
const isOthersDeadline = (caller: Caller, error: Errors): boolean =>
  error._tag === "DeadlineExceeded" && caller.isSharing && caller.restMillis > 0

/** What the cache has, and may be given, of one request. */
interface Kept<Answer> {
  /** The name that identical requests share; absent where this one shares with none. */
  readonly key: string | undefined
  /** The answer, if it is fresh. */
  readonly fresh: (caller: Caller) => Answer | undefined
  /** The answer, if it may stand in for the error. */
  readonly stale: (caller: Caller, instead: Errors) => Answer | undefined
  /** Keeps a new answer, if it is whole. */
  readonly keep: ((errand: Errand, answer: Answer) => Effect.Effect<void>) | undefined
}

const nothing = { key: undefined, fresh: () => undefined, stale: () => undefined, keep: undefined }

const lookUp = Effect.fnUntraced(function* <Answer>(
  front: Front,
  asked: Asked<Answer>,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.fn.Return<Kept<Answer>> {
  const { cache, lanes, policy, route } = front
  const bypass = fiber.getRef(Cache.Bypass)
  const isOn = Cache.isOn(policy.cache)
  if (bypass === "no-store" || !(isOn || (policy.coalesce.enabled && bypass === undefined))) return nothing
  const key = yield* cache.key([asked.kind, fiber.getRef(Cache.Tenant), route, lanes, asked.request])
  if (key === undefined) return nothing
  if (!isOn) return { ...nothing, key }
  const [entry] = bypass === "no-cache" ? [] : yield* cache.read([key])
  const answer = entry !== undefined && asked.isAnswer(entry.answer) ? entry.answer : undefined
  const { maxEntryBytes, staleIfError, ttl } = policy.cache
  const keepFor = Duration.sum(ttl, staleIfError)
  // Another process's clock may be ahead of ours.
  const ageMillis = (caller: Caller, at: number) => Math.max(0, caller.now - at)
  return {
    key: bypass === undefined ? key : undefined,
    fresh: (caller) => {
      if (entry === undefined || answer === undefined) return undefined
      const age = ageMillis(caller, entry.at)
      if (age >= Duration.toMillis(ttl)) return undefined
      caller.answerFrom({ source: "cache", entry, ageMillis: age })
      return answer
    },
    stale: (caller, instead) => {
      if (entry === undefined || answer === undefined) return undefined
      const age = ageMillis(caller, entry.at)
      if (age >= Duration.toMillis(keepFor)) return undefined
      caller.answerFrom({ source: "stale", entry, ageMillis: age, instead })
      return answer
    },
    keep: (errand, answer) => {
      if (!asked.isWhole(answer)) return Effect.void
      const { degraded = false, lane, model } = errand.collector.provenance ?? {}
      const by = { ...(lane === undefined ? {} : { lane }), ...(model === undefined ? {} : { model }) }
      return Effect.flatMap(Clock.currentTimeMillis, (at) =>
        cache.write([[key, { at, degraded, ...by, answer }]], keepFor, maxEntryBytes)
      )
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
  if (Disposition.blamesCaller(error)) return Effect.undefined
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

/** The error in a cause, unless it is the end of the stream, an interruption or a defect. */
const errorOf = (cause: Cause.Cause<Errors | Cause.Done>): Errors | undefined => {
  if (Cause.hasInterrupts(cause)) return undefined
  const error = Cause.findErrorOption(cause)
  return error._tag === "Some" && !Cause.isDone(error.value) ? error.value : undefined
}
