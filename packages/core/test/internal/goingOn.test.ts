import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Schema, Stream } from "effect"
import type { Response } from "effect/ai"
import { TestClock } from "effect/testing"
import {
  type Adaptation,
  type EmbedModel,
  Failure,
  Policy,
  Provenance,
  Resilience,
  Route,
  type TextModel
} from "@holdfast/core"
import { alone, exact, held, nothing, request } from "../Chat.ts"
import { interruptedAt } from "../Interruption.ts"
import { recorder } from "../Recorder.ts"
import { breaking, failing, finish, part, playing, scripted, silence, text } from "../Scripted.ts"
import { astray, type Call, storyteller, whole } from "../Storyteller.ts"

type Part = Response.StreamPartEncoded | Route.Restarted
const kelp = "A holdfast is the part of a kelp that grips the rock beneath it. It bends, and keeps its place."

/** Reads a stream to its end, however long that takes. */
const read = Effect.fnUntraced(function* (stream: Stream.Stream<Part, unknown>) {
  const seen: Array<Part> = []
  const fiber = yield* stream.pipe(
    Stream.runForEach((one) => Effect.sync(() => seen.push(one))),
    Effect.exit,
    Effect.forkChild
  )
  yield* TestClock.adjust("1 hour")
  const exit = yield* Fiber.join(fiber)
  return { seen, said: saidIn(seen), error: Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined }
})
const saidIn = (parts: ReadonlyArray<Part>) =>
  parts.map((part) => (part.type === "text-delta" ? part.delta : "")).join("")
const types = (parts: ReadonlyArray<Part>) =>
  parts.filter((part) => part.type !== "text-delta").map((part) => part.type)

const going = (onFailure: Policy.Stream["onFailure"]) => exact.pipe(Policy.stream({ onFailure }))
const route = (lanes: ReadonlyArray<{ readonly lane: Route.Options["lanes"][number] }>, policy = going("continue")) =>
  Route.text("chat", { lanes: lanes.map(({ lane }) => lane), policy })

const told = (form: "prefill" | "instruction"): Adaptation.Code => `continued-by-${form}`

const takesPrefill = { capabilities: { prefill: true } }
const cut: Call = { ...whole, upTo: 5, ending: "StreamTruncated" }

