import { assert, describe, it } from "@effect/vitest"
import * as Headline from "../../src/admin/Headline.ts"
import type * as Model from "../../src/admin/Model.ts"

type Input = Headline.Input
type Lane = Input["lanes"][number]

const closed = (circuit: string): Model.Circuit => ({ circuit, state: "closed", failures: 0, refused: 0, holds: [] })

const gemini: Lane = {
  lane: "gemini/flash",
  provider: "gemini",
  status: "healthy",
  calls: 100,
  successRate: 1,
  errors: {},
  circuit: closed("gemini/flash"),
  wider: []
}
const openAi: Lane = { ...gemini, lane: "openai/mini", provider: "openai", circuit: closed("openai/mini") }
const embedder: Lane = { ...openAi, lane: "openai/embed", circuit: closed("openai/embed") }

const chat: Input["routes"][number] = {
  route: "chat",
  lanes: ["gemini/flash", "openai/mini"],
  operations: 100,
  results: { Success: 100 },
  answers: { "gemini/flash": 100 },
  degraded: 0
}
const mostlyOpenAi = { ...chat, answers: { "openai/mini": 92, "gemini/flash": 8 }, degraded: 92 }
const idle = { ...chat, operations: 0, results: {}, answers: {} }

const open = (lane: Lane, more: Partial<Model.Circuit> = {}): Lane => ({
  ...lane,
  circuit: { ...lane.circuit, state: "open", failures: 5, reason: "consecutive", probeAt: 1405, ...more }
})
const held = (lane: Lane, mode: Model.HoldMode, more: Partial<Model.Hold> = {}): Lane => ({
  ...lane,
  circuit: {
    ...lane.circuit,
    holds: [
      { circuit: lane.lane, mode, reason: "a bad release", by: "Ada", since: 1, drain: false, isKept: true, ...more }
    ]
  }
})

const ok = { status: "ok", pending: 0 } as const

