/** What every lane does with a server of its wire format, whoever wrote the server. */
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type { Lane, TextModel } from "@holdfast/core"
import { Deferred, Duration, Effect, Exit, Fiber, Schema, type Scope, Stream } from "effect"
import { Prompt, Response } from "effect/ai"
import type { HttpClient } from "effect/http"
import { sixtyWords } from "../../src/Healthy.ts"
import * as Relay from "./Relay.ts"
import type { Subject } from "./Subject.ts"

/**
 * What a server is asked to be for one behaviour. `healthy` answers the `prompts`; `slow` does so word by word over a
 * second or longer; `silent` never answers; `limited` refuses with the `wait`; `cut` closes the socket early.
 */
export type Scene = "healthy" | "slow" | "silent" | "limited" | "cut"

export interface Host {
  readonly name: string
  /** The port of a new server that takes no key but `goodKey`. */
  readonly open: (scene: Scene) => Effect.Effect<number, never, Scope.Scope>
}

/** What a server understands of a request, by its last user message. */
export const prompts = {
  /** Answered with `sixtyWords`. */
  question: "What holds a kelp to its rock?",
  /** Answered with the same, after a `thought` where an effort is named. */
  think: "Think, then say what holds a kelp to its rock.",
  /** Cut after two words; the request says so as well. */
  brief: "Say it briefly.",
  /** Answered with a call of the first tool. */
  tool: "Use the tool, please.",
  /** Answered with a call of each tool. */
  tools: "Use the tool, and the other one too.",
  /** Answered with JSON that satisfies the schema of `weather`. */
  json: "Say it as JSON.",
  /** Answered with the words that came, before the last of the messages too. */
  image: "What is in the picture?"
} as const

export const thought = "The question is about kelp, so the answer is too."

export const wait = Duration.seconds(7)

export const weather: TextModel.Tool = {
  name: "weather",
  description: "The weather of a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false
  }
}

const clock: TextModel.Tool = {
  name: "clock",
  parameters: { type: "object", properties: { zone: { type: "string" } }, required: ["zone"] }
}

/** The arguments of any call of `weather`. */
export const city = { city: "sample" }

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64"
)

export const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0

interface Stage {
  readonly subject: Subject
  readonly lane: Lane.Lane
  readonly text: TextModel.TextModel
  readonly relay: Relay.Relay
}

interface Behaviour {
  readonly scene: Scene
  readonly prove: (stage: Stage) => Effect.Effect<void, unknown, HttpClient.HttpClient | Scope.Scope>
}

const request = (prompt: Prompt.RawInput, more: Partial<TextModel.Request> = {}): TextModel.Request => ({
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {},
  ...more,
  prompt: Prompt.make(prompt)
})

/** The plainest of requests. */
export const ask = request(prompts.question)

type Part = Response.PartEncoded | Response.StreamPartEncoded

/** The parts of an answer, whole or streamed, each decoded as `effect/ai` does. */
const both = ({ text }: Stage, asked: TextModel.Request) =>
  Effect.all([text.generate(asked), Stream.runCollect(text.stream(asked))])

const said = (parts: ReadonlyArray<Part>, kind: "text" | "reasoning" = "text") =>
  parts
    .map((part) => {
      if (part.type === kind) return part.text
      return part.type === `${kind}-delta` && "delta" in part ? part.delta : ""
    })
    .join("")

const finishOf = (parts: ReadonlyArray<Part>) => {
  assert.strictEqual(parts.filter((part) => part.type === "finish").length, 1)
  const last = parts.at(-1)
  assert.strictEqual(last?.type, "finish")
  assert.isTrue(last?.type === "finish")
  return last?.type === "finish" ? last : assert.fail("the last part is none that finishes")
}

const callsOf = (parts: ReadonlyArray<Part>) => parts.flatMap((part) => (part.type === "tool-call" ? [part] : []))

const assertTokens = (parts: ReadonlyArray<Part>, input: string, output: string) => {
  const { inputTokens, outputTokens } = finishOf(parts).usage
  assert.strictEqual(inputTokens.total, countWords(input))
  assert.strictEqual((outputTokens.total ?? 0) - (outputTokens.reasoning ?? 0), countWords(output))
}

