/** How a lane and a server that is well understand each other. */
import { assert } from "@effect/vitest"
import type { TextModel } from "@holdfast/core"
import { Effect, Schema, Stream } from "effect"
import { Prompt, Response } from "effect/ai"
import { sixtyWords } from "../../src/Healthy.ts"
import { ask, type Behaviour, city, countWords, prompts, request, type Stage, thought, weather } from "./Scene.ts"

const clock: TextModel.Tool = {
  name: "clock",
  parameters: { type: "object", properties: { zone: { type: "string" } }, required: ["zone"] }
}

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64"
)

type Part = Response.PartEncoded | Response.StreamPartEncoded

/** The parts of the answer, whole and streamed. */
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
  return last?.type === "finish" ? last : assert.fail("the last part is none that finishes")
}

const callsOf = (parts: ReadonlyArray<Part>) => parts.flatMap((part) => (part.type === "tool-call" ? [part] : []))

const assertTokens = (parts: ReadonlyArray<Part>, input: string, output: string) => {
  const { inputTokens, outputTokens } = finishOf(parts).usage
  assert.strictEqual(inputTokens.total, countWords(input))
  assert.strictEqual((outputTokens.total ?? 0) - (outputTokens.reasoning ?? 0), countWords(output))
}

export const answers = {
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
  }
} as const satisfies { readonly [name: string]: Behaviour }
