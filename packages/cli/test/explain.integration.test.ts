import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { folder } from "./Command.ts"

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))

const config = `
providers:
  openai: { key: { env: A_KEY_THAT_IS_NOT_SET } }
  local:  { kind: openai-compatible, baseUrl: http://127.0.0.1:1/v1 }
routes:
  chat:
    lanes: [openai/gpt-4o-mini, local/llama]
    policy:
      preset: standard
      retry: { maxRetries: 1, base: 3 seconds }
      breaker: { consecutiveFailures: 7 }
      fallback: { onContentPolicy: true }
      stream: { onFailure: continue }
    degraded: "Later, please."
  embed: { lanes: [openai/text-embedding-3-small] }
`

/** Explains a route of the configuration. */
const explain = Effect.fnUntraced(function* (text: string, ...args: ReadonlyArray<string>) {
  const file = join(yield* folder, "holdfast.yaml")
  yield* Effect.promise(() => writeFile(file, text))
  return spawnSync(process.execPath, [main, "explain", ...args, "--config", file], {
    encoding: "utf8",
    env: { PATH: process.env.PATH }
  })
})

// Processes of their own: seconds on a busy machine.
const patience = 60_000

describe("holdfast explain", () => {
  it.live(
    "says in numbers what a route does, without any key",
    () =>
      Effect.gen(function* () {
        const { status, stdout } = yield* explain(config, "chat")
        assert.strictEqual(status, 0)
        const says = [
          "Route chat: text, over 2 lanes",
          "1. openai/gpt-4o-mini: window 128000 tokens",
          "a million tokens cost $0.15 in, $0.6 out",
          "2. local/llama: nothing is known of what it can do; its price is not known",
          "Its circuit opens after 7 failures in a row",
          "RateLimit: asked again once, after 6s; then the next lane",
          "ServiceUnavailable, Timeout, Network, InvalidResponse, StreamTruncated: asked again once, after 3s",
          "Authentication: not asked again; then the next lane; opens the credential's circuit at once; a person is told",
          "ContentPolicy: not asked again; then the next lane",
          "is gone on with, never behind a tool call",
          'When nothing else answers: "Later, please."'
        ]
        for (const sentence of says) assert.include(stdout, sentence)
        assert.notInclude(stdout, "Route embed")
      }),
    patience
  )

  it.live(
    "explains all routes where none is named",
    () =>
      Effect.gen(function* () {
        const { stdout } = yield* explain(config)
        assert.include(stdout, "Route chat")
        assert.include(stdout, "Route embed: vectors, over 1 lane")
        assert.include(stdout, "there is no other lane")
      }),
    patience
  )

  it.live(
    "names the routes there are, and refuses a configuration that cannot work",
    () =>
      Effect.gen(function* () {
        const unknown = yield* explain(config, "chatt")
        assert.strictEqual(unknown.status, 1)
        assert.strictEqual(unknown.stderr.trim(), 'There is no route "chatt"; there is: chat, embed')
        const short = yield* explain(
          config.replace("degraded:", "needs: { contextTokens: 200000 }\n    degraded:"),
          "chat"
        )
        assert.strictEqual(short.status, 1)
        assert.include(short.stderr, "openai/gpt-4o-mini holds at most 128000 tokens, 200000 are asked for")
      }),
    patience
  )
})
