import { assert, describe, it } from "@effect/vitest"
import { judge, type Verdict } from "../../../src/internal/bench/judge.ts"
import type { Answer, Attempt, Failed, Hung, Observation, Reply } from "../../../src/internal/bench/Observation.ts"
import { answer, scenarios } from "../../../src/internal/bench/Scenario.ts"

const whole: Answer = {
  _tag: "Answer",
  text: answer,
  model: "fb-ok",
  hasUsage: true,
  firstText: 0.1,
  sentAt: 0,
  elapsed: 1
}
const failed: Failed = { _tag: "Failed", reason: "503", sentAt: 0, elapsed: 1 }
const hung: Hung = { _tag: "Hung", sentAt: 0, elapsed: 21 }
const cut: Answer = { ...whole, text: answer.split(" ").slice(0, 40).join(" ") }

const primary = (at: number, more: Partial<Attempt> = {}): Attempt => ({
  at,
  lane: "primary",
  status: 503,
  size: 100,
  prefillRefused: false,
  ...more
})
const fallback = (more: Partial<Attempt> = {}): Attempt => ({ ...primary(5), lane: "fallback", status: 200, ...more })
const primaries = (...at: ReadonlyArray<number>) => at.map((second) => primary(second))

const seen = (reply: Reply, attempts: ReadonlyArray<Attempt>, alive = true): Observation => ({
  replies: [reply],
  attempts,
  alive
})

/** S15: twenty requests, 4 s apart, the outage over at 60 s. */
const flap = (
  reply: (sentAt: number) => Reply,
  attempts: ReadonlyArray<Attempt> = [primary(0), primary(61, { status: 200 })]
): Observation => ({
  replies: Array.from({ length: 20 }, (_, n) => ({ ...reply(n * 4), sentAt: n * 4 })),
  attempts,
  alive: true
})

