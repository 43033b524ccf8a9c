import { assert, layer } from "@effect/vitest"
import { Context, Effect, Exit, Schema, Scope } from "effect"
import { Alerts } from "@holdfast/telemetry"
import * as Receivers from "@holdfast/telemetry/test/Receivers"
import type { OpenAI } from "openai"
import * as Model from "../src/admin/Model.ts"
import { embedded, primary, question, start } from "./Harness.ts"

const Slack = Schema.fromJsonString(
  Schema.Struct({
    text: Schema.String,
    blocks: Schema.Array(Schema.Struct({ text: Schema.optional(Schema.Struct({ text: Schema.String })) }))
  })
)
const Page = Schema.fromJsonString(
  Schema.Struct({
    routing_key: Schema.String,
    event_action: Schema.String,
    dedup_key: Schema.String,
    payload: Schema.optional(Schema.Struct({ summary: Schema.String, severity: Schema.String }))
  })
)

/** Seconds instead of minutes, so that real time is short. */
const rules = {
  breakerOpen: { for: "0 seconds", clear: "2 seconds" },
  authenticationFailed: { clear: "2 seconds" },
  routeDown: { for: "0 seconds", clear: "2 seconds" },
  routeDegraded: false,
  laneUnhealthy: false,
  sloBurn: false
}

/** Receivers that outlive the gateway, and the configuration that leads to them. */
const receivers = Effect.fnUntraced(function* (instance: string) {
  const slack = yield* Receivers.http
  const pager = yield* Receivers.http
  const mail = yield* Receivers.smtp({ user: "holdfast", password: "mail-canary" })
  pager.replies(() => ({ status: 202 }))
  return {
    slack,
    pager,
    mail,
    env: {
      SLACK_URL: `${slack.url}/services/canary`,
      PAGER_KEY: "routing-canary",
      SMTP_URL: mail.url
    },
    section: {
      instance,
      groupWait: "1 second",
      publicUrl: "https://holdfast.example.com",
      rules,
      deliveries: {
        ops: { kind: "slack", url: { env: "SLACK_URL" } },
        pager: {
          kind: "pagerduty",
          routingKey: { env: "PAGER_KEY" },
          url: `${pager.url}/v2/enqueue`,
          atLeast: "critical"
        },
        mail: { kind: "email", smtp: { env: "SMTP_URL" }, from: "holdfast@example.com", to: ["ops@example.com"] }
      }
    }
  }
})

const ask = (client: OpenAI) => Effect.ignore(Effect.tryPromise(() => client.chat.completions.create(question)))

/** Asks until the claim holds. */
const askUntil = Effect.fnUntraced(function* (client: OpenAI, claim: Effect.Effect<boolean>) {
  while (!(yield* claim)) {
    yield* ask(client)
    yield* Effect.sleep("100 millis")
  }
})

/** The phase of every alert, by key; `unconfirmed` for what only a restart has left. */
const phases = (alerts: Alerts.Alerts["Service"]) =>
  Effect.map(alerts.list, (list) =>
    Object.fromEntries(
      list.toReversed().map(({ isUnconfirmed, key, phase }) => [key, isUnconfirmed ? "unconfirmed" : phase])
    )
  )

const headlines = (slack: { readonly received: ReadonlyArray<Receivers.Received> }) =>
  slack.received.map(({ body }) => Schema.decodeSync(Slack)(body).text)

/**
 * Both providers fail: their circuits open, and with them all lanes of the routes for text; then they recover. The
 * gateway may be stopped and started while everything is down.
 */
const storm = Effect.fnUntraced(function* (restarts: boolean) {
  const { env, mail, pager, section, slack } = yield* receivers(restarts ? "restarted" : "in one life")
  const run = Effect.fnUntraced(function* (isDown: boolean) {
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
    const down = { rules: [{ fault: { _tag: "ServiceUnavailable" } as const }] }
    const gateway = yield* Scope.provide(
      start({
        ...(isDown ? { gemini: down, openAi: down } : {}),
        policy: { retry: { maxRetries: 0 }, fallback: { waitForReopening: false } },
        config: { alerts: section },
        env
      }),
      scope
    )
    return { ...gateway, alerts: Context.get(gateway.context, Alerts.Alerts), stop: Scope.close(scope, Exit.void) }
  })

  let gateway = yield* run(true)
  const firing = (count: number) =>
    Effect.map(phases(gateway.alerts), (all) => Object.values(all).filter((one) => one === "firing").length === count)
  // The circuits of both lanes, and the two routes that have them.
  yield* askUntil(gateway.client, firing(4))
  yield* slack.until((all) => all.length >= 4)
  yield* pager.until((all) => all.length >= 2)
  yield* mail.until((all) => all.length >= 4)
  if (restarts) {
    yield* gateway.stop
    gateway = yield* run(true)
    const unconfirmed = Effect.map(phases(gateway.alerts), (all) => Object.values(all))
    while ((yield* unconfirmed).length === 0) yield* Effect.sleep("20 millis")
    assert.deepStrictEqual(yield* unconfirmed, Array(4).fill("unconfirmed"))
    yield* askUntil(gateway.client, firing(4))
    // Longer than a group waits: whatever would be said again has been.
    yield* Effect.sleep("3 seconds")
  }
  for (const emulator of [gateway.gemini, gateway.openAi]) {
    yield* emulator.setPlan({ ...(yield* emulator.plan), rules: [] })
  }
  // Each lane is a route's first, and so is probed.
  const both = Effect.andThen(
    ask(gateway.client),
    Effect.ignore(Effect.tryPromise(() => gateway.client.chat.completions.create({ ...question, model: "back" })))
  )
  const resolved = Effect.map(phases(gateway.alerts), (all) => Object.values(all).every((one) => one === "resolved"))
  while (!(yield* resolved)) {
    yield* both
    yield* Effect.sleep("100 millis")
  }
  yield* slack.until((all) => all.length >= 8)
  yield* pager.until((all) => all.length >= 4)
  yield* mail.until((all) => all.length >= 8)
  yield* Effect.sleep("2 seconds")
  yield* gateway.stop
  return { slack, pager, mail }
})