/** What is wrong, what is said. `1405` is written `14:05`. */
const table: ReadonlyArray<readonly [string, Partial<Input>, string]> = [
  ["all well", {}, "well|All well: 100 % of 100 operations in the last 5 minutes answered; 2 lanes ready."],
  [
    "all well again, after others answered",
    { routes: [mostlyOpenAi] },
    "well|All well: 100 % of 100 operations in the last 5 minutes answered, 92 % of them by a fallback; 2 lanes ready."
  ],
  [
    "callers that left count as nothing",
    { routes: [{ ...chat, operations: 110, results: { Success: 100, Cancelled: 10 } }] },
    "well|All well: 100 % of 110 operations in the last 5 minutes answered; 2 lanes ready."
  ],
  ["idle", { routes: [idle] }, "idle|Idle: nothing was asked in the last 5 minutes; 2 lanes ready."],
  [
    "rate-limited",
    { lanes: [{ ...gemini, coolingUntil: 1405 }, openAi], routes: [mostlyOpenAi] },
    "degraded|Degraded: Gemini is rate-limited until 14:05; 92 % of chat is answered by OpenAI."
  ],
  [
    "one circuit open",
    {
      lanes: [open({ ...gemini, errors: { RateLimit: 7, ModelOverloaded: 5, Timeout: 1 } }), openAi],
      routes: [mostlyOpenAi]
    },
    "degraded|Degraded: Gemini is overloaded, next probe at 14:05; 92 % of chat is answered by OpenAI."
  ],
  [
    "a provider with several lanes is named by the lane in trouble",
    { lanes: [gemini, open({ ...openAi, errors: { Network: 5 } }), embedder] },
    "degraded|Degraded: openai/mini is out of reach, next probe at 14:05."
  ],
  [
    "slow calls",
    { lanes: [open(gemini, { reason: "slow" }), openAi] },
    "degraded|Degraded: Gemini is too slow, next probe at 14:05."
  ],
  [
    "a refused key",
    {
      lanes: [{ ...gemini, wider: [{ ...closed("credential:gemini"), state: "open", probeAt: 1405 }] }, openAi]
    },
    "degraded|Degraded: Gemini is refused with its key, next probe at 14:05."
  ],
  [
    "a probe is out",
    { lanes: [{ ...gemini, circuit: { ...gemini.circuit, state: "half-open" } }, openAi] },
    "degraded|Degraded: Gemini is being probed."
  ],
  [
    "a lane that fails now and then, with its circuit closed",
    { lanes: [{ ...gemini, status: "degraded", successRate: 0.9, errors: { ServiceUnavailable: 10 } }, openAi] },
    "degraded|Degraded: Gemini fails 10 % of its calls, mostly with service unavailable."
  ],
  [
    "a few failures say too little",
    { lanes: [{ ...gemini, calls: 3, status: "unhealthy", successRate: 0 }, openAi] },
    "well|All well: 100 % of 100 operations in the last 5 minutes answered; 2 lanes ready."
  ],
  [
    "callers notice",
    { lanes: [open(gemini), openAi], routes: [{ ...chat, results: { Success: 90, AllLanesFailed: 10 } }] },
    "degraded|Degraded: Gemini is failing, next probe at 14:05; 10 % of chat fails."
  ],
  [
    "callers notice, whatever the lanes say",
    { routes: [{ ...chat, results: { Success: 90, DeadlineExceeded: 10 } }] },
    "degraded|Degraded: 10 % of chat fails."
  ],
  [
    "two lanes in trouble, another one of the route left",
    {
      lanes: [
        open(gemini),
        open(openAi),
        { ...gemini, lane: "local/llama", provider: "local", circuit: closed("local/llama") }
      ],
      routes: [{ ...chat, lanes: [...chat.lanes, "local/llama"], answers: { "local/llama": 100 } }]
    },
    "degraded|Degraded: Gemini is failing, next probe at 14:05; OpenAI is failing, next probe at 14:05; 100 % of chat is answered by local."
  ],
  [
    "three lanes in trouble, another one of the route left",
    {
      lanes: [
        open(gemini),
        open(openAi),
        open({ ...gemini, lane: "acme/a", provider: "acme" }),
        { ...gemini, lane: "local/llama", provider: "local", circuit: closed("local/llama") }
      ],
      routes: [{ ...chat, lanes: [...chat.lanes, "local/llama"], answers: { "local/llama": 100 } }]
    },
    "degraded|Degraded: Gemini is failing, next probe at 14:05; 2 more lanes are not well; 100 % of chat is answered by local."
  ],
  [
    "every lane is down",
    { lanes: [open(gemini), open(openAi, { probeAt: 1404 })] },
    "down|Down: no lane of chat can be called; the next probe is at 14:04."
  ],
  [
    "the only lane of one of two routes is down",
    { lanes: [gemini, openAi, open(embedder)], routes: [chat, { ...idle, route: "embed", lanes: ["openai/embed"] }] },
    "down|Down: no lane of embed can be called; the next probe is at 14:05."
  ],
  [
    "down with nobody asking is down, not idle",
    { lanes: [open(gemini), open(openAi)], routes: [idle] },
    "down|Down: no lane of chat can be called; the next probe is at 14:05."
  ],
  [
    "everything is down",
    {
      lanes: [open(gemini), open(openAi), open(embedder)],
      routes: [chat, { ...idle, route: "embed", lanes: ["openai/embed"] }]
    },
    "down|Down: no lane of any route can be called; the next probe is at 14:05."
  ],
  [
    "held open by a person",
    { lanes: [held(gemini, "force-open"), openAi], routes: [mostlyOpenAi] },
    "degraded|Degraded: Gemini is held open by Ada (a bad release); 92 % of chat is answered by OpenAI."
  ],
  [
    "drained by a person",
    { lanes: [held(gemini, "force-open", { drain: true }), openAi] },
    "degraded|Degraded: Gemini is drained by Ada (a bad release)."
  ],
  [
    "a person's decision comes before a failing lane",
    { lanes: [open(gemini), held(openAi, "force-closed")] },
    "degraded|Degraded: OpenAI is held closed by Ada (a bad release); Gemini is failing, next probe at 14:05."
  ],
  [
    "an open circuit that is only observed lets calls through",
    { lanes: [held(open(gemini), "observe"), open(openAi)] },
    "degraded|Degraded: OpenAI is failing, next probe at 14:05; Gemini is failing, next probe at 14:05."
  ],
  [
    "down because a person holds the last lane",
    { lanes: [open(gemini), held(openAi, "force-open", { by: undefined })] },
    "down|Down: no lane of chat can be called; the next probe is at 14:05; openai/mini is held by a person (a bad release)."
  ],
  [
    "the store is away",
    { store: { status: "away", pending: 1234 } },
    "degraded|Degraded: every lane is well; the store is away, 1,234 rows wait."
  ],
  [
    "the store is away in a storm",
    { lanes: [open(gemini), openAi], store: { status: "away", pending: 1 } },
    "degraded|Degraded: Gemini is failing, next probe at 14:05; the store is away, 1 row waits."
  ],
  [
    "answers from the cache",
    { lanes: [open(gemini), openAi], routes: [{ ...chat, answers: { cache: 60, "openai/mini": 40 } }] },
    "degraded|Degraded: Gemini is failing, next probe at 14:05; 60 % of chat is answered by the cache."
  ],
  [
    "nearly all is not all",
    { routes: [{ ...chat, operations: 10_000, results: { Success: 9_999, AllLanesFailed: 1 } }] },
    "well|All well: 99.9 % of 10,000 operations in the last 5 minutes answered; 2 lanes ready."
  ]
]

describe("the sentence at the top", () => {
  for (const [what, state, said] of table) {
    it(`in words: ${what}`, () => {
      const headline = Headline.of({ lanes: [gemini, openAi], routes: [chat], store: ok, ...state })
      const clock = (at: number) => `${Math.floor(at / 100)}:${String(at % 100).padStart(2, "0")}`
      assert.strictEqual(`${headline.tone}|${Headline.toText(headline, clock)}`, said)
    })
  }
})
