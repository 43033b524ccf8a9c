/** Our own library as a subject of the suite. */
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Random } from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Failure,
  Lane,
  Policy,
  Refusal,
  Resilience,
  RetryBudget,
  RetryPolicy,
  RetryQuota
} from "@holdfast/core"
import { recorder } from "../Recorder.ts"
import * as EffectCalls from "./EffectCalls.ts"
import { circuit, circuitWithoutStore } from "./HoldfastCircuit.ts"
import { errorOf, failure, refusalOf } from "./holdfastErrors.ts"
import type { Attempt, HedgedOperation, Jitter, Refusing, Retrying, RetrySettings, Subject } from "./Subject.ts"

const lane = (provider: string) => Lane.make({ provider, model: "anvil" })

const bulkhead: Subject["bulkhead"] = Effect.fnUntraced(function* ({ concurrent, queue }) {
  const services = yield* Layer.build(Bulkhead.layer)
  const guard = Bulkhead.run("acme/anvil", { maxConcurrent: concurrent, maxQueue: queue })
  return {
    ...EffectCalls.starting<Failure.Failure>({
      guard: (self) => Effect.provideContext(guard(self), services),
      errorOf,
      refusalOf
    }),
    counts: Effect.provideContext(
      Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot("acme/anvil")),
      services
    )
  }
})

/** Each of our refusals, from a real guard where one gives it on its own. */
const refusals = Effect.gen(function* () {
  yield* Effect.ignore(Effect.fail("down").pipe(CircuitBreaker.guard("open", { consecutiveFailures: 1 })))
  const inSlot = Bulkhead.run("full", { maxConcurrent: 1, maxQueue: 0 })
  yield* Effect.forkScoped(inSlot(Effect.never), { startImmediately: true })
  const cooling = Resilience.protect<Failure.Failure>({
    lane: "cooling/anvil",
    policy: Policy.standard.pipe(Policy.retry({ maxRetries: 0 }), Policy.fallback({ waitForReopening: false }))
  })
  yield* Effect.ignore(cooling(Effect.fail(failure("RateLimit", { retryAfter: Duration.hours(1) }))))
  const made: ReadonlyArray<readonly [Refusing["source"], Effect.Effect<string, unknown, Shared>]> = [
    ["open circuit", CircuitBreaker.guard("open")(Effect.succeed("hello"))],
    ["full bulkhead", inSlot(Effect.succeed("hello"))],
    ["limit", cooling(Effect.succeed("hello"))],
    ["budget", new Refusal.BudgetExhausted({ budget: "attempts", limit: 1 })]
  ]
  return made
})
type Shared = Layer.Success<typeof Resilience.layer>

/** Each of them inside a circuit that opens at the first failure, and inside the retries of an operation that has one too. */
const refusing = Effect.gen(function* () {
  const services = yield* Layer.build(Layer.fresh(Resilience.layer))
  const policy = Policy.standard.pipe(
    Policy.retry({ jitter: "none-unsafe", base: "1 second" }),
    Policy.breaker({ consecutiveFailures: 1 })
  )
  const isOpen = (circuit: string) => Effect.map(CircuitBreaker.state(circuit), ({ state }) => state === "open")
  return (yield* Effect.provideContext(refusals, services)).map(([source, refusal]): Refusing => {
    let asked = 0
    const inner = Effect.suspend(() => {
      asked += 1
      return refusal
    })
    const [circuit, lane] = [`circuit around ${source}`, `operation around/${source}`]
    const operation = Effect.ignore(Resilience.protect({ lane, policy })(inner))
    return {
      source,
      opensOuterCircuit: Effect.gen(function* () {
        yield* Effect.ignore(inner.pipe(CircuitBreaker.guard(circuit, { consecutiveFailures: 1 })))
        yield* operation
        return (yield* isOpen(circuit)) || (yield* isOpen(lane))
      }).pipe(Effect.provideContext(services)),
      timesAsked: Effect.gen(function* () {
        asked = 0
        yield* Effect.forkChild(operation)
        yield* TestClock.adjust("30 seconds")
        return source === "open circuit" ? Math.max(asked, yield* timesAnOpenLaneIsAsked) : asked
      }).pipe(Effect.provideContext(services))
    }
  })
})

