import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Config } from "@holdfast/gateway"

const good = `
providers:
  gemini: { key: { env: GEMINI_API_KEY } }
  local:  { kind: openai-compatible, baseUrl: http://127.0.0.1:11434/v1 }
routes:
  chat:
    policy: { preset: standard, retry: { maxRetries: 1 } }
    lanes: [gemini/gemini-3.5-flash, local/llama]
`

const problem = (text: string) => Effect.map(Effect.flip(Config.parse(text, "holdfast.yaml")), (error) => error.message)

describe("a configuration", () => {
  it.effect("is YAML, or JSON, with a preset's numbers replaced", () =>
    Effect.gen(function* () {
      const config = yield* Config.parse(good, "holdfast.yaml")
      assert.strictEqual(config.routes.chat?.policy?.retry.maxRetries, 1)
      assert.strictEqual(config.routes.chat?.policy?.budget.maxAttempts, 6)
      const json = `{"providers":{"gemini":{"key":{"env":"K"}}},"routes":{"chat":{"lanes":["gemini/x"]}}}`
      assert.deepStrictEqual((yield* Config.parse(json, "holdfast.json")).routes.chat?.lanes, ["gemini/x"])
    })
  )

  const refused: ReadonlyArray<readonly [what: string, text: string, ...says: ReadonlyArray<string>]> = [
    ["an unknown key", good.replace("lanes:", "lines:"), `["routes"]["chat"]["lines"]`],
    ["an unknown key deep down", good.replace("maxRetries", "maxRetris"), `["retry"]["maxRetris"]`],
    ["an impossible policy", good.replace("maxRetries: 1", "base: 2 minutes"), `["base"]`, "maxDelay"],
    ["a lane of no provider", good.replace("local/llama", "remote/llama"), `["lanes"][1]`, "no provider remote"],
    ["a lane twice", good.replace("local/llama", "gemini/gemini-3.5-flash"), `["lanes"][1]`, "twice"],
    ["a host without a URL", good.replace("baseUrl: http://127.0.0.1:11434/v1", ""), `["baseUrl"]`],
    ["a provider without a key", good.replace("key: { env: GEMINI_API_KEY }", ""), `["gemini"]["key"]`],
    ["a provider of no kind", good.replace("gemini:", "other:").replace("gemini/", "other/"), `["other"]["kind"]`],
    ["a need of no kind", `${good}    needs: { tool: true }\n`, `["routes"]["chat"]["needs"]["tool"]`],
    ["no route", good.replace(/routes:[\s\S]*/, "routes: {}"), `["routes"]`, "at least one"],
    ["sharing over nothing", `${good}sharing: {}`, `["sharing"]`, "either redis or postgres"],
    [
      "sharing over both",
      `${good}sharing: { redis: { env: REDIS_URL }, postgres: true }`,
      `["sharing"]`,
      "either redis or postgres"
    ],
    ["sharing over something else", `${good}sharing: { memcached: { env: X } }`, `["sharing"]["memcached"]`],
    ["a prefix without Redis", `${good}sharing: { postgres: true, prefix: a }`, `["sharing"]["prefix"]`],
    ["a retention of nothing", `${good}store: { retention: 0 days }`, `["store"]["retention"]`],
    ["a journal without room", `${good}store: { journal: { maxBytes: 10 } }`, `["journal"]["maxBytes"]`],
    ["a rule that there is not", `${good}alerts: { rules: { breakerOpened: {} } }`, `["rules"]["breakerOpened"]`],
    ["an unknown number of a rule", `${good}alerts: { rules: { breakerOpen: { fore: 1 minute } } }`, `["fore"]`],
    ["an impossible number of a rule", `${good}alerts: { rules: { sloBurn: { objective: 1 } } }`, `["objective"]`],
    ["an objective of no route", `${good}alerts: { rules: { sloBurn: { objectives: { chad: 0.9 } } } }`, `["chad"]`],
    ["a delivery of no kind", `${good}alerts: { deliveries: { ops: { kind: pigeon } } }`, `["deliveries"]["ops"]`],
    [
      "a secret written down",
      `${good}alerts: { deliveries: { ops: { kind: slack, url: "https://hooks.slack.com/x" } } }`,
      `["ops"]["url"]`
    ],
    ["broken YAML", "providers: [", "holdfast.yaml"],
    ["nothing", "", "holdfast.yaml"]
  ]
  for (const [what, text, ...says] of refused) {
    it.effect(`refuses ${what}, and says where`, () =>
      Effect.gen(function* () {
        const message = yield* problem(text)
        for (const part of says) assert.include(message, part)
      })
    )
  }

  it.effect("of alerts may be nothing, off by rule, or all there is, and names its secrets", () =>
    Effect.gen(function* () {
      const none = yield* Config.parse(`${good}alerts: {}`, "holdfast.yaml")
      assert.deepStrictEqual(none.alerts, {})
      const { alerts, ...rest } = yield* Config.parse(
        `${good}
alerts:
  groupBy: route
  repeat: 1 hour
  rules:
    breakerOpen: false
    sloBurn: { objectives: { chat: 0.999 } }
    budgetNearlySpent: { usd: 50, per: 1 day, at: 0.9 }
  deliveries:
    ops: { kind: slack, url: { env: SLACK_URL }, atLeast: warning }
    hook: { kind: webhook, url: https://example.com/hook, secret: { env: HOOK_SECRET } }
    pager: { kind: pagerduty, routingKey: { env: PAGER_KEY } }
    mail: { kind: email, smtp: { env: SMTP_URL }, from: a@example.com, to: [b@example.com] }
`,
        "holdfast.yaml"
      )
      assert.isFalse(alerts?.rules?.breakerOpen)
      assert.deepStrictEqual(
        Config.secrets({ ...rest, ...(alerts === undefined ? {} : { alerts }) }).map(({ env }) => env),
        ["GEMINI_API_KEY", "SLACK_URL", "HOOK_SECRET", "PAGER_KEY", "SMTP_URL"]
      )
    })
  )

  it.effect("never repeats a key that was written into it", () =>
    Effect.gen(function* () {
      const inline = yield* problem(good.replace("{ env: GEMINI_API_KEY }", "sk-canary-0123456789"))
      assert.include(inline, `["gemini"]["key"]`)
      assert.notInclude(inline, "canary")
      const asName = yield* problem(good.replace("GEMINI_API_KEY", "sk-canary-0123456789"))
      assert.include(asName, "name of an environment variable")
      assert.notInclude(asName, "canary")
      const inUrl = yield* problem(good.replace("http://127", "http://me:canary@127"))
      assert.include(inUrl, "must not carry a password")
      assert.notInclude(inUrl, "canary")
    })
  )
})
