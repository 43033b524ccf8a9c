import { assert, describe, it } from "@effect/vitest"
import { type Context, Duration, Effect, Exit, type Fiber, Layer, References, Scope, Stream } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  type Event,
  EventBus,
  Failure,
  Lane,
  Policy,
  Provenance,
  Resilience
} from "@holdfast/core"
import { exact } from "./Chat.ts"
import { HandDriven } from "./HandDriven.ts"

type Services = Layer.Success<typeof Resilience.layer>

/** How a call ends after a second, or that it never does. */
type End = "reply" | "hang" | { readonly class: Failure.Class; readonly retryAfter?: Duration.Duration }

interface Situation {
  readonly name: string
  readonly policy?: (policy: Policy.Policy) => Policy.Policy
  /** What each lane does, call by call; the last one repeats. */
  readonly lanes: ReadonlyArray<ReadonlyArray<End>>
  /** What comes before the operation. */
  readonly before?: (trial: Trial) => void
  /** Where it has to have been interrupted, at least. */
  readonly places: Array<string>
}

/** Three seconds in all. */
const brief = Policy.clocks({
  plainAttempt: "3 seconds",
  attempt: "3 seconds",
  firstContent: "3 seconds",
  chunkGap: "3 seconds",
  total: "3 seconds"
})

const down: End = { class: "ServiceUnavailable" }

/** The first lane's circuit is open for a minute. */
const trip = (trial: Trial): void => {
  const { breaker } = trial.policy
  trial.run(CircuitBreaker.CircuitBreaker.use((service) => service.trip("acme/x", breaker, { reason: "test" })))
}

const situations: ReadonlyArray<Situation> = [
  { name: "in an operation that succeeds", lanes: [["reply"]], places: ["in call 1"] },
  {
    name: "around a retry",
    lanes: [[down, "reply"]],
    places: ["in call 1", "waiting after RetryScheduled", "in call 2"]
  },
  {
    name: "around a wait that the provider asked for",
    lanes: [[{ class: "RateLimit", retryAfter: Duration.seconds(5) }, "reply"]],
    places: ["in call 1", "waiting after RetryScheduled", "in call 2"]
  },
  {
    name: "around the wait for a slot",
    policy: Policy.bulkhead({ maxConcurrent: 1 }),
    lanes: [["reply"]],
    before: (trial) => trial.occupy("acme/x", 2_000),
    places: ["in the queue", "in call 1"]
  },
  {
    name: "around a wait for a slot that is too long",
    policy: (policy) =>
      policy.pipe(
        Policy.bulkhead({ maxConcurrent: 1, queueTimeout: "1 second" }),
        Policy.fallback({ spillOver: false })
      ),
    lanes: [["reply"], ["reply"]],
    before: (trial) => trial.occupy("acme/x", 2_000),
    places: ["in the queue", "in call 1"]
  },
  {
    name: "around the way to a lane that has a slot free",
    policy: Policy.bulkhead({ maxConcurrent: 1 }),
    lanes: [["reply"], ["reply"]],
    before: (trial) => trial.occupy("acme/x", 2_000),
    places: ["in call 1"]
  },
  {
    name: "around the wait in line for a limit",
    policy: Policy.limits({ requestsPerMinute: 20, requestsBurst: 1 }),
    lanes: [["reply"]],
    before: (trial) => trial.answer(),
    places: ["waiting after WaitingForLane", "in call 2"]
  },
  {
    name: "around a second attempt beside a slow one",
    policy: Policy.hedge({ delay: "300 millis" }),
    lanes: [["hang"], ["reply"]],
    places: ["in call 1", "in call 2"]
  },
  {
    name: "around the wait for a lane to reopen",
    lanes: [["reply"]],
    before: trip,
    places: ["waiting after WaitingForLane", "in call 1"]
  },
  {
    name: "on the way to the second lane",
    lanes: [[{ class: "Authentication" }], [down, "reply"]],
    places: ["in call 1", "in call 2", "waiting after RetryScheduled", "in call 3"]
  },
  {
    name: "as the probe of a half-open circuit",
    lanes: [["reply"]],
    before: (trial) => {
      trip(trial)
      trial.world.pass(60_000)
    },
    places: ["in call 1"]
  },
  {
    name: "as a probe that fails",
    lanes: [[down], ["reply"]],
    before: (trial) => {
      trip(trial)
      trial.world.pass(60_000)
    },
    places: ["in call 1", "in call 2"]
  },
  {
    name: "around a call whose clock runs out",
    policy: Policy.clocks({
      plainAttempt: "4 seconds",
      attempt: "4 seconds",
      firstContent: "4 seconds",
      chunkGap: "4 seconds"
    }),
    lanes: [["hang"], ["reply"]],
    places: ["in call 1", "in call 2"]
  },
  {
    name: "around its deadline",
    policy: brief,
    lanes: [["hang"]],
    places: ["in call 1"]
  }
]