describe("a stream that breaks, where the policy says to continue", () => {
  it.effect.each([
    ["as its own turn", whole, takesPrefill, ["prefill"]],
    ["anew, from the beginning", { ...whole, manner: "anew" }, takesPrefill, ["prefill"]],
    ["told in words, since it is not known to take that", whole, {}, ["instruction"]],
    [
      "told in words, having rejected the prefill",
      { ...whole, manner: "reject" },
      takesPrefill,
      ["prefill", "instruction"]
    ],
    ["anew, though told in words", { ...whole, manner: "anew" }, {}, ["instruction"]]
  ] as const)("is gone on with by the next lane %s", ([, call, options, forms]) =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = storyteller("a/x", kelp, [cut])
      const b = storyteller("b/y", kelp, [call], options)
      const sink = Provenance.collector()
      const model = yield* route([a, b])
      const { error, said, seen } = yield* read(Stream.provideService(model.stream(request), Provenance.Sink, sink))
      assert.isUndefined(error)
      assert.strictEqual(said, kelp)
      // One block of text, one end.
      assert.deepStrictEqual(types(seen), ["text-start", "text-end", "finish"])
      // A token for every four of the 35 characters that the first lane gave.
      assert.deepStrictEqual(seen.at(-1), {
        ...finish,
        usage: { ...finish.usage, outputTokens: { total: 11, text: 11, reasoning: 0 } },
        metadata: {
          holdfast: {
            continuedFrom: ["a/x"],
            usageEstimated: true,
            lastUsage: { inputTokens: 3, outputTokens: 2 }
          }
        }
      })
      assert.deepStrictEqual(
        b.asked.map(({ form }) => form),
        [...forms]
      )
      assert.deepInclude(sink.provenance, {
        lane: "b/y",
        sent: 1 + forms.length,
        degraded: true,
        continuedFrom: ["a/x"],
        adapted: [{ lane: "b/y", what: forms.map(told).toSorted() }]
      })
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ adapted, lane }) => [lane, adapted]),
        [["a/x", undefined], ...forms.map((form) => ["b/y", [told(form)]])]
      )
      assert.deepInclude((yield* events.of("StreamContinued"))[0], {
        from: "a/x",
        to: "b/y",
        mode: "continue",
        reason: "StreamTruncated"
      })
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ attempts, lane, result }) => [attempts, lane, result]),
        [[1 + forms.length, "b/y", "Success"]]
      )
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("says at its end what all of its requests have used, while each is accounted by itself", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const estimateTokens = (request: TextModel.Request | EmbedModel.Request) =>
        "prompt" in request ? 100 * request.prompt.content.length : 0
      const options = { ...takesPrefill, estimateTokens }
      const a = storyteller("a/x", kelp, [cut], options)
      const b = storyteller("b/y", kelp, [cut], options)
      const c = storyteller("c/z", kelp, [whole], options)
      const { seen } = yield* read((yield* route([a, b, c])).stream(request))
      const end = seen.at(-1)
      if (end?.type !== "finish") return assert.fail("it has no end")
      // The question, the question with the beginning, and what the last lane said; 70 characters that two lanes gave.
      assert.strictEqual(end.usage.inputTokens.total, 100 + 200 + 3)
      assert.strictEqual(end.usage.outputTokens.total, 18 + 2)
      const last = (yield* events.of("AttemptEnded")).at(-1)
      assert.deepStrictEqual([last?.lane, last?.inputTokens, last?.outputTokens], ["c/z", 3, 2])
    }).pipe(alone)
  )

  it.effect("is gone on with by the same lane, after its wait, where that is the only one", () =>
    Effect.gen(function* () {
      const a = storyteller("a/x", kelp, [cut, cut, whole], takesPrefill)
      const { error, said } = yield* read((yield* route([a])).stream(request))
      assert.isUndefined(error)
      assert.strictEqual(said, kelp)
      assert.deepStrictEqual(
        a.asked.map(({ delivered }) => delivered.length),
        [0, 35, 70]
      )
    }).pipe(alone)
  )

  it.effect("is gone on with behind a stall, and the stalled call is closed", () =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [
        playing(part({ type: "text-start", id: "1" }), text(kelp.slice(0, 20)), silence)
      ])
      const b = storyteller("b/y", kelp, [whole])
      const { error, said } = yield* read((yield* route([a, b])).stream(request))
      assert.isUndefined(error)
      assert.strictEqual(said, kelp)
      assert.strictEqual(yield* a.open, 0)
    }).pipe(alone)
  )

  it.effect("goes from key to key of one model that all break alike, and says nothing twice", () =>
    Effect.gen(function* () {
      const keys = ["p/m@1", "p/m@2", "p/m@3"].map((id) =>
        storyteller(id, kelp, [cut], { provider: "p", model: "m", credential: id, ...takesPrefill })
      )
      const { error, said } = yield* read((yield* route(keys)).stream(request))
      // Five pieces each, of seven characters: the third comes to the end.
      assert.isUndefined(error)
      assert.strictEqual(said, kelp)
      assert.deepStrictEqual(
        keys.map(({ asked }) => asked.length),
        [1, 1, 1]
      )
    }).pipe(alone)
  )

  it.effect("asks for no more tokens than are left of the caller's", () =>
    Effect.gen(function* () {
      const b = storyteller("b/y", kelp, [whole], takesPrefill)
      const model = yield* route([storyteller("a/x", kelp, [cut]), b])
      yield* read(model.stream({ ...request, sampling: { maxOutputTokens: 100 } }))
      assert.strictEqual(b.requests[0]?.sampling.maxOutputTokens, 100 - Math.floor(35 / 4))
    }).pipe(alone)
  )

  it.effect.each([
    ["tells another story", { ...whole, manner: "astray" }],
    ["rejects it in every form", { ...whole, manner: "reject", upTo: 0, ending: "InvalidRequest" }],
    ["is down", { ...whole, upTo: 0, ending: "Authentication" }]
  ] as const)("surfaces as it broke when the next lane %s", ([, call]) =>
    Effect.gen(function* () {
      const a = storyteller("a/x", kelp, [{ ...cut, ending: "ModelNotFound" }])
      const b = storyteller("b/y", kelp, [call])
      const { error, said } = yield* read((yield* route([a, b])).stream(request))
      assert.deepInclude(error, { _tag: "ModelNotFound", lane: "a/x" })
      assert.strictEqual(said, kelp.slice(0, 35))
      assert.isFalse(said.includes(astray.slice(0, 5)))
    }).pipe(alone)
  )

  it.effect("goes to a third lane when the second rejects it in every form", () =>
    Effect.gen(function* () {
      const a = storyteller("a/x", kelp, [cut])
      const b = yield* scripted("b/y", [failing("InvalidRequest")], takesPrefill)
      const c = storyteller("c/z", kelp, [whole])
      const { error, said } = yield* read((yield* route([a, b, c])).stream(request))
      assert.isUndefined(error)
      assert.strictEqual(said, kelp)
      assert.strictEqual(yield* b.calls, 2)
    }).pipe(alone)
  )

  it.effect("spends the budget of the operation, and no more", () =>
    Effect.gen(function* () {
      const policy = going("continue").pipe(Policy.budget({ maxAttempts: 3 }))
      const a = storyteller("a/x", kelp, [{ ...cut, upTo: 1 }], takesPrefill)
      const { error, said } = yield* read((yield* route([a], policy)).stream(request))
      assert.strictEqual(a.asked.length, 3)
      assert.deepInclude(error, { _tag: "StreamTruncated" })
      assert.isTrue(kelp.startsWith(said) && said.length > 14)
    }).pipe(alone)
  )

  it.effect("ends at the deadline of the whole", () =>
    Effect.gen(function* () {
      const policy = going("continue").pipe(Policy.clocks({ total: "70 seconds" }))
      const stall: Call = { ...cut, ending: "stall" }
      const lanes = ["a/x", "b/y", "c/z", "d/w"].map((id) =>
        storyteller(id, kelp, [{ ...stall, upTo: 1 }], takesPrefill)
      )
      const { error, said } = yield* read((yield* route(lanes, policy)).stream(request))
      assert.deepInclude(error, { _tag: "DeadlineExceeded" })
      assert.isTrue(kelp.startsWith(said) && said.length > 21)
    }).pipe(alone)
  )

  it.effect.each([
    ["a tool call has begun", part({ type: "tool-params-start", id: "1", name: "t" })],
    ["a tool has been called", part({ type: "tool-call", id: "1", name: "t", params: {} })],
    ["a file was given", part({ type: "file", mediaType: "image/png", data: "" })]
  ] as const)("surfaces once %s: nothing is ever emitted twice", ([, beat]) =>
    Effect.gen(function* () {
      const a = yield* scripted("a/x", [playing(text("I look it up. "), beat, breaking("StreamTruncated"))])
      const b = yield* scripted("b/y", [playing(beat, part(finish))])
      const { error, seen } = yield* read((yield* route([a, b])).stream(request))
      assert.deepInclude(error, { _tag: "StreamTruncated", lane: "a/x" })
      assert.strictEqual(seen.length, 2)
      assert.strictEqual(yield* b.calls, 0)
    }).pipe(alone)
  )

  it.effect("lets the next lane call a tool where there was only text, whose block is closed first", () =>
    Effect.gen(function* () {
      const call: Response.StreamPartEncoded = { type: "tool-call", id: "9", name: "t", params: { done: "[DONE]" } }
      const a = yield* scripted("a/x", [
        playing(part({ type: "text-start", id: "1" }), text("I look."), breaking("Network"))
      ])
      const b = yield* scripted("b/y", [playing(part(call), part(finish))])
      const { error, seen } = yield* read((yield* route([a, b])).stream(request))
      assert.isUndefined(error)
      assert.deepStrictEqual(types(seen), ["text-start", "text-end", "tool-call", "finish"])
    }).pipe(alone)
  )

  it.effect("is asked anew where only reasoning was heard, and the new reasoning is not", () =>
    Effect.gen(function* () {
      const thinking = (id: string, delta: string) =>
        part({ type: "reasoning-start", id }, { type: "reasoning-delta", id, delta })
      const a = yield* scripted("a/x", [playing(thinking("1", "Hm, "), silence)])
      const b = yield* scripted("b/y", [
        playing(
          thinking("1", "So "),
          part({ type: "reasoning-end", id: "1" }, { type: "text-start", id: "1" }),
          text(kelp),
          part({ type: "text-end", id: "1" }, finish)
        )
      ])
      const { error, seen } = yield* read((yield* route([a, b])).stream(request))
      assert.isUndefined(error)
      assert.deepStrictEqual(
        seen.filter((part) => part.type !== "finish"),
        [
          { type: "reasoning-start", id: "1" },
          { type: "reasoning-delta", id: "1", delta: "Hm, " },
          { type: "reasoning-end", id: "1" },
          { type: "text-start", id: "1-continued-1" },
          { type: "text-delta", id: "1-continued-1", delta: kelp },
          { type: "text-end", id: "1-continued-1" }
        ]
      )
      // The same request: nothing was said yet.
      assert.strictEqual((yield* b.requests)[0]?.prompt, request.prompt)
    }).pipe(alone)
  )

  it.effect("frees everything when its caller leaves while another lane is asked", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = yield* scripted("a/x", [playing(text("hel"), breaking("Network"))])
      const b = yield* scripted("b/y", [playing(silence)])
      const fiber = yield* Effect.forkChild(Stream.runDrain((yield* route([a, b])).stream(request)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* b.open, 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual([yield* a.open, yield* b.open], [0, 0])
      assert.deepStrictEqual(yield* held(a, b), nothing)
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ result }) => result),
        ["Cancelled"]
      )
    }).pipe(alone)
  )
})