const firingAndResolved = [
  "Firing: Every lane of back is down",
  "Firing: Every lane of chat is down",
  "Firing: The circuit of gemini/gemini-3.5-flash is open",
  "Firing: The circuit of openai/gpt-4o-mini is open",
  "Resolved: The circuit of gemini/gemini-3.5-flash is closed again",
  "Resolved: The circuit of openai/gpt-4o-mini is closed again",
  "Resolved: back is up again",
  "Resolved: chat is up again"
]

const pageOf = Schema.decodeSync(Page)
const slackOf = Schema.decodeSync(Slack)
const stateOf = Schema.decodeUnknownSync(Model.State)
const actionsOf = Schema.decodeUnknownSync(Schema.Array(Model.Action))
const outcomesOf = Schema.decodeUnknownSync(Schema.Array(Model.DeliveryOutcome))

layer(embedded, { excludeTestServices: true })("a gateway", (it) => {
  for (const restarts of [false, true]) {
    it.effect(
      `sends in a storm${restarts ? ", with a restart in the middle of it," : ""} each alert once, and once that it is over`,
      () =>
        Effect.gen(function* () {
          const { mail, pager, slack } = yield* storm(restarts)
          assert.deepStrictEqual(headlines(slack).toSorted(), firingAndResolved)
          assert.deepStrictEqual(
            // A long header goes on in the next line, behind a space.
            mail.received
              .map(({ raw }) => /^Subject: \[Holdfast\] (.*)$/m.exec(raw.replace(/\r\n /g, " "))?.[1]?.trim() ?? "")
              .toSorted(),
            firingAndResolved
          )
          const pages = pager.received.map(({ body }) => pageOf(body))
          assert.isTrue(pages.every(({ routing_key }) => routing_key === "routing-canary"))
          assert.deepStrictEqual(
            pages.map(({ dedup_key, event_action }) => `${event_action} ${dedup_key.split("/")[1]}`).toSorted(),
            ["resolve routeDown:back", "resolve routeDown:chat", "trigger routeDown:back", "trigger routeDown:chat"]
          )
          // Under one key, an incident is opened before it is resolved.
          for (const { dedup_key } of pages) {
            assert.deepStrictEqual(
              pages.filter((page) => page.dedup_key === dedup_key).map(({ event_action }) => event_action),
              ["trigger", "resolve"]
            )
          }
          const everything = [...slack.received, ...pager.received, ...mail.received].map((one) =>
            "raw" in one ? one.raw : one.body.replace("routing-canary", "")
          )
          assert.isFalse(everything.some((text) => text.includes("canary")))
        }),
      { timeout: 90_000 }
    )
  }

  it.effect("tells what it does meanwhile", () =>
    Effect.gen(function* () {
      const { env, section, slack } = yield* receivers("meanwhile")
      const { client } = yield* start({
        gemini: { rules: [{ fault: { _tag: "BadKey" } }] },
        config: { alerts: { ...section, deliveries: { ops: section.deliveries.ops } } },
        env
      })
      yield* ask(client)
      const [received] = yield* slack.until((all) => all.length > 0)
      const { blocks, text } = slackOf(received?.body ?? "")
      assert.strictEqual(text, "Firing: The credential gemini is refused")
      assert.include(blocks[1]?.text?.text, "chat is answered by openai/gpt-4o-mini meanwhile.")
      assert.include(received?.body, "https://holdfast.example.com")
    })
  )

  it.effect("has alerts without a section for them, told to nobody", () =>
    Effect.gen(function* () {
      const { client, context } = yield* start({ gemini: { rules: [{ fault: { _tag: "QuotaExhausted" } }] } })
      yield* ask(client)
      const alerts = Context.get(context, Alerts.Alerts)
      const firing = Effect.map(alerts.list, (list) => list.some(({ key }) => key === `quotaExhausted:${primary}`))
      while (!(yield* firing)) yield* Effect.sleep("20 millis")
      assert.deepStrictEqual(yield* alerts.deliveries, [])
    })
  )

  for (const [what, env, says] of [
    ["is missing", {}, "alerts.deliveries.ops.url: the environment variable SLACK_URL is not set"],
    [
      "is not what it has to be",
      { SLACK_URL: "canary" },
      "alerts.deliveries.ops.url: the environment variable SLACK_URL holds no URL such as https://hooks.slack.com/services/…"
    ]
  ] as const) {
    it.effect(`does not start where a secret of its alerts ${what}`, () =>
      Effect.gen(function* () {
        const deliveries = { ops: { kind: "slack", url: { env: "SLACK_URL" } } }
        const error = yield* Effect.flip(start({ config: { alerts: { deliveries } }, env }))
        assert.strictEqual(error.message, says)
      })
    )
  }
})