/** What is asked of the pipeline, and under which interface. */
const interfaces = ["an effect", "a promise", "a stream"] as const

/** One operation in a world of its own. */
class Trial {
  readonly world = new HandDriven()
  readonly services: Context.Context<Services>
  readonly policy: Policy.Policy
  readonly lanes: ReadonlyArray<Lane.Lane>
  readonly situation: Situation
  readonly events: Array<Event.Event> = []
  /** Fibers that are not the operation's. */
  readonly others = new Set<unknown>()
  readonly fibers = new Set<Fiber.Fiber<unknown, unknown>>()
  readonly sink = Provenance.collector()
  readonly signals: Array<{ readonly signal: AbortSignal; isSettled: boolean }> = []
  readonly callsOn = new Map<string, number>()
  calls = 0
  callsBefore = 0
  /** From now on every call is answered. */
  isWell = false
  open = 0

  constructor(situation: Situation) {
    this.situation = situation
    this.policy = (situation.policy ?? ((same) => same))(exact)
    this.lanes = situation.lanes.map((_, index) =>
      index === 0 ? Lane.make({ provider: "acme", model: "x" }) : Lane.make({ provider: "zeta", model: "z" })
    )
    const scope = Scope.makeUnsafe()
    this.services = this.world.run(Layer.buildWithScope(Resilience.layer, scope))
    const subscription = this.run(
      EventBus.EventBus.use((bus) => Scope.provide(bus.subscribe({ capacity: 1_000 }), scope))
    )
    const listening = Stream.runForEach(subscription.stream, (event) => Effect.sync(() => this.events.push(event)))
    this.others.add(this.world.fork(listening))
    situation.before?.(this)
    this.world.settle()
    this.events.length = 0
    this.callsBefore = this.calls
  }

  run<A, E>(effect: Effect.Effect<A, E, Services>): A {
    return this.world.run(Effect.provideContext(effect, this.services))
  }

  of<Tag extends Event.Event["_tag"]>(tag: Tag) {
    return this.events.filter((event): event is Extract<Event.Event, { readonly _tag: Tag }> => event._tag === tag)
  }

  /** Somebody else takes a slot, for so long. */
  occupy(lane: string, millis: number): void {
    const slot = Bulkhead.Bulkhead.use((bulkhead) =>
      bulkhead
        .acquire(lane, this.policy.bulkhead, (self) => self)
        .pipe(Effect.andThen(Effect.sleep(millis)), Effect.andThen(bulkhead.release(lane)))
    )
    this.others.add(this.world.fork(Effect.provideContext(slot, this.services)))
  }

  /** An operation of somebody else's, from its beginning to its end. */
  answer(): void {
    const fiber = this.world.fork(Effect.provideContext(this.operation("an effect"), this.services))
    this.world.pass(1_000)
    const exit = fiber.pollUnsafe()
    assert.isTrue(exit !== undefined && Exit.isSuccess(exit), "a caller is not served")
  }

  /** The next call on a lane, begun. */
  next({ id, model, provider }: Lane.Lane): { readonly end: End; readonly failure: Failure.Failure } {
    this.calls += 1
    const nth = this.callsOn.get(id) ?? 0
    this.callsOn.set(id, nth + 1)
    const script = this.situation.lanes[this.lanes.findIndex((lane) => lane.id === id)] ?? []
    const end = this.isWell ? "reply" : (script[Math.min(nth, script.length - 1)] ?? "hang")
    const [class_, retryAfter] = typeof end === "string" ? (["Unknown"] as const) : [end.class, end.retryAfter]
    const failure = Failure.make(class_, { provider, model, lane: id, scope: "provider", rule: "test", retryAfter })
    return { end, failure }
  }

  /** Something that is open while it is used, as a socket is. */
  readonly socket = Effect.acquireRelease(
    Effect.sync(() => void (this.open += 1)),
    () => Effect.sync(() => void (this.open -= 1))
  )

  effect(lane: Lane.Lane): Effect.Effect<string, Failure.Failure> {
    return Effect.suspend(() => {
      const { end, failure } = this.next(lane)
      if (end === "hang") return Effect.never
      return Effect.andThen(Effect.sleep("1 second"), end === "reply" ? Effect.succeed("hello") : Effect.fail(failure))
    }).pipe((self) => Effect.scoped(Effect.andThen(this.socket, self)))
  }

