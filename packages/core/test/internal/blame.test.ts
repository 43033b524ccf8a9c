import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Option, Stream } from "effect"
import { Prompt } from "effect/ai"
import { TestClock } from "effect/testing"
import { CircuitBreaker, type Failure, Health, Lane, Policy, type Refusal, Route } from "@holdfast/core"
import { alone, exact, request } from "../Chat.ts"
import { recorder } from "../Recorder.ts"
import { after, failing, replying, type Step } from "../Scripted.ts"

/** A lane that breaks on some requests, and on all of them while it is down; a call takes a tenth of a second. */
const fragile = (id: string, breaks: () => Step | undefined, credential?: string) => {
  const [provider = "", model = ""] = id.split("/")
  let calls = 0
  const made = Lane.make({ provider, model, credential })
  const step = ({ prompt }: typeof request): Step => {
    calls += 1
    const isPoison = JSON.stringify(prompt).includes("poison")
    return after("100 millis", (isPoison || isDown ? breaks() : undefined) ?? replying("hello"))
  }
  let isDown = false
  const target = { provider, model, lane: made.id }
  const lane = Lane.make({
    provider,
    model,
    credential,
    text: {
      generate: (asked) => Effect.suspend(() => step(asked)(target).generate),
      stream: (asked) => Stream.suspend(() => step(asked)(target).stream)
    }
  })
  return {
    lane,
    get calls() {
      return calls
    },
    down: (now: boolean) => {
      isDown = now
    }
  }
}

const poison = { ...request, prompt: Prompt.make("poison") }
const broken = () => failing("ServiceUnavailable", { status: 500 })

const routes = Effect.fnUntraced(function* (
  lanes: ReadonlyArray<ReturnType<typeof fragile>>,
  policy: Policy.Policy = exact
) {
  const over = (...some: ReadonlyArray<ReturnType<typeof fragile>>) =>
    Route.text("chat", { lanes: some.map(({ lane }) => Effect.succeed(lane)), policy })
  const chat = yield* over(...lanes)
  const each = yield* Effect.forEach(lanes, (lane) => over(lane))
  return {
    chat,
    /** Other people's requests, to every lane, five a second, until the scope closes. */
    traffic: Effect.forkScoped(
      Effect.forever(
        Effect.andThen(
          Effect.forEach(each, (one) => Effect.forkChild(Effect.exit(one.generate(request)))),
          Effect.sleep("200 millis")
        )
      )
    )
  }
})

/** What an operation says is to blame for its end without an answer. */
const blamed = (exit: Exit.Exit<unknown, Failure.Failure | Refusal.Refusal>) => {
  const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
  if (error._tag === "None" || error.value._tag !== "AllLanesFailed") return assert.fail(JSON.stringify(exit))
  return error.value
}

const states = (...ids: ReadonlyArray<string>) =>
  Effect.forEach(ids, (id) => Effect.map(CircuitBreaker.state(id), ({ state }) => state))

describe("a request that breaks every provider it meets", () => {
  it.effect("stops at the second, and closes nobody's lane, while those answer others", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const lanes = [fragile("a/x", broken), fragile("b/y", broken), fragile("c/z", broken)]
      const { chat, traffic } = yield* routes(lanes)
      yield* traffic
      yield* TestClock.adjust("10 seconds")
      for (let n = 0; n < 6; n++) {
        const fiber = yield* Effect.forkChild(Effect.exit(chat.generate(poison)))
        yield* TestClock.adjust("20 seconds")
        const error = blamed(yield* Fiber.join(fiber))
        assert.strictEqual(error.blames, "request")
        assert.match(error.message, /^The request breaks the lanes of chat/)
      }
      const attempts = (yield* events.of("AttemptEnded")).filter(({ result }) => result !== "Success")
      const on = (lane: string) => attempts.filter((attempt) => attempt.lane === lane)
      assert.deepStrictEqual([on("a/x").length, on("b/y").length, on("c/z").length], [24, 6, 0])
      assert.isTrue(on("b/y").every(({ pardoned }) => pardoned === true))
      assert.isTrue(on("a/x").every(({ pardoned }) => pardoned === undefined))
      assert.deepStrictEqual(yield* states("a/x", "b/y", "c/z"), ["closed", "closed", "closed"])
      const health = yield* Effect.flatMap(Health.Health, ({ snapshots }) => snapshots)
      assert.strictEqual(health.find(({ lane }) => lane === "b/y")?.successRate, 1)
    }).pipe(Effect.scoped, alone)
  )

  it.effect("is the same in a stream", () =>
    Effect.gen(function* () {
      const lanes = ["a/x", "b/y", "c/z"].map((id) => fragile(id, () => failing("InvalidResponse")))
      const { chat, traffic } = yield* routes(lanes)
      yield* traffic
      yield* TestClock.adjust("10 seconds")
      const fiber = yield* Effect.forkChild(Effect.exit(Stream.runDrain(chat.stream(poison))))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(blamed(yield* Fiber.join(fiber)).blames, "request")
    }).pipe(Effect.scoped, alone)
  )

  it.effect("is not suspected of what has a cause of its own", () =>
    Effect.gen(function* () {
      for (const class_ of ["Timeout", "Network", "ModelOverloaded", "RateLimit"] as const) {
        const lanes = ["a", "b", "c"].map((id) => fragile(`${class_}-${id}/x`, () => failing(class_)))
        const { chat, traffic } = yield* routes(lanes, exact.pipe(Policy.retry({ maxRetries: 0 })))
        yield* traffic
        yield* TestClock.adjust("10 seconds")
        const fiber = yield* Effect.forkChild(Effect.exit(chat.generate(poison)))
        yield* TestClock.adjust("1 second")
        assert.isUndefined(blamed(yield* Fiber.join(fiber)).blames)
        assert.isTrue(lanes.every(({ calls }) => calls > 1))
      }
    }).pipe(Effect.scoped, alone)
  )

  it.effect("goes on where the lanes have nobody else to answer", () =>
    Effect.gen(function* () {
      const lanes = [fragile("a/x", broken), fragile("b/y", broken), fragile("c/z", () => undefined)]
      const { chat } = yield* routes(lanes)
      const fiber = yield* Effect.forkChild(Effect.exit(chat.generate(poison)))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)))
    }).pipe(alone)
  )
})

