/** Instances that share a store, in one process, each with guards of its own. */
import { Clock, Context, type Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Limits,
  EventBus,
  Failure,
  Lane,
  Policy,
  Resilience,
  Sharing,
  SharingStore
} from "@holdfast/core"
import { recorder } from "./Recorder.ts"

export const lane = Lane.make({ provider: "acme", model: "anvil" })

/** Opens at the second failure, to the millisecond; no call is made twice. */
const policyOf = (open: Duration.Input) =>
  Policy.standard.pipe(
    Policy.retry({ maxRetries: 0 }),
    Policy.breaker({ consecutiveFailures: 2, rate: 0, open, openJitter: 0, probeLease: "30 seconds" }),
    Policy.fallback({ waitForReopening: false })
  )

export const unavailable = Failure.make("ServiceUnavailable", {
  provider: lane.provider,
  model: lane.model,
  lane: lane.id,
  scope: "model",
  rule: "test"
})

/** A provider that counts what reaches it. */
export class Provider {
  answer: Effect.Effect<string, Failure.Failure>
  calls = 0
  running = 0
  /** The most calls that were with it at once. */
  peak = 0
  constructor(answer: Effect.Effect<string, Failure.Failure>) {
    this.answer = answer
  }
  readonly call = Effect.suspend(() => {
    this.calls += 1
    this.running += 1
    this.peak = Math.max(this.peak, this.running)
    return Effect.ensuring(
      this.answer,
      Effect.sync(() => {
        this.running -= 1
      })
    )
  })
}

/** One instance. It ends with the test, or when it is closed. */
export const instance = Effect.fnUntraced(function* (
  store: SharingStore.SharingStore["Service"],
  options: Sharing.Options = {},
  open: Duration.Input = "60 seconds"
) {
  const policy = policyOf(open)
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  const services = yield* Scope.provide(Layer.build(Layer.fresh(Resilience.layer)), scope)
  const events = yield* Effect.provideContext(recorder, services).pipe(Scope.provide(scope))
  const sharing = yield* Sharing.make(options).pipe(
    Effect.provideService(SharingStore.SharingStore, store),
    Effect.provideContext(services),
    Scope.provide(scope)
  )
  const breaker = Context.get(services, CircuitBreaker.CircuitBreaker)
  return {
    events,
    breaker,
    sharing,
    bulkhead: Context.get(services, Bulkhead.Bulkhead),
    limits: Context.get(services, Limits.Limits),
    bus: Context.get(services, EventBus.EventBus),
    close: Scope.close(scope, Exit.void),
    snapshot: breaker.snapshot(lane.id),
    state: Effect.map(breaker.snapshot(lane.id), ({ state }) => state),
    /** One operation on the lane. */
    call: (provider: Provider) =>
      Context.get(services, Resilience.Resilience).run({
        route: "chat",
        kind: "effect",
        policy,
        lanes: [lane],
        call: () => provider.call
      })
  }
})
export type Instance = Effect.Success<ReturnType<typeof instance>>

export const fleet = (
  count: number,
  store: SharingStore.SharingStore["Service"],
  options?: Sharing.Options,
  open?: Duration.Input
): Effect.Effect<ReadonlyArray<Instance>, never, Scope.Scope> =>
  Effect.forEach(Array.from({ length: count }), () => instance(store, options, open))

/** What stops a lane for half a minute, as its provider asked. */
export const cool = ({ bus }: Instance) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) =>
    bus.publish({
      _tag: "LaneCooling",
      lane: lane.id,
      provider: lane.provider,
      model: lane.model,
      credential: lane.credential,
      reason: "RateLimit",
      untilMillis: now + 30_000
    })
  )

/** Starts one call on each of the instances at this instant; the outcomes in their order. */
export const callAll = (instances: ReadonlyArray<Instance>, provider: Provider) =>
  Effect.forEach(instances, ({ call }) => Effect.forkChild(Effect.exit(call(provider)), { startImmediately: true }))

export const outcomes = <A, E>(fibers: ReadonlyArray<Fiber.Fiber<Exit.Exit<A, E>>>) =>
  Effect.map(Effect.forEach(fibers, Fiber.join), (exits) => exits.map((exit) => exit._tag))