const cases: Record<string, ReadonlyArray<readonly [Verdict, string, Observation]>> = {
  S01: [
    ["pass", "waited as asked", seen(whole, primaries(0, 2))],
    ["partial", "failed over at once", seen(whole, [primary(0), fallback()])],
    ["partial", "came back early", seen(whole, primaries(0, 1))],
    ["safe", "an error", seen(failed, primaries(0, 2))],
    ["fail", "hammered", seen(whole, primaries(0, 0.4, 0.8))],
    ["fail", "a third of the answer, as if whole", seen(cut, primaries(0, 2))],
    ["fail", "hung", seen(hung, primaries(0))]
  ],
  S02: [
    ["pass", "the fallback answered", seen(whole, [...primaries(0, 1, 3), fallback()])],
    ["safe", "an error", seen(failed, primaries(0, 1, 3))],
    ["fail", "five at once", seen(whole, primaries(0, 0.1, 0.2, 0.3, 0.4))],
    ["fail", "seven in all", seen(failed, primaries(0, 2, 4, 8, 16, 20, 24))]
  ],
  S03: [
    ["pass", "retried", seen(whole, primaries(0, 1))],
    ["partial", "failed over without a retry", seen(whole, [primary(0), fallback()])],
    ["safe", "an error", seen(failed, primaries(0))]
  ],
  S04: [
    ["pass", "six attempts", seen(whole, primaries(0, 1, 2, 3, 4, 5))],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "seven attempts", seen(whole, primaries(0, 1, 2, 3, 4, 5, 6))]
  ],
  S05: [
    ["pass", "retried", seen(whole, primaries(0, 1))],
    ["safe", "an error", seen(failed, primaries(0))]
  ],
  S06: [
    ["pass", "one attempt, then the fallback", seen({ ...whole, elapsed: 31 }, [primary(0), fallback()])],
    ["partial", "the silent one asked twice", seen({ ...whole, elapsed: 61 }, primaries(0, 30))],
    ["safe", "an error in time", seen({ ...failed, elapsed: 30 }, primaries(0))],
    ["fail", "an answer too late", seen({ ...whole, elapsed: 101 }, primaries(0))],
    ["fail", "an error too late", seen({ ...failed, elapsed: 121 }, primaries(0))]
  ],
  S07: [
    ["pass", "in time", seen({ ...whole, elapsed: 11 }, primaries(0))],
    ["partial", "waited for the slow one", seen({ ...whole, elapsed: 21 }, primaries(0))],
    ["safe", "an error", seen(failed, primaries(0))]
  ],
  S08: [
    ["pass", "all the words, spaced otherwise", seen({ ...whole, text: answer.replaceAll(" ", "  ") }, primaries(0))],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "forty words as if whole", seen(cut, primaries(0))],
    ["fail", "words said twice", seen({ ...whole, text: `${cut.text} ${answer}` }, primaries(0))]
  ],
  S09: [
    ["pass", "continued", seen({ ...whole, elapsed: 12 }, primaries(0))],
    ["safe", "an error in time", seen({ ...failed, elapsed: 12 }, primaries(0))],
    ["fail", "too late", seen({ ...failed, elapsed: 46 }, primaries(0))],
    ["fail", "dead afterwards", seen(whole, primaries(0), false)]
  ],
  S10: [
    ["pass", "all the words", seen(whole, primaries(0))],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "dead afterwards", seen(failed, primaries(0), false)],
    ["fail", "altered text", seen({ ...whole, text: answer.replace("kelp", "ke") }, primaries(0))]
  ],
  S11: [
    ["pass", "in time, with usage", seen(whole, primaries(0))],
    ["partial", "no usage", seen({ ...whole, hasUsage: false }, primaries(0))],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "waited for [DONE]", seen({ ...whole, elapsed: 9 }, primaries(0))]
  ],
  S12: [
    ["pass", "the larger window answered", seen(whole, [primary(0), fallback()])],
    ["pass", "a shorter prompt", seen(whole, [primary(0), primary(1, { size: 60 })])],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "the same prompt again", seen(whole, primaries(0, 1))],
    ["fail", "three attempts", seen(failed, [primary(0), primary(1, { size: 60 }), primary(2, { size: 30 })])]
  ],
  S13: [
    ["pass", "the reason passed on", seen(failed, primaries(0))],
    ["partial", "another model answered", seen(whole, [primary(0), fallback()])],
    ["partial", "another model answered something else", seen(cut, [primary(0), fallback()])],
    ["fail", "asked twice", seen(failed, primaries(0, 1))],
    ["fail", "never asked", seen(failed, [])],
    ["fail", "hung", seen(hung, primaries(0))]
  ],
  S14: [
    ["pass", "restarted and spliced", seen(whole, [primary(0), fallback()])],
    ["pass", "refused, then restarted", seen(whole, [primary(0), fallback({ prefillRefused: true }), fallback()])],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "gave up at the refusal", seen(failed, [primary(0), fallback({ prefillRefused: true })])],
    ["fail", "forty words as if whole", seen(cut, primaries(0))]
  ],
  S15: [
    ["pass", "all answered, the primary back", flap(() => whole)],
    ["safe", "one lost after the outage", flap((at) => (at === 64 ? failed : whole))],
    ["fail", "one lost in the outage", flap((at) => (at === 8 ? failed : whole))],
    ["fail", "the primary never used again", flap(() => whole, [primary(0), fallback()])],
    ["fail", "the primary back too late", flap(() => whole, [primary(0), primary(91, { status: 200 })])],
    ["fail", "only errors after the outage", flap(() => whole, primaries(0, 61))],
    ["fail", "one cut after the outage", flap((at) => (at === 64 ? cut : whole))],
    ["fail", "one hung after the outage", flap((at) => (at === 64 ? hung : whole))]
  ],
  S16: [
    ["pass", "names the fallback", seen({ ...whole, model: "bench/fb-ok" }, primaries(0))],
    ["partial", "no usage", seen({ ...whole, hasUsage: false }, primaries(0))],
    ["safe", "an error", seen(failed, primaries(0))],
    ["fail", "names the route", seen({ ...whole, model: "fb-s16-503-persistent" }, primaries(0))],
    ["fail", "names no model", seen({ ...whole, model: undefined }, primaries(0))],
    ["fail", "seven attempts", seen(failed, primaries(0, 1, 2, 3, 4, 5, 6))]
  ]
}

for (const scenario of scenarios) {
  describe(`${scenario.id}: ${scenario.title}`, () => {
    for (const [verdict, story, observation] of cases[scenario.id] ?? []) {
      it(`${verdict}: ${story}`, () => {
        const judgement = judge(scenario, observation)
        assert.strictEqual(judgement.verdict, verdict)
        // A pass leaves nothing to say, and an honest error speaks for itself.
        assert.strictEqual(judgement.reasons.length > 0, verdict === "partial" || verdict === "fail")
      })
    }
  })
}

it("every scenario is judged here in all the ways it can end", () => {
  assert.deepStrictEqual(Object.keys(cases), [...new Set(scenarios.map(({ id }) => id))])
})