describe("a stream that is gone on with, or begun anew", () => {
  const begun = playing(part({ type: "text-start", id: "1" }), text(kelp.slice(0, 40)), breaking("Network"))
  const rest = playing(part({ type: "text-start", id: "1" }), text(kelp), part({ type: "text-end", id: "1" }, finish))

  it.effect.each(["continue", "restart"] as const)(
    "leaves nothing behind, at whichever step it is interrupted (%s)",
    (mode) =>
      Effect.gen(function* () {
        const trial = (step: number) =>
          Effect.gen(function* () {
            const events = yield* recorder
            const [a, b] = [yield* scripted("a/x", [begun]), yield* scripted("b/y", [rest])]
            const model = yield* route([a, b], going(mode))
            const parts = mode === "restart" ? model.streamRestarting(request) : model.stream(request)
            const { isOver } = yield* interruptedAt(step, Stream.runDrain(parts))
            assert.deepStrictEqual([yield* a.open, yield* b.open], [0, 0], `step ${step}`)
            assert.deepStrictEqual(yield* held(a, b), nothing, `step ${step}`)
            const ended = yield* events.of("OperationEnded")
            const attempts = yield* events.of("AttemptEnded")
            assert.isAtMost(ended.length, 1, `step ${step}`)
            assert.isAtLeast(attempts.length, (yield* a.calls) + (yield* b.calls), `step ${step}`)
            assert.strictEqual(ended[0]?.attempts ?? 0, attempts.length, `step ${step}`)
            if (isOver) assert.strictEqual(ended[0]?.result, "Success")
            return isOver
          }).pipe(Effect.provide(Resilience.layer, { local: true }))
        let steps = 1
        while (!(yield* trial(steps))) steps += 1
        assert.isAbove(steps, 100)
      })
  )
})