layer(embedded, { excludeTestServices: true })("the admin API", (it) => {
  const key = "a-key-of-the-tests-own"

  it.effect("lists alerts, silences them and tests deliveries, for whoever has the key", () =>
    Effect.gen(function* () {
      const { env, section, slack } = yield* receivers("admin")
      const { client, url } = yield* start({
        gemini: { rules: [{ fault: { _tag: "BadKey" } }] },
        config: {
          admin: { key: { env: "ADMIN_KEY" } },
          alerts: { ...section, groupWait: "1 hour", deliveries: { ops: section.deliveries.ops } }
        },
        env: { ...env, ADMIN_KEY: key }
      })
      const call = (path: string, body?: object, headers: Record<string, string> = { "x-holdfast-admin-key": key }) =>
        Effect.promise(async (): Promise<{ readonly status: number; readonly body: unknown }> => {
          const response = await fetch(`${url}/api/alerts${path}`, {
            headers: { "content-type": "application/json", ...headers },
            ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) })
          })
          return { status: response.status, body: await response.json() }
        })
      const read = Effect.flatMap(call(""), ({ body }) => Schema.decodeUnknownEffect(Model.Alerts)(body))
      yield* ask(client)
      let now = yield* read
      while (now.alerts.length === 0) now = yield* read
      const [firing] = now.alerts
      assert.deepInclude(firing, {
        key: "authenticationFailed:credential:gemini",
        severity: "critical",
        phase: "firing"
      })
      assert.strictEqual(firing?.words.title, "The credential gemini is refused")

      const wish = { matcher: { provider: "gemini" }, minutes: 5, reason: "the key is being changed", by: "somebody" }
      assert.strictEqual((yield* call("/silences", wish, {})).status, 401)
      assert.strictEqual((yield* call("/silences", { ...wish, matcher: {} })).status, 400)
      const silenced = yield* call("/silences", wish)
      const { id } = yield* Schema.decodeUnknownEffect(Schema.Struct({ id: Schema.String }))(silenced.body)
      assert.strictEqual((yield* read).alerts[0]?.silence?.reason, wish.reason)
      const summary = Effect.map(
        Effect.promise(() => fetch(`${url}/api/state`).then((response) => response.json())),
        (body) => stateOf(body).alerts
      )
      const { revision, ...counts } = yield* summary
      assert.deepStrictEqual(counts, { firing: 0, silenced: 1, pending: 0, failing: 0 })
      assert.strictEqual((yield* call(`/silences/${id}/end`, { reason: "it is changed" })).status, 200)
      assert.strictEqual((yield* call(`/silences/${id}/end`, { reason: "again" })).status, 404)
      assert.deepStrictEqual((yield* read).silences, [])
      // The state is looked at five times a second.
      let later = yield* summary
      while (later.firing === 0) later = yield* summary
      assert.isAbove(later.revision, revision)

      assert.strictEqual((yield* call("/test", {}, {})).status, 401)
      const outcomes = yield* call("/test", {})
      assert.deepInclude(outcomesOf(outcomes.body)[0], {
        delivery: "ops",
        kind: "slack"
      })
      assert.deepStrictEqual(headlines(slack), ["Test: This is a test of Holdfast's alerts"])
      assert.strictEqual((yield* call("/test", { delivery: "other" })).status, 404)

      const actions = yield* Effect.promise(() => fetch(`${url}/api/actions`).then((response) => response.json()))
      assert.deepStrictEqual(
        actionsOf(actions).map(({ action, by, reason, target }) => [by, action, target, reason]),
        [
          ["an operator", "test", "every delivery", "to see whether it arrives"],
          ["an operator", "unsilence", "provider gemini", "it is changed"],
          ["somebody", "silence", "provider gemini", wish.reason]
        ]
      )
    })
  )
})
