import { Failure } from "@holdfast/core"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Redacted, Schema } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import { inspect } from "node:util"
import { OpenAi } from "../src/index.ts"
import * as MemoryHost from "./MemoryHost.ts"
import { canary, collect, hello, lane, request } from "./requests.ts"

const secretPrompt = "the colour of my first car was mauve"

/** Every form in which a failure may be seen. */
const forms = (failure: Failure.Failure): string =>
  [
    failure.message,
    String(failure),
    failure.stack,
    JSON.stringify(failure),
    JSON.stringify(Schema.encodeUnknownSync(Schema.toCodecJson(Failure.Failure))(failure)),
    inspect(failure, { depth: Infinity, showHidden: true }),
    Cause.pretty(Cause.fail(failure))
  ].join("\n")

const echo = `Incorrect API key provided: ${canary}. You sent "${secretPrompt}".`
const replies: ReadonlyArray<[string, MemoryHost.Reply]> = [
  ["a refused key that is quoted", { status: 401, body: { error: { message: echo, code: "invalid_api_key" } } }],
  ["a page that quotes the request", { status: 502, body: `<html>${echo}</html>` }],
  ["a text", { status: 400, body: echo }],
  ["an error with 200", { body: { error: { message: echo, code: 500, status: "INTERNAL" } } }],
  ["a page with 200", { body: `<html>Authorization: Bearer ${canary}</html>` }],
  ["events of another shape", { body: MemoryHost.events(`{${echo}`) }]
]

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

describe("no failure tells the key or the prompt", () => {
  for (const kind of ["openai", "gemini"] as const) {
    const hosts: ReadonlyArray<[string, MemoryHost.MemoryHost]> = [
      ...replies.map(([what, reply]): [string, MemoryHost.MemoryHost] => [what, MemoryHost.make(reply)]),
      [
        "a client that quotes the header it cannot send",
        thrown(() => new TypeError(`Headers.append: "Bearer ${canary}" is an invalid header value.`))
      ],
      [
        "a client that hides the request in its error",
        thrown(() =>
          Object.assign(new Error("reset", { cause: { code: "ECONNRESET", note: canary } }), { sent: secretPrompt })
        )
      ]
    ]
    for (const [what, host] of hosts) {
      it.effect(`${kind}: ${what}`, () =>
        Effect.gen(function* () {
          const { text } = yield* lane(kind)
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
      const openai = yield* lane("openai")
      assert.isFalse(inspect(openai, { depth: Infinity, showHidden: true }).includes(canary))
      assert.isFalse(JSON.stringify(openai).includes(canary))
      const refused = yield* Effect.flip(openai.text!.generate(request(secretPrompt, { sampling: { topK: 1 } })))
      assert.isFalse(forms(refused).includes(canary))
      assert.isFalse(forms(refused).includes(secretPrompt))
    }).pipe(Effect.provide(MemoryHost.make({}).layer))
  )

  it.effect("a placeholder that is no secret is left where it stands", () =>
    Effect.gen(function* () {
      const host = MemoryHost.make({ status: 400, body: { error: { message: "ollama has no such model", type: "x" } } })
      const { text } = yield* OpenAi.lane("m", { apiKey: Redacted.make("ollama") }).pipe(Effect.provide(host.layer))
      assert.strictEqual((yield* Effect.flip(text!.generate(hello))).detail, "ollama has no such model")
    })
  )
})