/** How often an operation asks its one lane, whose circuit is open, while it has three retries. */
const timesAnOpenLaneIsAsked = Effect.gen(function* () {
  const events = yield* recorder
  const policy = Policy.standard.pipe(
    Policy.retry({ jitter: "none-unsafe", base: "1 second" }),
    Policy.breaker({ consecutiveFailures: 1, open: "60 seconds", openJitter: 0 }),
    Policy.fallback({ waitForReopening: false })
  )
  const protect = Resilience.protect<Failure.Failure>({ lane: "down/anvil", policy })
  yield* Effect.ignore(protect(Effect.fail(failure("ServiceUnavailable"))))
  yield* Effect.forkChild(Effect.ignore(protect(Effect.succeed("hello"))))
  yield* TestClock.adjust("30 seconds")
  return (yield* events.of("LaneRefused")).length
}).pipe(Effect.scoped)

const attemptError = (n: number, attempt: Exclude<Attempt, "success" | "hang">): Failure.Failure => {
  const rule = String(n)
  if (attempt === "failure") return failure("ServiceUnavailable", { rule })
  if (attempt === "do not retry") return failure("ServiceUnavailable", { rule, retryable: false })
  // What a reader of headers makes of nonsense is nothing; below it, a wait into the past is the nonsense that is left.
  const millis = attempt.hint === "malformed" ? -30_000 : attempt.hint
  return failure("ServiceUnavailable", { rule, retryAfter: Duration.millis(millis) })
}

const attemptOf = (error: unknown): number | undefined => (Failure.isFailure(error) ? Number(error.rule) : undefined)

const retrying = Effect.fnUntraced(function* ({
  baseMillis,
  maxElapsedMillis,
  maxRetries,
  patienceMillis
}: RetrySettings) {
  const total = maxElapsedMillis ?? 3_600_000
  const policy = Policy.standard.pipe(
    Policy.retry({ maxRetries, base: baseMillis, jitter: "none-unsafe", patience: patienceMillis }),
    Policy.breaker({ consecutiveFailures: 1000 }),
    Policy.clocks({ firstContent: total, chunkGap: total, attempt: total, plainAttempt: total, total })
  )
  const services = yield* Layer.build(Resilience.layer)
  const lanes = patienceMillis === undefined ? [lane("acme")] : [lane("acme"), lane("elsewhere")]
  const made: Retrying = {
    start: (script, options) => {
      const counts = { here: 0, elsewhere: 0 }
      const call = ({ provider }: Lane.Lane) =>
        Effect.suspend((): Effect.Effect<string, Failure.Failure> => {
          if (provider === "elsewhere") {
            counts.elsewhere += 1
            return Effect.succeed("hello")
          }
          counts.here += 1
          const attempt = script(counts.here)
          if (attempt === "success") return Effect.succeed("hello")
          return attempt === "hang" ? Effect.never : Effect.fail(attemptError(counts.here, attempt))
        })
      return EffectCalls.operation(
        Resilience.Resilience.use((resilience) =>
          resilience.run({ route: "conformance", kind: "effect", policy, lanes, call })
        ).pipe(Effect.provideContext(services)),
        Effect.sync(() => ({ ...counts })),
        attemptOf,
        options?.cancelled ?? false
      )
    }
  }
  return made
})

const jitter = (kind: RetryPolicy.Jitter, bounds: Jitter["bounds"]): Jitter => ({
  name: kind,
  bounds,
  delays: Effect.fnUntraced(function* (base, cap, count) {
    const settings: RetryPolicy.Settings = {
      ...RetryPolicy.defaults,
      base: Duration.millis(base),
      maxDelay: Duration.millis(cap),
      jitter: kind
    }
    const delays: Array<number> = []
    for (let retry = 1; retry <= count; retry++) {
      delays.push(RetryPolicy.delayMillis(settings, retry, 1, delays.at(-1) ?? 0, yield* Random.next))
    }
    return delays
  })
})

const budget: Subject["budget"] = Effect.fnUntraced(function* ({ ratio }) {
  const services = yield* Layer.build(Layer.fresh(RetryBudget.layer))
  const settings = { ...RetryBudget.defaults, ratio, reservePerSecond: 0 }
  const { deposit, tryWithdraw } = yield* Effect.provideContext(RetryBudget.RetryBudget, services)
  return { call: deposit("acme/anvil", settings), mayRetry: tryWithdraw("acme/anvil", settings) }
})

