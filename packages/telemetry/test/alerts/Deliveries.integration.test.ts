import { assert, describe, it } from "@effect/vitest"
import { NodeHttpClient } from "@effect/platform-node"
import { Duration, Effect, Fiber, Redacted, Schema, Struct, Tracer } from "effect"
import { createHmac } from "node:crypto"
import { type Delivery, Email, type Notification, PagerDuty, Slack, Webhook } from "@holdfast/telemetry"
import * as Receivers from "../Receivers.ts"

const at = Date.UTC(2026, 10, 24, 14, 2)
const item: Notification.Item = {
  change: "firing",
  alert: "breakerOpen:gemini/flash",
  episode: "gateway-1/breakerOpen:gemini/flash/m1",
  rule: "breakerOpen",
  subject: "gemini/flash",
  severity: "warning",
  routes: ["chat"],
  since: at,
  title: "The circuit of gemini/flash is open",
  what: "Since 2026-11-24 14:02 UTC: 5 failures <in> a row & more.",
  meanwhile: "chat is answered by openai/gpt-4o-mini meanwhile.",
  todo: "Nothing."
}
const of = (first: Notification.Item, ...rest: ReadonlyArray<Notification.Item>): Notification.Notification => ({
  id: "n1",
  at,
  group: "provider gemini",
  instance: "gateway-1",
  url: "https://holdfast.example.com",
  items: [first, ...rest]
})
const resolved: Notification.Item = {
  ...Struct.omit(item, ["meanwhile", "todo"]),
  change: "resolved",
  resolvedAt: at + 60_000,
  title: "The circuit of gemini/flash is closed again",
  what: "It lasted 1m, since 2026-11-24 14:02 UTC."
}

const json = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown)))
const name = "ops"
const atLeast = "info"
const secretPath = "/services/T0/B0/canary"

