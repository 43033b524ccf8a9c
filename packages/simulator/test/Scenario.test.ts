import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Scenario } from "@holdfast/simulator"

const text = `
duration: 2 hours
workload:
  arrivals: { poisson: 10 per second }
  deadline: 30 seconds
  streams: 0.6
providers:
  gemini/gemini-flash:
    latency: { p50: 900 millis, p99: 6 seconds }
    outages: [{ at: 30 minutes, for: 60 minutes, kind: service-unavailable, onset: 2 minutes }]
  openai/gpt-mini:
    latency: { p50: 900 millis, p99: 6 seconds }
    limits: { requestsPerMinute: 500 }
`

const problem = (source: string) =>
  Effect.map(Effect.flip(Scenario.parse(source, "storm.yaml", "storm")), (error) => error.message)

describe("Scenario", () => {
  it.effect("reads a file, with its spans in milliseconds and its rates per millisecond", () =>
    Effect.gen(function* () {
      const scenario = yield* Scenario.parse(text, "storm.yaml", "storm")
      assert.strictEqual(scenario.name, "storm")
      assert.strictEqual(scenario.duration, 7_200_000)
      assert.deepStrictEqual(scenario.workload.arrivals, { poisson: 0.01 })
      assert.deepStrictEqual(Object.keys(scenario.providers), ["gemini/gemini-flash", "openai/gpt-mini"])
      assert.deepStrictEqual(scenario.providers["gemini/gemini-flash"]?.outages, [
        { at: 1_800_000, for: 3_600_000, kind: "service-unavailable", onset: 120_000 }
      ])
    })
  )

  it.effect("reads JSON as well", () =>
    Effect.gen(function* () {
      const scenario = yield* Scenario.parse(
        JSON.stringify({
          name: "mine",
          duration: "1 hour",
          workload: { arrivals: { constant: "60 per minute" }, deadline: "1 minute" },
          providers: { "a/b": { latency: { constant: "1 second" } } }
        }),
        "storm.json",
        "storm"
      )
      assert.strictEqual(scenario.name, "mine")
      assert.deepStrictEqual(scenario.workload.arrivals, { constant: 0.001 })
    })
  )

  for (const [name, from, to, path] of [
    ["an unknown key", "streams: 0.6", "streems: 0.6", '["workload"]["streems"]'],
    ["a share above one", "streams: 0.6", "streams: 6", '["workload"]["streams"]'],
    ["a span that is none", "30 minutes", "soon", '["providers"]["gemini/gemini-flash"]["outages"][0]["at"]'],
    ["an outage after the end", "30 minutes", "3 hours", '["providers"]["gemini/gemini-flash"]["outages"][0]["at"]'],
    ["an unknown kind", "service-unavailable", "down", '["providers"]["gemini/gemini-flash"]["outages"][0]["kind"]'],
    ["a deadline of zero", "deadline: 30 seconds", "deadline: 0 seconds", '["workload"]["deadline"]'],
    ["a lane without a model", "openai/gpt-mini", "openai", '["providers"]["openai"]'],
    ["a limit below one", "requestsPerMinute: 500", "requestsPerMinute: 0", '["limits"]["requestsPerMinute"]'],
    ["no duration", "duration: 2 hours", "", '["duration"]']
  ] as const) {
    it.effect(`refuses ${name} with its path`, () =>
      Effect.gen(function* () {
        const message = yield* problem(text.replace(from, to))
        assert.include(message, "storm.yaml: ")
        assert.include(message, path)
      })
    )
  }

  it.effect("speaks only of the form that was meant, where a value may have several", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* problem(
          text.replace("poisson: 10 per second", "burst: { base: 1 per hour, every: 1 hour, for: 1 minute }")
        ),
        'storm.yaml: Missing key\n  at ["workload"]["arrivals"]["burst"]["peak"]'
      )
      assert.strictEqual(
        yield* problem(text.replace("poisson: 10 per second", "poisson: ten")),
        'storm.yaml: expected a rate such as "10 per second", per minute or per hour\n  at ["workload"]["arrivals"]["poisson"]\n' +
          'Expected a rate above zero\n  at ["workload"]["arrivals"]["poisson"]'
      )
      const unknown = yield* problem(text.replace("poisson: 10 per second", "often: yes"))
      for (const key of ["often", "poisson", "constant", "diurnal", "burst", "recorded"]) assert.include(unknown, key)
    })
  )

  it.effect("says of a file that is not YAML where it breaks", () =>
    Effect.gen(function* () {
      assert.include(yield* problem("a: [1, 2"), "storm.yaml: ")
    })
  )
})
