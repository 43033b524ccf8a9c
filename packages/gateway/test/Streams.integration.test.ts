/** Streams that break, wait or go on, as raw bytes and as two independent SDKs read them. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { assert, layer } from "@effect/vitest"
import { streamText } from "ai"
import { Effect } from "effect"
import { Healthy, type FaultPlan } from "@holdfast/chaos"
import { embedded, question, start } from "./Harness.ts"

type Gateway = Effect.Success<ReturnType<typeof start>>

const once = (fault: NonNullable<FaultPlan.Input["rules"]>[number]["fault"]): FaultPlan.Input => ({
  rules: [{ when: { requests: { to: 1 } }, fault }]
})
const down: FaultPlan.Input = { rules: [{ fault: { _tag: "ServiceUnavailable" } }] }
const cut = once({ _tag: "Truncate", after: 40 })
const going = (onFailure: string) => ({ policy: { stream: { onFailure } } })

/** All that comes, as it comes. */
const raw = ({ url }: Gateway, headers: { readonly [name: string]: string } = {}, fields: object = {}) =>
  Effect.promise(async () => {
    const body = JSON.stringify({ ...question, stream: true, stream_options: { include_usage: true }, ...fields })
    const response = await fetch(`${url}/v1/chat/completions`, { method: "POST", body, headers })
    const text = await response.text()
    const events = text
      .split("\n\n")
      .filter((event) => event.startsWith("data: {"))
      .map((event): Chunk => JSON.parse(event.slice(6)))
    return { status: response.status, headers: response.headers, text, events }
  })
interface Chunk {
  readonly model?: string
  readonly choices?: ReadonlyArray<{
    readonly delta: {
      readonly content?: string
      readonly tool_calls?: ReadonlyArray<{ readonly function: { readonly name?: string; readonly arguments: string } }>
    }
    readonly finish_reason?: string | null
  }>
  readonly error?: { readonly code: string }
  readonly holdfast?: object
}
const said = (events: ReadonlyArray<Chunk>) => events.map((event) => event.choices?.[0]?.delta.content ?? "").join("")

/** What each SDK makes of the stream: the text, and whether it came to its end. */
const sdks: {
  readonly [name: string]: (gateway: Gateway) => Promise<{ readonly text: string; readonly end: string }>
} = {
  openai: async ({ client }) => {
    let text = ""
    let end = "none"
    try {
      for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) {
        text += chunk.choices[0]?.delta.content ?? ""
        end = chunk.choices[0]?.finish_reason ?? end
      }
      return { text, end }
    } catch {
      return { text, end: "error" }
    }
  },
  "ai-sdk": async ({ url }) => {
    const provider = createOpenAICompatible({ name: "holdfast", baseURL: `${url}/v1`, apiKey: "any" })
    let text = ""
    let end = "none"
    const { stream } = streamText({
      model: provider.chatModel("chat"),
      prompt: "Why does kelp not float away?",
      maxRetries: 0,
      onError: () => undefined
    })
    for await (const part of stream) {
      if (part.type === "text-delta") text += part.text
      if (part.type === "error") end = "error"
      if (part.type === "finish" && end === "none") end = part.finishReason
    }
    return { text, end }
  }
}

const forty = Healthy.sixtyWords.split(" ").slice(0, 40).join(" ")