describe("Slack", () => {
  it.live("gets blocks with what happened, for whom, and what to do, with its control characters escaped", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      const slack = yield* Slack.make({ name, atLeast, url: Redacted.make(`${receiver.url}${secretPath}`) })
      yield* slack.send(of(item, resolved))
      const [received] = receiver.received
      assert.strictEqual(received?.path, secretPath)
      assert.strictEqual(received?.headers["content-type"], "application/json")
      assert.deepStrictEqual(json(received?.body), {
        text: "1 firing, 1 resolved (provider gemini)",
        blocks: [
          { type: "header", text: { type: "plain_text", text: "1 firing, 1 resolved (provider gemini)" } },
          {
            type: "section",
            text: {
              type: "mrkdwn",
              text: `:large_orange_circle: *The circuit of gemini/flash is open*
Since 2026-11-24 14:02 UTC: 5 failures &lt;in&gt; a row &amp; more.
chat is answered by openai/gpt-4o-mini meanwhile.
Nothing.`
            }
          },
          {
            type: "section",
            text: {
              type: "mrkdwn",
              text: `:white_check_mark: *The circuit of gemini/flash is closed again*
It lasted 1m, since 2026-11-24 14:02 UTC.`
            }
          },
          {
            type: "context",
            elements: [{ type: "mrkdwn", text: "Holdfast, gateway-1 · <https://holdfast.example.com|Dashboard>" }]
          }
        ]
      })
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it("is sent no more blocks and characters than it takes", () => {
    const long = { ...item, what: "x".repeat(5000), title: "y".repeat(200) }
    const body = Slack.body(of(long, ...Array.from({ length: 99 }, () => long)))
    const { blocks } = Schema.decodeUnknownSync(
      Schema.Struct({ blocks: Schema.Array(Schema.Record(Schema.String, Schema.Unknown)) })
    )(body)
    assert.strictEqual(blocks.length, 42)
    assert.isTrue(blocks.every((block) => JSON.stringify(block).length < 3100))
    assert.include(JSON.stringify(blocks.at(-1)), "and 60 more")
  })
})

describe("a webhook", () => {
  it.live("is signed over the timestamp and the body as they came", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      const secret = "whsec-canary"
      const hook = yield* Webhook.make({
        name,
        atLeast,
        url: Redacted.make(`${receiver.url}/hook`),
        secret: Redacted.make(secret)
      })
      yield* hook.send(of(item))
      const received = receiver.received[0] ?? assert.fail()
      assert.deepStrictEqual(json(received.body), { version: 1, ...of(item) })
      const timestamp = String(received.headers["holdfast-timestamp"])
      assert.isAtMost(Math.abs(Date.now() / 1000 - Number(timestamp)), 30)
      const expected = createHmac("sha256", secret).update(`${timestamp}.${received.body}`).digest("hex")
      assert.strictEqual(received.headers["holdfast-signature"], `v1=${expected}`)
      assert.strictEqual(received.headers["holdfast-id"], "n1")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("without a secret is not signed, and an empty one is refused", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      const url = Redacted.make(receiver.url)
      yield* Effect.flatMap(Webhook.make({ name, atLeast, url }), (hook) => hook.send(of(item)))
      assert.isUndefined(receiver.received[0]?.headers["holdfast-signature"])
      const exit = yield* Effect.exit(Webhook.make({ name, atLeast, url, secret: Redacted.make("") }))
      assert.strictEqual(exit._tag, "Failure")
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})

describe("PagerDuty", () => {
  it.live("gets an incident when an alert fires, and its end when it is over, under one key", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      receiver.replies(() => ({ status: 202 }))
      const pager = yield* PagerDuty.make({
        name,
        atLeast,
        url: `${receiver.url}/v2/enqueue`,
        routingKey: Redacted.make("routing-canary")
      })
      yield* pager.send(of(item))
      yield* pager.send(of({ ...item, change: "reminder" }))
      yield* pager.send(of(resolved))
      assert.deepStrictEqual(
        receiver.received.map(({ body }) => json(body)),
        [
          {
            routing_key: "routing-canary",
            event_action: "trigger",
            dedup_key: item.episode,
            payload: {
              summary: "The circuit of gemini/flash is open. Since 2026-11-24 14:02 UTC: 5 failures <in> a row & more.",
              source: "gateway-1",
              severity: "warning",
              timestamp: "2026-11-24T14:02:00.000Z",
              component: "gemini/flash",
              group: "provider gemini",
              class: "breakerOpen",
              custom_details: { routes: ["chat"], meanwhile: item.meanwhile, todo: item.todo }
            },
            client: "Holdfast",
            client_url: "https://holdfast.example.com",
            links: [{ href: "https://holdfast.example.com", text: "Dashboard" }]
          },
          { routing_key: "routing-canary", event_action: "resolve", dedup_key: item.episode }
        ]
      )
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it("leaves nobody with an incident after a test", () => {
    const actions = PagerDuty.events(of({ ...item, change: "test" })).map((event) => Reflect.get(event, "event_action"))
    assert.deepStrictEqual(actions, ["trigger", "resolve"])
  })
})

describe("e-mail", () => {
  const account = { user: "holdfast", password: "mail-canary" }
  const make = (url: string) =>
    Email.make({
      name,
      atLeast,
      url: Redacted.make(url),
      from: "Holdfast <holdfast@example.com>",
      to: ["ops@example.com", "oncall@example.com"]
    })

  it.live("arrives as plain text, to everybody", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.smtp(account)
      const email = yield* make(receiver.url)
      yield* email.send(of(item))
      const mail = receiver.received[0] ?? assert.fail()
      assert.strictEqual(mail.from, "holdfast@example.com")
      assert.deepStrictEqual(mail.to, ["ops@example.com", "oncall@example.com"])
      assert.include(mail.raw, "Subject: [Holdfast] Firing: The circuit of gemini/flash is open")
      assert.include(mail.raw, "Auto-Submitted: auto-generated")
      assert.include(mail.raw, "chat is answered by openai/gpt-4o-mini meanwhile.")
    })
  )

  const cases: ReadonlyArray<readonly [code: number, class_: Delivery.Undelivered["class"]]> = [
    [451, "ServiceUnavailable"],
    [554, "InvalidRequest"]
  ]
  for (const [code, expected] of cases) {
    it.live(`that is answered ${code} is ${expected}`, () =>
      Effect.gen(function* () {
        const receiver = yield* Receivers.smtp(account)
        receiver.refuses(code)
        const email = yield* make(receiver.url)
        const error = yield* Effect.flip(email.send(of(item)))
        assert.deepInclude(error, { class: expected, status: code, reason: `it answered ${code}` })
      })
    )
  }

  it.live("with a wrong password, or without a server, says so without either", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.smtp(account)
      const wrong = yield* make(receiver.url.replace("mail-canary", "wrong-canary"))
      const refused = yield* Effect.flip(wrong.send(of(item)))
      assert.strictEqual(refused.class, "Authentication")
      const nobody = yield* make("smtp://holdfast:mail-canary@127.0.0.1:1")
      const away = yield* Effect.flip(nobody.send(of(item)))
      assert.strictEqual(away.class, "Network")
      for (const error of [refused, away]) assert.notInclude(JSON.stringify(error) + String(error), "canary")
    })
  )
})