describe("a stream that breaks, where the policy says to restart", () => {
  it.effect("begins anew for a caller who knows the part that says so", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const a = storyteller("a/x", kelp, [cut])
      const b = storyteller("b/y", astray, [whole])
      const { error, seen } = yield* read((yield* route([a, b], going("restart"))).streamRestarting(request))
      assert.isUndefined(error)
      const at = seen.findIndex((part) => part.type === "restarted")
      assert.deepStrictEqual(seen[at], { type: "restarted", from: "a/x", reason: "StreamTruncated" })
      assert.strictEqual(saidIn(seen.slice(0, at)), kelp.slice(0, 35))
      assert.strictEqual(saidIn(seen.slice(at)), astray)
      assert.deepInclude((yield* events.of("StreamContinued"))[0], { from: "a/x", to: "b/y", mode: "restart" })
      assert.deepStrictEqual(yield* held(a, b), nothing)
    }).pipe(alone)
  )

  it.effect("surfaces for every other caller", () =>
    Effect.gen(function* () {
      const a = storyteller("a/x", kelp, [cut])
      const b = storyteller("b/y", kelp, [whole])
      const { error, said } = yield* read((yield* route([a, b], going("restart"))).stream(request))
      assert.deepInclude(error, { _tag: "StreamTruncated" })
      assert.strictEqual(said, kelp.slice(0, 35))
      assert.strictEqual(b.asked.length, 0)
    }).pipe(alone)
  )

  it.effect.each(["surface", "continue"] as const)("is offered by no other policy (%s)", (onFailure) =>
    Effect.gen(function* () {
      const model = yield* route([storyteller("a/x", kelp, [cut]), storyteller("b/y", kelp, [whole])], going(onFailure))
      const { error } = yield* read(model.streamRestarting(request))
      assert.deepInclude(error, { _tag: "StreamTruncated" })
    }).pipe(alone)
  )
})

