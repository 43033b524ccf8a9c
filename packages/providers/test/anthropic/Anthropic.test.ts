import type { Failure } from "@holdfast/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Duration, Effect, Exit, Layer, Redacted } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import { inspect } from "node:util"
import { Anthropic } from "../../src/index.ts"
import * as MemoryHost from "../MemoryHost.ts"
import { canary, collect, hello, request } from "../requests.ts"
import { events, generate, lane, laneTo, messageStart, stream } from "./claude.ts"

const answer = { type: "message", content: [{ type: "text", text: "hi" }], stop_reason: "end_turn" }

describe("a lane to Anthropic", () => {
  it.effect("sends what its SDK sends, to the address it was given", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const lane = yield* laneTo(host, { baseUrl: "https://eu.host.test/", model: "claude-sonnet-5-5" })
      yield* lane.text!.generate(hello)
      const [sent] = host.sent
      assert.strictEqual(sent!.url, "https://eu.host.test/v1/messages")
      assert.strictEqual(sent!.headers["authorization"], `Bearer ${canary}`)
      assert.strictEqual(sent!.headers["anthropic-version"], "2026-10-21")
      assert.isUndefined(sent!.headers["x-api-key"])
      assert.strictEqual(lane.id, "anthropic/claude-sonnet-5-5")
      assert.isDefined(lane.text)
      assert.isUndefined(lane.embed)
    })
  )

  it.effect("sends the headers of old where it is told to, each on its own", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const old = yield* laneTo(host, { auth: "x-api-key", version: "2023-06-01" })
      const mixed = yield* laneTo(host, { auth: "x-api-key" })
      yield* old.text!.generate(hello)
      yield* mixed.text!.generate(hello)
      const seen = host.sent.map(({ headers }) => [
        headers["authorization"],
        headers["x-api-key"],
        headers["anthropic-version"]
      ])
      assert.deepStrictEqual<unknown>(seen, [
        [undefined, canary, "2023-06-01"],
        [undefined, canary, "2026-10-21"]
      ])
    })
  )

  it.effect("takes its key from the configuration, and is not made without one", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: answer })
      const config = (env: object) => ConfigProvider.layer(ConfigProvider.fromUnknown(env))
      const lane = yield* Anthropic.lane("m", { credential: "team-b" }).pipe(
        Effect.provide([host.layer, config({ ANTHROPIC_API_KEY: "a-key\n" })])
      )
      yield* lane.text!.generate(hello)
      assert.strictEqual(host.sent[0]!.headers["authorization"], "Bearer a-key")
      assert.isTrue(host.sent[0]!.url.startsWith("https://api.anthropic.com/v1/"))
      assert.strictEqual(lane.id, "anthropic/m@team-b")
      const missing = yield* Anthropic.lane("m").pipe(Effect.provide([host.layer, config({})]), Effect.flip)
      assert.strictEqual(missing._tag, "ConfigError")
      const bad = yield* Anthropic.lane("m", { apiKey: Redacted.make("two words") }).pipe(
        Effect.provide(host.layer),
        Effect.flip
      )
      assert.isFalse(bad.message.includes("two words"))
      for (const options of [{ baseUrl: "host.test" }, { model: " " }, { provider: "" }]) {
        assert.isTrue(Exit.hasDies(yield* Effect.exit(laneTo(host, options))))
      }
    })
  )

  it.effect("checks its provider with the list of models", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ body: { data: [], has_more: false } })
      yield* (yield* laneTo(host)).check!
      assert.strictEqual(host.sent[0]!.method, "GET")
      assert.strictEqual(host.sent[0]!.url, "http://host.test/v1/models")
      assert.strictEqual(host.sent[0]!.headers["anthropic-version"], "2026-10-21")
      const sick = yield* laneTo(MemoryHost.make({ status: 401, body: {} }))
      assert.strictEqual((yield* Effect.flip(sick.check!))._tag, "Authentication")
      const portal = yield* laneTo(MemoryHost.make({ body: "<html>Sign in</html>" }))
      assert.strictEqual((yield* Effect.flip(portal.check!))._tag, "InvalidResponse")
    })
  )

  it.effect("reads errors as Anthropic's, under whatever name it goes, whole and streamed", () =>
    Effect.gen(function* () {
      const limited: MemoryHost.Reply = {
        status: 429,
        headers: { "retry-after": "7", "request-id": "req-9" },
        body: {
          type: "error",
          error: { type: "rate_limit_error", message: "This request would exceed your organization's rate limit." }
        }
      }
      const whole = yield* Effect.flip(generate(limited, { provider: "claude-eu" }))
      const { failure: streamed } = yield* collect(stream(limited, { provider: "claude-eu" }))
      for (const failure of [whole, streamed!]) {
        assert.strictEqual(failure._tag, "RateLimit")
        assert.strictEqual(failure.lane, "claude-eu/model-x")
        assert.strictEqual(failure.status, 429)
        assert.strictEqual(failure.providerCode, "rate_limit_error")
        assert.strictEqual(failure.requestId, "req-9")
        assert.deepStrictEqual<unknown>(failure.retryAfter, Duration.seconds(7))
      }
    })
  )
})