describe("an HTTP delivery that fails", () => {
  const cases: ReadonlyArray<readonly [status: number, class_: Delivery.Undelivered["class"]]> = [
    [400, "InvalidRequest"],
    [401, "Authentication"],
    [403, "PermissionDenied"],
    [404, "InvalidRequest"],
    [408, "Timeout"],
    [500, "ServiceUnavailable"],
    [503, "ServiceUnavailable"]
  ]
  for (const [status, expected] of cases) {
    it.live(`with ${status} is ${expected}`, () =>
      Effect.gen(function* () {
        const receiver = yield* Receivers.http
        receiver.replies(() => ({ status }))
        const slack = yield* Slack.make({ name, atLeast, url: Redacted.make(`${receiver.url}${secretPath}`) })
        const error = yield* Effect.flip(slack.send(of(item)))
        assert.deepInclude(error, { class: expected, status })
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  }

  it.live("with 429 waits as long as it is told to", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      receiver.replies(() => ({ status: 429, headers: { "retry-after": "30" } }))
      const slack = yield* Slack.make({ name, atLeast, url: Redacted.make(receiver.url) })
      const error = yield* Effect.flip(slack.send(of(item)))
      assert.strictEqual(error.class, "RateLimit")
      assert.deepStrictEqual(error.retryAfter, Duration.seconds(30))
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("says so without its address, in errors and in spans", () =>
    Effect.gen(function* () {
      const spans: Array<string> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(JSON.stringify(options.name))
          return span
        }
      })
      const receiver = yield* Receivers.http
      receiver.replies(() => ({ status: 500 }))
      const urls = [`${receiver.url}${secretPath}`, `http://127.0.0.1:1${secretPath}`, `canary://nothing`, "canary"]
      for (const url of urls) {
        const slack = yield* Slack.make({ name, atLeast, url: Redacted.make(url) })
        const error = yield* slack.send(of(item)).pipe(Effect.flip, Effect.withTracer(tracer))
        assert.notInclude(JSON.stringify(error) + String(error) + String(error.stack), "canary")
      }
      assert.deepStrictEqual(spans, [])
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )

  it.live("because nobody waits any more closes its connection", () =>
    Effect.gen(function* () {
      const receiver = yield* Receivers.http
      receiver.replies(() => undefined)
      const slack = yield* Slack.make({ name, atLeast, url: Redacted.make(receiver.url) })
      const sending = yield* Effect.forkChild(slack.send(of(item)))
      yield* receiver.until((all) => all.length > 0)
      yield* Fiber.interrupt(sending)
      assert.strictEqual((yield* receiver.untilLeft((all) => all.length > 0))[0]?.body, receiver.received[0]?.body)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
