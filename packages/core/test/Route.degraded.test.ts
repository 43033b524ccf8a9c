import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Policy, Provenance, Route, type TextModel } from "@holdfast/core"
import { alone, exact, held, nothing, request } from "./Chat.ts"
import { breaking, dying, failing, hanging, playing, replying, scripted, text } from "./Scripted.ts"
import { recorder } from "./Recorder.ts"

const quick = exact.pipe(Policy.retry({ maxRetries: 0 }))
const sorry = "I cannot answer right now."

const open = Effect.fnUntraced(function* (
  scripts: ReadonlyArray<Effect.Success<ReturnType<typeof scripted>>>,
  degraded: Route.TextOptions["degraded"] = sorry,
  policy = quick
) {
  const model = yield* Route.text("chat", { lanes: scripts.map(({ lane }) => lane), policy, degraded })
  const ask = (asked: Partial<TextModel.Request> = {}) =>
    Effect.map(model.generate({ ...request, ...asked }), (parts) =>
      parts.map((part) => (part.type === "text" ? part.text : "")).join("")
    )
  const listen = (asked: Partial<TextModel.Request> = {}) =>
    model.stream({ ...request, ...asked }).pipe(
      Stream.map((part) => (part.type === "text-delta" ? part.delta : "")),
      Stream.mkString
    )
  return { ask, listen, model }
})