describe("an outage of two providers at once", () => {
  it.effect("opens both circuits, and nobody is kept from the third", () =>
    Effect.gen(function* () {
      const lanes = [fragile("a/x", broken), fragile("b/y", broken), fragile("c/z", broken)]
      const { chat, traffic } = yield* routes(lanes)
      yield* traffic
      yield* TestClock.adjust("10 seconds")
      lanes[0]!.down(true)
      lanes[1]!.down(true)
      const answers = yield* Effect.forEach(Array.from({ length: 30 }), () =>
        Effect.tap(Effect.forkChild(Effect.exit(chat.generate(request))), TestClock.adjust("100 millis"))
      )
      yield* TestClock.adjust("30 seconds")
      for (const answer of answers) assert.isTrue(Exit.isSuccess(yield* Fiber.join(answer)))
      assert.deepStrictEqual(yield* states("a/x", "b/y", "c/z"), ["open", "open", "closed"])
    }).pipe(Effect.scoped, alone)
  )

  it.effect("opens both circuits where each operation sees only the two", () =>
    Effect.gen(function* () {
      const lanes = [fragile("a/x", broken), fragile("b/y", broken)]
      const { chat } = yield* routes(lanes, exact.pipe(Policy.fallback({ waitForReopening: false })))
      for (const lane of lanes) lane.down(true)
      for (let n = 0; n < 4; n++) {
        const fiber = yield* Effect.forkChild(Effect.exit(chat.generate(request)))
        yield* TestClock.adjust("20 seconds")
        assert.isUndefined(blamed(yield* Fiber.join(fiber)).blames)
      }
      assert.deepStrictEqual(yield* states("a/x", "b/y"), ["open", "open"])
    }).pipe(alone)
  )

  it.effect("opens the circuit of a fallback that is down behind a first lane that fails now and then", () =>
    Effect.gen(function* () {
      const lanes = [fragile("a/x", broken), fragile("b/y", broken)]
      const { chat, traffic } = yield* routes(lanes, exact.pipe(Policy.retry({ maxRetries: 0 })))
      yield* traffic
      yield* TestClock.adjust("10 seconds")
      lanes[1]!.down(true)
      for (let n = 0; n < 40; n++) {
        yield* Effect.forkChild(Effect.exit(chat.generate(n % 2 === 0 ? poison : request)))
        yield* TestClock.adjust("100 millis")
      }
      assert.deepStrictEqual(yield* states("b/y"), ["open"])
    }).pipe(Effect.scoped, alone)
  )
})

describe("a failure on a second credential", () => {
  it.effect("is not held against that credential when the key of the first was refused as well", () =>
    Effect.gen(function* () {
      const refused = () => failing("Authentication")
      const lanes = [fragile("a/x", refused, "one"), fragile("a/x", refused, "two"), fragile("b/y", () => undefined)]
      const { chat } = yield* routes(lanes)
      const ask = Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.exit(chat.generate(poison)))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)))
        return yield* states("credential:a/one", "credential:a/two")
      })
      assert.deepStrictEqual(yield* ask, ["open", "closed"])
      // On its own it is: the next operation asks it first.
      assert.deepStrictEqual(yield* ask, ["open", "open"])
    }).pipe(alone)
  )

  it.effect("sends the request to other models before further credentials of this one", () =>
    Effect.gen(function* () {
      const lanes = [
        ...["one", "two", "three"].map((credential) => fragile("a/x", broken, credential)),
        fragile("a/other", () => undefined, "one")
      ]
      const { chat } = yield* routes(lanes, exact.pipe(Policy.retry({ maxRetries: 0 })))
      const fiber = yield* Effect.forkChild(Effect.exit(chat.generate(poison)))
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)))
      assert.deepStrictEqual(
        lanes.map(({ calls }) => calls),
        [1, 1, 0, 1]
      )
    }).pipe(alone)
  )
})
