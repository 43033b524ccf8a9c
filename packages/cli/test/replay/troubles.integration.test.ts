/** What can go wrong with one call: the simulator and the wire have to make the same failure of it. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { Prompt } from "effect/ai"
import { EventBus, Policy, type TextModel } from "@holdfast/core"
import * as Lanes from "@holdfast/gateway/Lanes"
import * as ProviderHttp from "@holdfast/gateway/ProviderHttp"
import { Replay, type Result, Scenario, Simulation, Subject } from "@holdfast/simulator"
import * as Emulators from "../../src/replay/Emulators.ts"
import * as Stage from "../../src/replay/Stage.ts"

const lanes = ["openai/gpt-mini", "gemini/gemini-flash", "anthropic/claude-haiku", "elsewhere/kelp-1"] as const

/** One provider that does this to every call, and callers that ask it once. */
const storm = (lane: string, streams: number, provider: Partial<Scenario.Input["providers"][string]>) =>
  Effect.orDie(
    Scenario.fromUnknown(
      {
        duration: "4 seconds",
        workload: {
          arrivals: { recorded: ["0 seconds", "100 millis", "200 millis", "300 millis"] },
          deadline: "8 seconds",
          streams,
          tokens: { in: 20, out: 240 }
        },
        providers: { [lane]: { latency: { constant: "100 millis" }, tokensPerSecond: 60, ...provider } }
      },
      "the test",
      "test"
    )
  )

/** The lane alone, as the gateway makes it, without a pipeline around it. */
const bare = Effect.fnUntraced(function* (providers: ReadonlyArray<Replay.Provider>) {
  const config = Stage.configOf(Policy.interactive, providers, yield* Emulators.start(providers))
  const context = yield* Layer.build(Layer.mergeAll(ProviderHttp.layer, EventBus.layer))
  const { text } = yield* Lanes.make(config, providers[0]?.lane ?? "").pipe(
    Effect.provide(Stage.environment),
    Effect.provideContext(context)
  )
  if (text === undefined) return yield* Effect.die("the lane generates text")
  const ask: Replay.Stage<{ readonly _tag: string }, never>["ask"] = (asked, onContent) => {
    const request: TextModel.Request = {
      prompt: Prompt.make(asked.text),
      tools: [],
      toolChoice: "auto",
      responseFormat: { type: "text" },
      sampling: { maxOutputTokens: asked.job.outputTokens }
    }
    return asked.job.isStream
      ? Stream.runForEach(text.stream(request), (part) =>
          Effect.sync(() => {
            if (part.type === "text-delta") onContent()
          })
        )
      : Effect.asVoid(text.generate(request))
  }
  return { ask, events: Context.get(context, EventBus.EventBus) }
})

const both = Effect.fnUntraced(function* (scenario: Scenario.Scenario) {
  const virtual = yield* Simulation.run(scenario, Subject.none)
  const real = yield* Replay.run(scenario, { policy: "none" }, bare)
  return { virtual, real }
})

/** Long after all have come, also on a busy machine, and long before their answers are complete. */
const outage = { at: "2500 millis", for: "2 seconds" } as const
const troubles: Readonly<Record<string, Partial<Scenario.Input["providers"][string]>>> = {
  ...Object.fromEntries(
    Scenario.Trouble.literals
      .filter((kind) => kind !== "unreachable")
      .map((kind) => [kind, { errors: { [kind]: 1 } }] as const)
  ),
  "a limit with a hint": { limits: { requestsPerMinute: 1, window: "1 minute" } },
  "a network that goes down under the answers": { outages: [{ ...outage, kind: "network" }] },
  "a provider that goes down under the answers": { outages: [{ ...outage, kind: "service-unavailable" }] },
  "a provider that goes down before it answers": {
    latency: { constant: "4 seconds" },
    outages: [{ ...outage, kind: "network" }]
  },
  "a provider that hangs in the middle": { outages: [{ ...outage, kind: "hang" }] },
  nothing: {}
}

describe("a replay of", { timeout: 120_000, concurrent: true }, () => {
  for (const [name, provider] of Object.entries(troubles)) {
    it.live(name, () =>
      Effect.gen(function* () {
        const asked = lanes.flatMap((lane) => [0, 1].map((streams) => ({ lane, streams })))
        const seen = yield* Effect.forEach(
          asked,
          ({ lane, streams }) => Effect.flatMap(storm(lane, streams, provider), both),
          { concurrency: "unbounded" }
        )
        const told = (of: (one: (typeof seen)[number]) => Result.Result) =>
          Object.fromEntries(
            seen.map((one, index) => {
              const { lane = "", streams = 0 } = asked[index] ?? {}
              const { failures, succeeded } = of(one)
              return [`${lane}${streams === 1 ? ", streamed" : ""}`, { failures, succeeded }]
            })
          )
        assert.deepStrictEqual(
          told(({ real }) => real),
          told(({ virtual }) => virtual)
        )
      })
    )
  }
})