/** Interrupts the call once `begun`, and sees the client let go of its socket at once. */
const letsGo = (
  { relay }: Stage,
  call: (begun: Effect.Effect<void>) => Effect.Effect<unknown, unknown>,
  until: "asked" | "begun"
) =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const fiber = yield* Effect.forkChild(call(Effect.asVoid(Deferred.succeed(begun, undefined))))
    const connection = yield* relay.first
    if (until === "begun") yield* Deferred.await(begun)
    assert.isFalse(yield* Deferred.isDone(connection.closed))
    const start = performance.now()
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(yield* Deferred.await(connection.closed), "client")
    assert.isBelow(performance.now() - start, 250)
  })

export const behaviours = {
  "answers with text, whole": {
    scene: "healthy",
    prove: ({ text }) =>
      Effect.gen(function* () {
        const parts = yield* text.generate(ask)
        yield* Schema.decodeUnknownEffect(Schema.Array(Response.AllParts()))(parts)
        assert.strictEqual(said(parts), sixtyWords)
        assert.strictEqual(finishOf(parts).reason, "stop")
      })
  },
  "answers with text, in a stream of blocks that open and close": {
    scene: "healthy",
    prove: ({ text }) =>
      Effect.gen(function* () {
        const parts = yield* Stream.runCollect(text.stream(ask))
        yield* Schema.decodeUnknownEffect(Schema.Array(Response.StreamPart()))(parts)
        assert.strictEqual(said(parts), sixtyWords)
        const kinds = parts.map((part) => part.type).filter((type) => !/^(response-metadata|reasoning-)/.test(type))
        assert.deepStrictEqual(
          kinds.filter((type, n) => type !== kinds[n - 1]),
          ["text-start", "text-delta", "text-end", "finish"]
        )
        assert.isAbove(kinds.length, 5)
        assert.strictEqual(finishOf(parts).reason, "stop")
      })
  },
  "tells the tokens of the call": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        for (const parts of yield* both(stage, ask)) {
          assertTokens(parts, prompts.question, sixtyWords)
        }
      })
  },
  "brings the system prompt": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        const system = "You are a marine biologist."
        const asked = request([
          { role: "system", content: system },
          { role: "user", content: prompts.question }
        ])
        for (const parts of yield* both(stage, asked)) {
          assertTokens(parts, `${system} ${prompts.question}`, sixtyWords)
        }
      })
  },
  "brings the turns before": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        const turns = ["Hello there", "Good day to you", prompts.question] as const
        const asked = request([
          { role: "user", content: turns[0] },
          { role: "assistant", content: turns[1] },
          { role: "user", content: turns[2] }
        ])
        for (const parts of yield* both(stage, asked)) assertTokens(parts, turns.join(" "), sixtyWords)
      })
  },
  "says that the limit cut the answer": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        for (const parts of yield* both(stage, request(prompts.brief, { sampling: { maxOutputTokens: 2 } }))) {
          assert.strictEqual(said(parts), "A holdfast")
          assert.strictEqual(finishOf(parts).reason, "length")
        }
      })
  },
  "calls a tool": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        const asked = request(prompts.tool, { tools: [weather, clock] })
        for (const parts of yield* both(stage, asked)) {
          const calls = callsOf(parts)
          assert.deepStrictEqual<unknown>(
            calls.map(({ name, params }) => [name, params]),
            [["weather", city]]
          )
          assert.notStrictEqual(calls[0]?.id, "")
        }
      })
  },
  "finishes a call of a tool as one": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        for (const parts of yield* both(stage, request(prompts.tool, { tools: [weather, clock] }))) {
          assert.strictEqual(finishOf(parts).reason, "tool-calls")
        }
      })
  },
  "streams the parameters of a call, which come to the call": {
    scene: "healthy",
    prove: ({ text }) =>
      Effect.gen(function* () {
        const parts = yield* Stream.runCollect(text.stream(request(prompts.tool, { tools: [weather] })))
        const [call] = callsOf(parts)
        const own = parts.filter((part) => "id" in part && part.id === call?.id)
        const kinds = own.map((part) => part.type)
        assert.deepStrictEqual(
          kinds.filter((type, n) => type !== kinds[n - 1]),
          ["tool-params-start", "tool-params-delta", "tool-params-end", "tool-call"]
        )
        const params = own.map((part) => (part.type === "tool-params-delta" ? part.delta : "")).join("")
        assert.deepStrictEqual(JSON.parse(params), city)
      })
  },
  "calls tools in parallel": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        for (const parts of yield* both(stage, request(prompts.tools, { tools: [weather, clock] }))) {
          const calls = callsOf(parts)
          assert.deepStrictEqual(
            calls.map((call) => call.name),
            ["weather", "clock"]
          )
          assert.strictEqual(new Set(calls.map((call) => call.id)).size, 2)
        }
      })
  },
  "takes the result of a tool, and goes on": {
    scene: "healthy",
    prove: ({ text }) =>
      Effect.gen(function* () {
        const first = Prompt.make(prompts.tool)
        const encoded = yield* text.generate(request(first, { tools: [weather] }))
        const parts = yield* Schema.decodeUnknownEffect(Schema.Array(Response.Part()))(encoded)
        const call = parts.find((part) => part.type === "tool-call")
        const result = {
          type: "tool-result" as const,
          id: call?.id ?? "",
          name: "weather",
          isFailure: false,
          result: 21
        }
        const second = Prompt.concat(
          Prompt.concat(first, Prompt.fromResponseParts(parts)),
          Prompt.make([
            { role: "tool", content: [result] },
            { role: "user", content: prompts.question }
          ])
        )
        const answer = yield* text.generate(request(second, { tools: [weather] }))
        assert.strictEqual(said(answer), sixtyWords)
        const streamed = yield* Stream.runCollect(text.stream(request(second, { tools: [weather] })))
        assert.strictEqual(said(streamed), sixtyWords)
      })
  },
  "takes the results of parallel calls": {
    scene: "healthy",
    prove: ({ text }) =>
      Effect.gen(function* () {
        const calls = [
          { id: "call_a", name: "weather", params: city },
          { id: "call_b", name: "clock", params: { zone: "UTC" } }
        ]
        const asked = request(
          [
            { role: "user", content: prompts.tools },
            {
              role: "assistant",
              content: calls.map((call) => ({ type: "tool-call", providerExecuted: false, ...call }))
            },
            {
              role: "tool",
              content: calls.map(({ id, name }) => ({
                type: "tool-result",
                id,
                name,
                isFailure: false,
                result: { value: 21 }
              }))
            },
            { role: "user", content: prompts.question }
          ],
          { tools: [weather, clock] }
        )
        assert.strictEqual(said(yield* text.generate(asked)), sixtyWords)
      })
  },
  "answers by a JSON schema": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        const responseFormat = { type: "json", name: "weather", schema: weather.parameters } as const
        for (const parts of yield* both(stage, request(prompts.json, { responseFormat }))) {
          assert.deepStrictEqual(JSON.parse(said(parts)), city)
        }
      })
  },
  "shows a picture": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        const asked = request([
          {
            role: "user",
            content: [
              { type: "text", text: prompts.image },
              { type: "file", mediaType: "image/png", data: new Uint8Array(png) }
            ]
          }
        ])
        for (const parts of yield* both(stage, asked)) assert.strictEqual(said(parts), sixtyWords)
        const sent = stage.relay.connections.map((connection) => connection.sent()).join("\n")
        assert.strictEqual(sent.split(png.toString("base64")).length - 1, 2)
      })
  },
  "shows what the model thought": {
    scene: "healthy",
    prove: (stage) =>
      Effect.gen(function* () {
        for (const parts of yield* both(stage, request(prompts.think, { sampling: { reasoningEffort: "low" } }))) {
          assert.strictEqual(said(parts, "reasoning"), thought)
          assert.strictEqual(said(parts), sixtyWords)
          const kinds = parts.map((part) => part.type.split("-")[0])
          assert.isBelow(kinds.indexOf("reasoning"), kinds.indexOf("text"))
        }
      })
  },
  "embeds texts, in their order and in the length asked for": {
    scene: "healthy",
    prove: ({ lane, subject }) =>
      Effect.gen(function* () {
        if (!subject.embeds) return assert.isUndefined(lane.embed)
        const { vectors } = yield* lane.embed!.embed({ inputs: ["kelp", "rock", "kelp"], dimensions: 8 })
        assert.deepStrictEqual(
          vectors.map((vector) => vector.length),
          [8, 8, 8]
        )
        assert.deepStrictEqual(vectors[0], vectors[2])
        assert.notDeepEqual(vectors[0], vectors[1])
      })
  },
  "is checked for free": {
    scene: "healthy",
    prove: ({ lane }) => lane.check!
  },
  "is refused with another key": {
    scene: "healthy",
    prove: ({ relay, subject }) =>
      Effect.gen(function* () {
        const { text } = yield* subject.lane(relay.origin, "sk-contract-another-1")
        assert.strictEqual((yield* Effect.flip(text!.generate(ask)))._tag, "Authentication")
        assert.strictEqual((yield* Effect.flip(Stream.runDrain(text!.stream(ask))))._tag, "Authentication")
      })
  },
  "learns of a limit, and of the wait it asks for": {
    scene: "limited",
    prove: ({ text }) =>
      Effect.gen(function* () {
        for (const call of [text.generate(ask), Stream.runDrain(text.stream(ask))]) {
          const failure = yield* Effect.flip(call)
          assert.strictEqual(failure._tag, "RateLimit")
          assert.strictEqual(failure.status, 429)
          assert.deepStrictEqual(failure.retryAfter, wait)
        }
      })
  },
  "fails when the stream is cut, after what came": {
    scene: "cut",
    prove: ({ text }) =>
      Effect.gen(function* () {
        let heard = ""
        const exit = yield* Effect.result(
          Stream.runForEach(text.stream(ask), (part) =>
            Effect.sync(() => {
              heard += part.type === "text-delta" ? part.delta : ""
            })
          )
        )
        assert.isTrue(exit._tag === "Failure")
        if (exit._tag === "Failure") assert.include(["Network", "StreamTruncated"], exit.failure._tag)
        assert.isAbove(heard.length, 0)
        assert.isTrue(sixtyWords.startsWith(heard) && heard.length < sixtyWords.length, heard)
      })
  },
  "lets go of its socket before the headers, whole": {
    scene: "silent",
    prove: (stage) => letsGo(stage, () => stage.text.generate(ask), "asked")
  },
  "lets go of its socket before the headers, in a stream": {
    scene: "silent",
    prove: (stage) => letsGo(stage, () => Stream.runDrain(stage.text.stream(ask)), "asked")
  },
  "lets go of its socket in mid-stream": {
    scene: "slow",
    prove: (stage) =>
      letsGo(
        stage,
        (begun) =>
          Stream.runForEach(stage.text.stream(ask), (part) => (part.type === "text-delta" ? begun : Effect.void)),
        "begun"
      )
  },
  "lets go of its socket when nobody wants the rest": {
    scene: "slow",
    prove: ({ relay, text }) =>
      Effect.gen(function* () {
        const parts = text.stream(ask).pipe(Stream.filter((part) => part.type === "text-delta"))
        assert.strictEqual((yield* Stream.runCollect(Stream.take(parts, 2))).length, 2)
        const connection = yield* relay.first
        const start = performance.now()
        assert.strictEqual(yield* Deferred.await(connection.closed), "client")
        assert.isBelow(performance.now() - start, 250)
      })
  }
} as const satisfies { readonly [name: string]: Behaviour }

export type BehaviourName = keyof typeof behaviours

/** Behaviours that a server cannot show, and why. */
export type Gaps = { readonly [Name in BehaviourName]?: string }

/**
 * Holds the lane to the contract. A gap is run as well, and must show: a server that has learned better takes its line
 * out of the list.
 */
export const holds = (subject: Subject, host: Host, gaps: Gaps): void => {
  describe(`${subject.name} at ${host.name}`, () => {
    for (const [name, behaviour] of Object.entries<Behaviour>(behaviours)) {
      const gap = Object.entries(gaps).find(([of]) => of === name)?.[1]
      const play = Effect.gen(function* () {
        const relay = yield* Relay.make(yield* host.open(behaviour.scene))
        const lane = yield* subject.lane(relay.origin)
        yield* behaviour.prove({ subject, lane, text: lane.text!, relay })
      }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici), Effect.timeout("5 seconds"))
      if (gap === undefined) it.live(name, () => play)
      else {
        it.live(`${name}: not here, because ${gap}`, () =>
          Effect.map(Effect.exit(play), (exit) => assert.isTrue(Exit.isFailure(exit), "the gap is closed"))
        )
      }
    }
  })
}