const quota: Subject["quota"] = Effect.fnUntraced(function* ({ capacity, cost }) {
  const services = yield* Layer.build(Layer.fresh(Resilience.layer))
  const policy = Policy.standard.pipe(
    Policy.retry({ maxRetries: 5, base: "1 second", jitter: "none-unsafe" }),
    Policy.retryQuota({ capacity, cost })
  )
  const send = Effect.fnUntraced(function* (statuses: ReadonlyArray<number>) {
    const events = yield* recorder
    let attempts = 0
    const call = Effect.suspend(() => {
      const status = statuses[attempts] ?? 500
      attempts += 1
      return status === 200 ? Effect.succeed("hello") : Effect.fail(failure("ServiceUnavailable", { status }))
    })
    const protect = Resilience.protect<Failure.Failure>({ lane: "acme/anvil", policy })
    const fiber = yield* Effect.forkChild(Effect.exit(protect(call)))
    yield* TestClock.adjust("1 minute")
    const exit = yield* Fiber.join(fiber)
    const isSpent = (yield* events.of("RetrySuppressed")).some(({ budget }) => budget === "quota")
    const result: "ok" | "quota exceeded" | "other" = Exit.isSuccess(exit) ? "ok" : isSpent ? "quota exceeded" : "other"
    const left = yield* RetryQuota.RetryQuota.use((quota) => quota.left("acme/anvil", policy.retryQuota))
    return { attempts, result, left }
  })
  return { send: (statuses) => send(statuses).pipe(Effect.scoped, Effect.provideContext(services)) }
})

const backoff = (base: number, cap: number, retry: number): number => Math.min(cap, base * 2 ** (retry - 1))

const jitters: ReadonlyArray<Jitter> = [
  jitter("equal", (base, cap, retry) => [backoff(base, cap, retry) / 2, backoff(base, cap, retry)]),
  jitter("full", (base, cap, retry) => [0, backoff(base, cap, retry)]),
  jitter("decorrelated", (base, cap, _retry, previous) => [
    Math.min(base, cap),
    Math.min(cap, 3 * Math.max(previous, base))
  ]),
  jitter("proportional", (base, cap, retry) => [
    0.8 * backoff(base, cap, retry),
    Math.min(cap, 1.2 * backoff(base, cap, retry))
  ])
]

const hedged: Subject["hedged"] = Effect.fnUntraced(function* ({ delayMillis }) {
  const services = yield* Layer.build(Layer.fresh(Resilience.layer))
  const policy = Policy.standard.pipe(
    Policy.retry({ maxRetries: 0 }),
    Policy.hedge({ delay: Duration.millis(delayMillis) })
  )
  const attempts: Array<Effect.Success<HedgedOperation["attempts"]>[number]> = []
  const call = () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<string, Failure.Failure>()
      const rule = String(attempts.length + 1)
      let status: "running" | "cancelled" | "ended" = "running"
      attempts.push({
        status: Effect.sync(() => status),
        end: (how) =>
          Effect.andThen(
            how === "success"
              ? Deferred.succeed(answer, "hello")
              : Deferred.fail(answer, failure(how === "fatal" ? "InvalidRequest" : "ServiceUnavailable", { rule })),
            EffectCalls.settle
          )
      })
      return yield* Deferred.await(answer).pipe(
        Effect.onExit((exit) =>
          Effect.sync(() => {
            status = Exit.hasInterrupts(exit) ? "cancelled" : "ended"
          })
        )
      )
    })
  const { result } = yield* EffectCalls.operation(
    Resilience.Resilience.use((resilience) =>
      resilience.run({
        route: "conformance",
        kind: "effect",
        policy,
        lanes: [lane("acme"), lane("elsewhere")],
        call
      })
    ).pipe(Effect.provideContext(services)),
    Effect.succeed({ here: 0, elsewhere: 0 }),
    (error) => attemptOf(error instanceof Refusal.AllLanesFailed ? error.trail.at(-1)?.error : error),
    false
  )
  return { attempts: Effect.sync(() => [...attempts]), result }
})

export const holdfast: Subject = {
  name: "holdfast",
  version: "this repository",
  install: Effect.void,
  advance: TestClock.adjust,
  idle: TestClock.adjust,
  circuit,
  backoffResets: "at once",
  circuitWithoutStore,
  refusing,
  bulkhead,
  retrying,
  jitters: Effect.succeed(jitters),
  quota,
  budget,
  hedged
}