  stream(lane: Lane.Lane): Stream.Stream<string, Failure.Failure> {
    return Stream.unwrap(
      Effect.map(this.socket, () => {
        const { end, failure } = this.next(lane)
        if (end === "hang") return Stream.never
        if (end !== "reply") return Stream.fromEffect(Effect.andThen(Effect.sleep("1 second"), Effect.fail(failure)))
        return Stream.fromIterable(["hel", "lo"]).pipe(Stream.mapEffect((part) => Effect.as(Effect.sleep(500), part)))
      })
    )
  }

  /** Like a request of a platform: it stops and rejects, a little later, when its signal is aborted. */
  promise(lane: Lane.Lane, signal: AbortSignal): PromiseLike<string> {
    const { end, failure } = this.next(lane)
    const request = { signal, isSettled: false }
    this.signals.push(request)
    this.open += 1
    return new Later<string>((resolve, reject) => {
      const settle = (report: () => void) => {
        if (request.isSettled) return
        request.isSettled = true
        this.open -= 1
        this.world.soon(report)
      }
      const cancel =
        end === "hang"
          ? () => {}
          : this.world.after(1_000, () => settle(() => (end === "reply" ? resolve("hello") : reject(failure))))
      signal.addEventListener("abort", () => {
        cancel()
        settle(() => reject(signal.reason))
      })
    })
  }

  /** The operation, and all that a test wants of its answer. */
  operation(how: (typeof interfaces)[number]): Effect.Effect<unknown, unknown, Resilience.Resilience> {
    const plan = { route: "chat", policy: this.policy, lanes: this.lanes }
    return Resilience.Resilience.use((resilience) => {
      switch (how) {
        case "an effect":
          return resilience.run({ ...plan, kind: "text", call: (lane) => this.effect(lane) })
        case "a promise":
          return resilience.runPromise({
            ...plan,
            kind: "text",
            call: (lane, { signal }) => this.promise(lane, signal)
          })
        case "a stream":
          return Stream.mkString(
            resilience.runStream({ ...plan, commits: () => true, call: (lane) => this.stream(lane) })
          )
      }
    })
  }
}

/** A promise whose reactions run in the turns of a world driven by hand. */
class Later<A> implements PromiseLike<A> {
  #onResolve: (value: A) => void = () => {}
  #onReject: (cause: unknown) => void = () => {}
  constructor(run: (resolve: (value: A) => void, reject: (cause: unknown) => void) => void) {
    run(
      (value) => this.#onResolve(value),
      (cause) => this.#onReject(cause)
    )
  }
  then<B = A, C = never>(
    onResolve?: ((value: A) => B | PromiseLike<B>) | null,
    onReject?: ((cause: unknown) => C | PromiseLike<C>) | null
  ): PromiseLike<B | C> {
    this.#onResolve = (value) => void onResolve?.(value)
    this.#onReject = (cause) => void onReject?.(cause)
    return new Later(() => {})
  }
}