const secretPrompt = "the colour of my first car was mauve"

/** Every form in which a failure may be seen. */
const forms = (failure: Failure.Failure): string =>
  [
    failure.message,
    String(failure),
    failure.stack,
    JSON.stringify(failure),
    inspect(failure, { depth: Infinity, showHidden: true }),
    Cause.pretty(Cause.fail(failure))
  ].join("\n")

const thrown = (error: () => unknown): MemoryHost.MemoryHost => ({
  sent: [],
  layer: Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request) =>
      Effect.fail(
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause: error() }) })
      )
    )
  )
})

describe("no failure of Anthropic tells the key or the prompt", () => {
  const echo = `invalid x-api-key ${canary}; you sent "${secretPrompt}"`
  const error = { type: "error", error: { type: "authentication_error", message: echo } }
  const hosts: ReadonlyArray<[string, MemoryHost.MemoryHost]> = [
    ["a refused key that is quoted", MemoryHost.make({ status: 401, body: error })],
    ["a page that quotes the request", MemoryHost.make({ status: 502, body: `<html>${echo}</html>` })],
    ["an error with 200", MemoryHost.make({ body: error })],
    ["an error in the stream", MemoryHost.make({ body: events(messageStart(), error) })],
    ["events of another shape", MemoryHost.make({ body: `data: {${echo}\n\n` })],
    [
      "a client that quotes the header it cannot send",
      thrown(() => new TypeError(`Headers.append: "${canary}" is an invalid header value.`))
    ],
    [
      "a client that hides the request in its error",
      thrown(() =>
        Object.assign(new Error("reset", { cause: { code: "ECONNRESET", note: canary } }), { sent: secretPrompt })
      )
    ]
  ]
  for (const auth of ["bearer", "x-api-key"] as const) {
    for (const [what, host] of hosts) {
      it.effect(`${auth}: ${what}`, () =>
        Effect.gen(function* () {
          const { text } = yield* lane({ auth })
          const asked = request(secretPrompt)
          const whole = yield* Effect.flip(text!.generate(asked))
          const streamed = (yield* collect(text!.stream(asked))).failure
          assert.isDefined(streamed)
          for (const failure of [whole, streamed]) {
            assert.isFalse(forms(failure).includes(canary), failure.rule)
            assert.isFalse(failure.message.includes(secretPrompt), failure.rule)
            assert.isFalse(inspect(failure.cause, { depth: Infinity }).includes(secretPrompt), failure.rule)
          }
        }).pipe(Effect.provide(host.layer))
      )
    }
  }

  it.effect("nor does the lane, or a refusal", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({})
      const made = yield* laneTo(host)
      assert.isFalse(inspect(made, { depth: Infinity, showHidden: true }).includes(canary))
      assert.isFalse(JSON.stringify(made).includes(canary))
      const refused = yield* Effect.flip(made.text!.generate(request(secretPrompt, { sampling: { seed: 1 } })))
      assert.isFalse(forms(refused).includes(canary))
      assert.isFalse(forms(refused).includes(secretPrompt))
      assert.strictEqual(host.sent.length, 0)
    })
  )
})