describe("for any lanes, faults, pieces and manners", () => {
  const CallOf = Schema.Struct({
    manner: Schema.Literals(["as asked", "as asked", "anew", "astray", "reject"]),
    pieces: Schema.NonEmptyArray(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))).check(
      Schema.isMaxLength(3)
    ),
    upTo: Schema.Literals([0, 1, 2, 3, 5, 8, 1000]),
    ending: Schema.Literals([
      "StreamTruncated",
      "Network",
      "ServiceUnavailable",
      "Authentication",
      "ContentPolicy",
      "stall"
    ])
  })
  const Lanes = Schema.NonEmptyArray(
    Schema.Struct({
      calls: Schema.NonEmptyArray(CallOf).check(Schema.isMaxLength(3)),
      prefill: Schema.Boolean
    })
  ).check(Schema.isMaxLength(3))

  it.effect.prop(
    "the caller gets one whole answer, or an error behind a correct beginning",
    [Lanes, Schema.Literals(["surface", "continue"])],
    ([lanes, onFailure]) =>
      Effect.gen(function* () {
        const tellers = lanes.map(({ calls, prefill }, n) =>
          storyteller(`p${n}/m`, kelp, calls, { capabilities: { prefill } })
        )
        const model: TextModel.TextModel<unknown> = yield* route(tellers, going(onFailure))
        const { error, said, seen } = yield* read(model.stream(request))
        if (error === undefined) {
          assert.include([kelp, astray], said)
          assert.deepStrictEqual(types(seen), ["text-start", "text-end", "finish"])
        } else {
          assert.isTrue(kelp.startsWith(said) || astray.startsWith(said), said)
          assert.isTrue(Failure.isFailure(error) || typeof error === "object")
        }
        assert.isAtMost(
          tellers.reduce((sum, { asked }) => sum + asked.length, 0),
          exact.budget.maxAttempts
        )
        if (onFailure === "surface") {
          assert.isTrue(tellers.every(({ asked }) => asked.every(({ form }) => form === undefined)))
        }
        assert.deepStrictEqual(yield* held(...tellers), nothing)
      }).pipe(Effect.provide(Resilience.layer, { local: true })),
    { arbitrary: { runs: 5000, size: 30, seed: "going on" }, timeout: 120_000 }
  )
})