layer(embedded, { excludeTestServices: true })("a stream of the gateway", (it) => {
  it.effect.each([
    ["is whole", {}, { text: Healthy.sixtyWords, end: "stop" }],
    [
      "is answered by the next lane before its first content",
      { gemini: down },
      { text: Healthy.sixtyWords, end: "stop" }
    ],
    ["is refused", { gemini: down, openAi: down }, { text: "", end: "error" }],
    ["is cut after its first content", { gemini: cut }, { text: forty, end: "error" }],
    [
      "ends without an end",
      { gemini: once({ _tag: "Truncate", after: 40, ending: "clean" }) },
      { text: forty, end: "error" }
    ],
    [
      "says in the middle that it has failed",
      { gemini: once({ _tag: "StreamError", after: 40 }) },
      { text: forty, end: "error" }
    ],
    [
      "says in its first event that it has failed",
      { gemini: once({ _tag: "StreamError", after: 0, error: "RateLimit" }) },
      { text: Healthy.sixtyWords, end: "stop" }
    ],
    ["stalls", { gemini: once({ _tag: "Stall", after: 40, for: "5 seconds" }) }, { text: forty, end: "error" }],
    ["is cut, and gone on with", { gemini: cut, ...going("continue") }, { text: Healthy.sixtyWords, end: "stop" }],
    [
      "stalls, and is gone on with",
      { gemini: once({ _tag: "Stall", after: 40, for: "5 seconds" }), ...going("continue") },
      { text: Healthy.sixtyWords, end: "stop" }
    ],
    ["may begin anew, but not for this caller", { gemini: cut, ...going("restart") }, { text: forty, end: "error" }],
    [
      "is served before it has content, and fails then",
      { gemini: down, openAi: down, server: { streamHeadersAfter: "1 millis" } },
      { text: "", end: "error" }
    ],
    [
      "is served before it has content",
      {
        gemini: once({ _tag: "SlowFirstByte", delay: "200 millis" }),
        server: { streamHeadersAfter: "20 millis", streamHeartbeat: "30 millis" }
      },
      { text: Healthy.sixtyWords, end: "stop" }
    ]
  ] as const)("that %s is well formed for every SDK", ([, options, expected]) =>
    Effect.gen(function* () {
      for (const [name, read] of Object.entries(sdks)) {
        const result = yield* Effect.scoped(
          Effect.flatMap(start(options), (gateway) => Effect.promise(() => read(gateway)))
        )
        assert.deepStrictEqual(result, expected, name)
      }
    })
  )

  it.effect("ends with an error event and no [DONE] when it breaks after its first content", () =>
    Effect.gen(function* () {
      const { events, status, text } = yield* raw(yield* start({ gemini: cut }))
      assert.strictEqual(status, 200)
      assert.strictEqual(said(events), forty)
      assert.isDefined(events.at(-1)?.error)
      assert.notInclude(text, "[DONE]")
      assert.notInclude(text, '"finish_reason":"stop"')
    })
  )

  it.effect("that is gone on with says whose it is", () =>
    Effect.gen(function* () {
      const gateway = yield* start({ gemini: cut, ...going("continue") })
      const { events, headers, text } = yield* raw(gateway)
      assert.strictEqual(said(events), Healthy.sixtyWords)
      assert.strictEqual(headers.get("x-holdfast-lane"), "gemini/gemini-3.5-flash")
      const finish = events.find((event) => event.choices?.[0]?.finish_reason === "stop")
      assert.deepStrictEqual(finish?.holdfast, { continued_from: ["gemini/gemini-3.5-flash"], usage_estimated: true })
      // Each chunk names the model that speaks.
      assert.include(events[0]?.model, "gemini")
      assert.include(finish?.model, "gpt-4o-mini")
      assert.strictEqual(text.split("[DONE]").length, 2)
      assert.deepStrictEqual([(yield* gateway.gemini.journal).length, (yield* gateway.openAi.journal).length], [1, 1])
    })
  )

  it.effect("begins anew for a caller who accepts it, and for nobody else", () =>
    Effect.gen(function* () {
      const accepting = yield* raw(yield* start({ gemini: cut, ...going("restart") }), {
        "x-holdfast-restart": "accept"
      })
      const at = accepting.events.findIndex((event) => event.holdfast !== undefined)
      assert.deepStrictEqual(accepting.events[at]?.holdfast, {
        restarted: { from: "gemini/gemini-3.5-flash", reason: "Network" }
      })
      assert.strictEqual(said(accepting.events.slice(0, at)), forty)
      assert.strictEqual(said(accepting.events.slice(at)), Healthy.sixtyWords)
      assert.include(accepting.text, "[DONE]")
      const wrong = yield* raw(yield* start(), { "x-holdfast-restart": "yes" })
      assert.deepStrictEqual([wrong.status, JSON.parse(wrong.text).error.code], [400, "invalid_header"])
    })
  )

  it.effect.each([
    ["takes its own turn", {}, ["model"]],
    [
      "rejects its own turn",
      { rules: [{ when: { lastRole: "model" }, fault: { _tag: "InvalidRequest" } }] },
      ["model", "user"]
    ]
  ] as const)("is gone on with by a model that %s, in any script", ([, plan, roles]) =>
    Effect.gen(function* () {
      const text = "海带不会漂走，因为它有固着器。Das hält: 👩‍🚀 naïve Füße halten fest. Ende gut, alles gut."
      const healthy = { reply: { _tag: "Fixed", text } } as const
      const rule = { fault: { _tag: "Truncate", after: 5 } } as const
      const gateway = yield* start({
        openAi: { healthy, rules: [rule] },
        gemini: { healthy, ...plan },
        ...going("continue")
      })
      const { events } = yield* raw(gateway, {}, { model: "back" })
      assert.strictEqual(said(events), text)
      assert.deepStrictEqual(
        (yield* gateway.gemini.journal).map(({ lastRole }) => lastRole),
        [...roles]
      )
    })
  )

  const calling = {
    tools: [
      {
        type: "function",
        function: {
          name: "note",
          parameters: { type: "object", properties: { text: { enum: ["data: [DONE]\n\n"] } }, required: ["text"] }
        }
      }
    ],
    tool_choice: "required"
  }

  it.effect("carries [DONE] in the arguments of a tool to its end", () =>
    Effect.gen(function* () {
      for (const model of ["chat", "back"]) {
        const { events } = yield* raw(yield* start(), {}, { ...calling, model })
        const calls = events.flatMap((event) => event.choices?.[0]?.delta.tool_calls ?? [])
        assert.deepStrictEqual(JSON.parse(calls.map((call) => call.function.arguments).join("")), {
          text: "data: [DONE]\n\n"
        })
        assert.strictEqual(events.filter((event) => event.choices?.[0]?.finish_reason === "tool_calls").length, 1)
      }
    })
  )

  it.effect("that breaks behind a tool call is never gone on with: nobody calls the tool again", () =>
    Effect.gen(function* () {
      for (const model of ["chat", "back"]) {
        const broken: FaultPlan.Input = { rules: [{ fault: { _tag: "Truncate", after: 1 } }] }
        const gateway = yield* start({ gemini: broken, openAi: broken, ...going("continue") })
        const { events, text } = yield* raw(gateway, {}, { ...calling, model })
        const names = events
          .flatMap((event) => event.choices?.[0]?.delta.tool_calls ?? [])
          .flatMap((call) => call.function.name ?? [])
        assert.deepStrictEqual(names, ["note"])
        assert.isDefined(events.at(-1)?.error)
        assert.notInclude(text, "\n\ndata: [DONE]")
        assert.strictEqual((yield* gateway.gemini.journal).length + (yield* gateway.openAi.journal).length, 1)
      }
    })
  )

  it.effect("is kept alive by comments while it is silent", () =>
    Effect.gen(function* () {
      const gemini = once({ _tag: "Stall", after: 40, for: "250 millis", afterwards: "continue" })
      const { events, text } = yield* raw(yield* start({ gemini, server: { streamHeartbeat: "40 millis" } }))
      assert.include(text, "\n\n: keep-alive\n\n")
      assert.strictEqual(said(events), Healthy.sixtyWords)
    })
  )

  it.effect("waits with its status for its first content, unless it is to have headers before", () =>
    Effect.gen(function* () {
      const late = yield* raw(yield* start({ gemini: down, openAi: down }))
      assert.strictEqual(late.status, 503)
      assert.strictEqual(late.headers.get("x-holdfast-attempts"), "6")
      const options = { gemini: down, openAi: down, server: { streamHeadersAfter: "1 millis" } }
      const early = yield* raw(yield* start(options))
      assert.strictEqual(early.status, 200)
      assert.deepStrictEqual(
        early.events.map(({ error }) => error?.code),
        ["all_lanes_failed"]
      )
      assert.notInclude(early.text, "[DONE]")
      const slow = once({ _tag: "SlowFirstByte", delay: "200 millis" })
      const served = yield* raw(yield* start({ gemini: slow, server: { streamHeadersAfter: "20 millis" } }))
      assert.isNull(served.headers.get("x-holdfast-lane"))
      assert.match(served.text, /^: \{[^\n]*"x-holdfast-lane":"gemini\/gemini-3.5-flash"[^\n]*\}\n\ndata: /)
    })
  )
})