/** Interrupts an operation at one of its steps, counting rests between them as steps too; `undefined`: it has fewer. */
const interruptedAt = (
  how: (typeof interfaces)[number],
  situation: Situation,
  step: number,
  maxSteps: number
): string | undefined => {
  const trial = new Trial(situation)
  const { events, fibers, others, world } = trial
  const breakers = () => trial.run(CircuitBreaker.CircuitBreaker.use((breaker) => breaker.list))
  const failuresOf = (lane: string) => breakers().find(({ circuit }) => circuit === lane)?.failures ?? 0
  const before = trial.lanes.map(({ id }) => failuresOf(id))
  const beganAt = world.now

  let root: Fiber.Fiber<unknown, unknown> | undefined
  let steps = 0
  let place: string | undefined
  /** It was interrupted while a call was open and everybody waited: nothing can have ended in the same moment. */
  let wasInCall = false
  const count = (isRest: boolean) => {
    steps += 1
    if (steps !== step) return
    wasInCall = isRest && trial.open > 0
    const { waiting } = trial.run(Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot("acme/x")))
    place =
      waiting > 0
        ? "in the queue"
        : trial.open > 0
          ? `in call ${trial.calls}`
          : `${isRest ? "waiting " : ""}after ${events.at(-1)?._tag ?? "nothing"}`
    root?.interruptUnsafe()
  }
  const watch = (fiber: Fiber.Fiber<unknown, unknown>): void => {
    if (others.has(fiber)) return
    root ??= fiber
    fibers.add(fiber)
    // What it asks itself are no steps of the operation.
    world.onStep = undefined
    count(false)
    world.onStep = watch
  }
  world.onStep = watch
  const operation = trial
    .operation(how)
    .pipe(
      Effect.provideService(Provenance.Sink, trial.sink),
      Effect.provideService(References.MaxOpsBeforeYield, maxSteps),
      Effect.provideContext(trial.services)
    )
  const fiber = world.fork(operation)
  while (true) {
    world.settle()
    if (fiber.pollUnsafe() !== undefined) break
    count(true)
    if (steps >= step) world.settle()
    if (place !== undefined) break
    assert.isBelow(world.now, beganAt + 300_000, "the operation never ends")
    world.wakeAt(world.next)
  }
  world.onStep = undefined
  const exit = fiber.pollUnsafe()
  const said = `${how}, ${situation.name}, interrupted ${place} at step ${step}`
  assert.isDefined(exit, `${said}: it goes on`)
  if (exit === undefined) return undefined

  // Nothing is held, nothing is open, nothing sleeps, no fiber runs.
  assert.strictEqual(trial.open, 0, `${said}: a call is open`)
  for (const one of fibers) assert.isDefined(one.pollUnsafe(), `${said}: a fiber is left`)
  world.pass(4_000)
  assert.strictEqual(world.sleeping, 0, `${said}: a timer or a deadline is left`)
  for (const { id } of trial.lanes) {
    const { running, waiting } = trial.run(Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot(id)))
    assert.deepStrictEqual([running, waiting], [0, 0], `${said}: a slot is taken`)
  }
  for (const { circuit, retryAfter, state } of breakers()) {
    if (state === "half-open") assert.isTrue(Duration.isZero(retryAfter), `${said}: ${circuit} waits for a probe`)
  }

  // What was cut short says nothing to anybody, but is written down.
  const attempts = trial.of("AttemptEnded")
  const ended = trial.of("OperationEnded")
  const isInterrupted = Exit.hasInterrupts(exit)
  assert.isAtMost(ended.length, 1, said)
  assert.isAtMost(trial.calls - trial.callsBefore, attempts.length, `${said}: a call without a record`)
  if (ended[0] === undefined) {
    assert.isTrue(isInterrupted && attempts.length === 0, `${said}: an operation without a record`)
  } else {
    assert.strictEqual(ended[0].attempts, attempts.length, said)
    // Whoever leaves in the moment in which the answer comes leaves an operation that has succeeded.
    if (!isInterrupted) assert.notStrictEqual(ended[0].result, "Cancelled", said)
    if (wasInCall) assert.strictEqual(ended[0].result, "Cancelled", said)
    assert.deepStrictEqual(
      trial.sink.provenance?.attempts.map(({ result }) => result),
      attempts.map(({ result }) => result),
      said
    )
  }
  if (wasInCall) assert.strictEqual(attempts.at(-1)?.result, "Cancelled", said)
  trial.lanes.forEach(({ id }, index) => {
    const results = attempts.filter(({ lane }) => lane === id).map(({ result }) => result)
    const failed = results.filter((result) => result === "ServiceUnavailable").length
    const expected = results.includes("Success") ? 0 : (before[index] ?? 0) + failed
    if (situation.lanes[index]?.[0] === "hang") return
    assert.strictEqual(failuresOf(id), expected, `${said}: its circuit has learnt from ${results.join()}`)
  })
  for (const { signal, isSettled } of trial.signals) {
    assert.isTrue(isSettled, `${said}: a promise was left alone`)
    if (wasInCall && signal === trial.signals.at(-1)?.signal) assert.isTrue(signal.aborted, said)
  }

  // Whoever comes later is served.
  trial.isWell = true
  world.pass(130_000)
  trial.answer()
  return steps < step ? undefined : place
}

describe.each(interfaces)("%s that is interrupted", (how) => {
  describe.each([
    { pace: "at full speed", maxSteps: 2_048 },
    { pace: "a few steps per turn", maxSteps: 4 }
  ])("$pace", ({ maxSteps }) => {
    it.each(situations)(
      "$name, at whichever step, leaves nothing behind",
      (situation) => {
        const places = new Set<string>()
        let step = 1
        for (; ; step++) {
          const place = interruptedAt(how, situation, step, maxSteps)
          if (place === undefined) break
          places.add(place)
        }
        assert.includeMembers([...places], situation.places)
      },
      60_000
    )
  })
})
