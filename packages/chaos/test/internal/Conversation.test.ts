import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FaultPlan from "../../src/FaultPlan.ts"
import { sixtyWords } from "../../src/Healthy.ts"
import * as Conversation from "../../src/internal/Conversation.ts"

const healthy = (input: FaultPlan.Input["healthy"] = {}) => FaultPlan.make({ healthy: input }).healthy

const conversation = (over: Partial<Conversation.Conversation> = {}): Conversation.Conversation => ({
  messages: [{ role: "user", text: "Say it" }],
  modelRole: "assistant",
  tools: [],
  toolChoice: "auto",
  maxWords: undefined,
  jsonSchema: undefined,
  ...over
})

const textOf = (completion: Conversation.Completion) => completion.chunks.join("")

const continuing = (text: string, modelRole: "assistant" | "model" = "assistant") =>
  Conversation.complete(
    conversation({
      modelRole,
      messages: [
        { role: "user", text: "Say it" },
        { role: modelRole, text }
      ]
    }),
    healthy(),
    undefined
  )

const weather = { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } }
const clock = { name: "clock", parameters: undefined }

describe("Conversation.complete", () => {
  it("says the sixty words, one to a chunk, and counts them", () => {
    const completion = Conversation.complete(conversation(), healthy(), undefined)
    assert.strictEqual(textOf(completion), sixtyWords)
    assert.strictEqual(completion.chunks.length, 60)
    assert.strictEqual(completion.chunks[1], " holdfast")
    assert.strictEqual(completion.promptWords, 2)
    assert.strictEqual(completion.completionWords, 60)
    assert.strictEqual(completion.finish, "stop")
  })

  it("says that it took the tokens it is told to", () => {
    const completion = Conversation.complete(conversation(), healthy({ usage: { input: 700, output: 31 } }), undefined)
    assert.strictEqual(textOf(completion), sixtyWords)
    assert.deepStrictEqual([completion.promptWords, completion.completionWords], [700, 31])
  })

  const size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 70 }))
  it.prop("chunks of any size join to the same text", [size], ([wordsPerChunk]) => {
    const completion = Conversation.complete(conversation(), healthy({ wordsPerChunk }), undefined)
    assert.strictEqual(textOf(completion), sixtyWords)
    assert.strictEqual(completion.chunks.length, Math.ceil(60 / wordsPerChunk))
  })

  it("echoes the last user message", () => {
    const completion = Conversation.complete(conversation(), healthy({ reply: { _tag: "Echo" } }), undefined)
    assert.strictEqual(textOf(completion), "You said: Say it")
  })

  it("quotes the numbered line that the question is about, and says so when there is none", () => {
    const ask = (question: string) =>
      textOf(
        Conversation.complete(
          conversation({
            messages: [
              {
                role: "system",
                text: "Sources:\n[1] Kelp: Blades float. A holdfast grips the rock.\n[2] Otters: They eat urchins."
              },
              { role: "user", text: question }
            ]
          }),
          healthy({ reply: { _tag: "Quote" } }),
          undefined
        )
      )
    assert.strictEqual(ask("What grips the rock?"), "A holdfast grips the rock. [1]")
    assert.strictEqual(ask("Who eats urchins?"), "Otters: They eat urchins. [2]")
    assert.strictEqual(ask("Why?"), "I do not know.")
  })

  const cut = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: sixtyWords.length - 1 }))
  it.prop("continues any true prefix of its answer without losing or doubling a character", [cut], ([at]) => {
    const prefix = sixtyWords.slice(0, at)
    assert.strictEqual(prefix + textOf(continuing(prefix)), sixtyWords)
    assert.strictEqual(prefix + textOf(continuing(prefix, "model")), sixtyWords)
  })

  it("continues a prefix that was padded with white space", () => {
    assert.strictEqual(textOf(continuing("  A holdfast\n")), sixtyWords.slice("A holdfast".length))
  })

  it("counts only what it adds to a prefix", () => {
    const completion = continuing(sixtyWords.split(" ").slice(0, 40).join(" "))
    assert.strictEqual(completion.promptWords, 42)
    assert.strictEqual(completion.completionWords, 20)
  })

  it("starts over when the last message is not a true prefix", () => {
    assert.strictEqual(textOf(continuing("Something else")), sixtyWords)
    assert.strictEqual(textOf(continuing(sixtyWords)), sixtyWords)
  })

  it("stops at the limit of words and says so", () => {
    const short = Conversation.complete(conversation({ maxWords: 3 }), healthy(), undefined)
    assert.strictEqual(textOf(short), "A holdfast is")
    assert.strictEqual(short.finish, "length")
    assert.strictEqual(Conversation.complete(conversation({ maxWords: 60 }), healthy(), undefined).finish, "stop")
  })

  it("is stopped for safety after so many chunks, even before a tool call", () => {
    const blocked = Conversation.complete(conversation({ tools: [weather], toolChoice: "any" }), healthy(), 2)
    assert.strictEqual(textOf(blocked), "A holdfast")
    assert.strictEqual(blocked.finish, "filter")
    assert.deepStrictEqual(blocked.calls, [])
  })

  it("calls a tool when it must, when it is told to in words, and not otherwise", () => {
    const toolOf = (over: Partial<Conversation.Conversation>) =>
      Conversation.complete(conversation({ tools: [weather, clock], ...over }), healthy(), undefined).calls[0]?.name
    const asking = [{ role: "user", text: "Please Use The Tool now" }]
    assert.isUndefined(toolOf({}))
    assert.strictEqual(toolOf({ toolChoice: "any" }), "weather")
    assert.strictEqual(toolOf({ toolChoice: { name: "clock" } }), "clock")
    assert.strictEqual(toolOf({ messages: asking }), "weather")
    assert.isUndefined(toolOf({ messages: asking, toolChoice: "none" }))
    assert.isUndefined(toolOf({ messages: asking, tools: [] }))
    const asked = conversation({ tools: [weather, clock], messages: [{ role: "user", text: "Use the tools" }] })
    assert.deepStrictEqual(
      Conversation.complete(asked, healthy(), undefined).calls.map(({ name }) => name),
      ["weather", "clock"]
    )
    // The tool's result has come back: the model answers.
    assert.isUndefined(toolOf({ messages: [...asking, { role: "tool", text: "rain" }] }))
  })

  it("answers with JSON where a schema asks for it", () => {
    const completion = Conversation.complete(conversation({ jsonSchema: weather.parameters }), healthy(), undefined)
    assert.deepStrictEqual(JSON.parse(textOf(completion)), { city: "sample" })
  })
})