describe("a route's last resort", () => {
  it.effect.each(["ask", "listen"] as const)(
    "answers when every lane has failed, names no lane, and is reported as what it is: %s",
    (way) =>
      Effect.gen(function* () {
        const events = yield* recorder
        const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
        const b = yield* scripted("b/y", [failing("Network")])
        const route = yield* open([a, b])
        const [answer, provenance] = yield* Provenance.of(route[way]())
        assert.strictEqual(answer, sorry)
        assert.deepInclude(provenance, {
          lane: undefined,
          model: undefined,
          degraded: true,
          cached: false,
          stale: false,
          sent: 2
        })
        assert.deepStrictEqual(
          (yield* events.of("OperationEnded")).map(({ attempts, degraded, instead, lane, result, source }) => ({
            attempts,
            degraded,
            instead,
            lane,
            result,
            source
          })),
          [
            {
              attempts: 2,
              degraded: true,
              instead: "AllLanesFailed",
              lane: undefined,
              result: "Success",
              source: "last-resort"
            }
          ]
        )
      }).pipe(alone)
  )

  it.effect("is a whole answer whose model is nobody's, plain and streamed", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Network")])
      const { model } = yield* open([a])
      for (const parts of [
        yield* model.generate(request),
        yield* Stream.runCollect(model.stream(request)),
        yield* Stream.runCollect(model.streamRestarting(request))
      ]) {
        assert.deepInclude(parts[0], { type: "response-metadata", modelId: "holdfast/degraded" })
        assert.deepInclude(parts.at(-1), { type: "finish", reason: "other" })
      }
    }).pipe(alone)
  )

  it.effect("is not needed while a lane answers", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Network")])
      const b = yield* scripted("b/y", [replying("hello")])
      const { ask, listen } = yield* open([a, b])
      assert.deepStrictEqual([yield* ask(), yield* listen()], ["hello", "hello"])
    }).pipe(alone)
  )

  it.effect("answers as well when the operation's time is over", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [hanging])
      const { ask } = yield* open([a])
      const asking = yield* Effect.forkChild(ask())
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(yield* Fiber.join(asking), sorry)
    }).pipe(alone)
  )

  it.effect.each(["InvalidRequest", "ContentPolicy", "ContextLengthExceeded", "Cancelled"] as const)(
    "does not hide that the caller has to change something: %s",
    (class_) =>
      Effect.gen(function* () {
        const a = yield* scripted("a/x", [failing(class_)])
        const { ask, listen } = yield* open([a])
        assert.strictEqual((yield* Effect.flip(ask()))._tag, class_)
        assert.strictEqual((yield* Effect.flip(listen()))._tag, class_)
      }).pipe(alone)
  )

  it.effect("does not hide that no lane can serve what was asked, or that every one refused the request", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ContextLengthExceeded")], {
        capabilities: { contextWindow: 100, tools: false }
      })
      const b = yield* scripted("b/y", [failing("ContextLengthExceeded")], {
        capabilities: { contextWindow: 200, tools: false }
      })
      const { ask } = yield* open([a, b])
      const tools = [{ name: "look", parameters: { type: "object" as const } }]
      assert.strictEqual((yield* Effect.flip(ask({ tools })))._tag, "NoCapableLane")
      assert.strictEqual((yield* Effect.flip(ask()))._tag, "ContextLengthExceeded")
      assert.strictEqual(yield* b.calls, 1)
    }).pipe(alone)
  )

  it.effect("comes neither after the first words of a stream, nor for a defect, nor for a caller who left", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("half"), breaking("Network")), dying, hanging])
      const { ask, listen } = yield* open([a])
      assert.strictEqual((yield* Effect.flip(listen()))._tag, "Network")
      assert.isTrue(Exit.hasDies(yield* Effect.exit(ask())))
      const asking = yield* Effect.forkChild(ask())
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(asking)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(asking)))
      assert.deepStrictEqual(yield* held(a), nothing)
    }).pipe(alone)
  )

  it.effect("of fixed text is none where JSON or a tool call was asked for", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Network")])
      const { ask } = yield* open([a], sorry, quick.pipe(Policy.breaker({ consecutiveFailures: 100, rate: 0 })))
      const tools = [{ name: "look", parameters: { type: "object" as const } }]
      for (const asked of [
        { responseFormat: { type: "json-object" } },
        { responseFormat: { type: "json", name: "answer", schema: { type: "object" } } },
        { tools, toolChoice: "required" },
        { tools, toolChoice: { tool: "look" } },
        { tools, toolChoice: { mode: "required", oneOf: ["look"] } }
      ] as const) {
        assert.strictEqual((yield* Effect.flip(ask(asked)))._tag, "Network")
      }
      assert.strictEqual(yield* ask({ tools, toolChoice: { mode: "auto", oneOf: ["look"] } }), sorry)
    }).pipe(alone)
  )

  it.effect("may be computed from the request and the error, and may decline", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("ServiceUnavailable")])
      const { ask, listen } = yield* open([a], (asked, error) =>
        Effect.succeed(asked.responseFormat.type === "json-object" ? `{"error":"${error._tag}"}` : undefined)
      )
      const json = { responseFormat: { type: "json-object" } } as const
      assert.strictEqual(yield* ask(json), '{"error":"ServiceUnavailable"}')
      assert.strictEqual(yield* listen(json), '{"error":"ServiceUnavailable"}')
      assert.strictEqual((yield* Effect.flip(ask()))._tag, "ServiceUnavailable")
      assert.strictEqual((yield* Effect.flip(listen()))._tag, "ServiceUnavailable")
    }).pipe(alone)
  )

  it.effect("leaves the error as it is when it breaks, throws or takes too long", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [failing("Network")])
      const broken = yield* open([a], () => Effect.die("a bug"))
      assert.strictEqual((yield* Effect.flip(broken.ask()))._tag, "Network")
      const throwing = yield* open([a], () => {
        throw new Error("a bug")
      })
      assert.strictEqual((yield* Effect.flip(throwing.ask()))._tag, "Network")
      const entered = yield* Deferred.make<void>()
      const slow = yield* open([a], () => Effect.andThen(Deferred.succeed(entered, undefined), Effect.never))
      const asking = yield* Effect.forkChild(slow.ask())
      yield* Deferred.await(entered)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Effect.flip(Fiber.join(asking)))._tag, "Network")
    }).pipe(alone)
  )
})
