import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { EventWriter } from "@holdfast/store-sql"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Collector from "./Collector.ts"
import { embedded, start } from "./Harness.ts"

/** A key that looks like none, so that nothing but knowing it takes it out, with characters that texts write otherwise. */
const providerKey = 'kelp/canary+of"the-rock='
/** Keys by their shape, one for each place in which a caller can put one. */
const callers = {
  authorization: "sk-caller1canary0000000000",
  "x-api-key": "sk-ant-caller2canary000000",
  "x-goog-api-key": "AIzaSycaller3canary0000000000000000",
  "x-holdfast-cache": "gsk_caller4canary0000000000",
  "user-agent": "hf_caller5canary00000000",
  query: "AIzaSycaller6canary0000000000000000",
  path: "sk-caller7canary0000000000",
  model: "sk-caller8canary0000000000",
  prompt: "sk-caller9canary0000000000",
  parameter: "xai-caller10canary0000000000"
} as const
const secrets = [
  providerKey,
  JSON.stringify(providerKey).slice(1, -1),
  encodeURIComponent(providerKey),
  ...Object.values(callers),
  "collector-canary-0000",
  "admin-canary-key-000000"
]
/** Of the prompt, which is nobody's business either. */
const words = "the colour of my first car was mauve"

const assertNone = (where: string, text: string) => {
  for (const secret of [
    ...secrets,
    ...secrets.map((secret) => Buffer.from(secret).toString("base64url").slice(0, 20))
  ]) {
    const at = text.indexOf(secret)
    assert.strictEqual(at, -1, at < 0 ? "" : `${where} says …${text.slice(Math.max(0, at - 150), at + 80)}…`)
  }
}

/** A provider that repeats all that it is sent, in the error, in its headers, and on a page. */
const parrot = Effect.gen(function* () {
  let served = 0
  const server = createServer((request: IncomingMessage, response) => {
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (part: string) => {
      body += part
    })
    request.on("end", () => {
      served += 1
      const key = String(request.headers.authorization).replace("Bearer ", "")
      const told = `You sent ${key} (${encodeURIComponent(key)}) to ${request.url}?key=${encodeURIComponent(key)} with ${body}`
      // `/429/v1/chat/completions` answers 429.
      const status = Number(request.url?.split("/")[1])
      response.writeHead(status, {
        "x-request-id": encodeURIComponent(key),
        "www-authenticate": encodeURIComponent(key)
      })
      response.end(
        served % 2 === 0
          ? `<html><title>${told}</title></html>`
          : JSON.stringify({ error: { message: told, code: key, type: key, param: key }, echo: told })
      )
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, served: () => served }
})

const statuses = [400, 401, 403, 404, 413, 429, 500, 503]
/** Nobody waits long for a lane that is open or cools. */
const half = "500 millis"
const clocks = { total: half, attempt: half, plainAttempt: half, firstContent: half, chunkGap: half, connect: half }
const policy = { preset: "interactive", retry: { maxRetries: 0 }, clocks }

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-secrets-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const contents = (directory: string) =>
  Effect.promise(async () => {
    const names = await readdir(directory)
    return Promise.all(names.map((name) => readFile(join(directory, name), "utf8"))).then((texts) => texts.join("\n"))
  })

/** Every row of every table. */
const rows = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const tables = yield* sql<{ readonly name: string }>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`
  const all = yield* Effect.forEach(tables, ({ name }) => sql`SELECT row_to_json(t)::text AS row FROM ${sql(name)} t`)
  return all.flat().map(({ row }) => String(row))
})

layer(embedded, { excludeTestServices: true })("a secret", (it) => {
  it.effect("in any place is in no log, span, metric, row, page or reply", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const collector = yield* Collector.make
      const provider = yield* parrot
      const scope = yield* Scope.make()
      const printed: Array<string> = []
      const { context, url } = yield* start({
        logs: true,
        config: {
          providers: Object.fromEntries(
            statuses.map((status) => [
              `p${status}`,
              { kind: "openai-compatible", key: { env: "PARROT_KEY" }, baseUrl: `${provider.url}/${status}/v1` }
            ])
          ),
          routes: {
            ...Object.fromEntries(statuses.map((status) => [`r${status}`, { lanes: [`p${status}/x`], policy }])),
            chat: { lanes: ["p503/x", "p500/x", "p429/x"], policy },
            shown: { lanes: ["p500/y"], policy, logContent: true },
            embed: { lanes: ["p500/embedding"], kind: "embed", policy }
          },
          logging: { level: "trace", console: false, files: { directory } },
          metrics: { tenants: 5 },
          otlp: { url: collector.url, headers: { env: "OTLP_HEADERS" } },
          admin: { key: { env: "ADMIN_KEY" } }
        },
        env: {
          PARROT_KEY: providerKey,
          OTLP_HEADERS: "authorization=Bearer collector-canary-0000",
          ADMIN_KEY: "admin-canary-key-000000"
        }
      }).pipe(Scope.provide(scope))

      const ask = (path: string, body: unknown, headers: { readonly [name: string]: string } = {}) =>
        Effect.promise(async () => {
          const response = await fetch(`${url}${path}`, {
            method: "POST",
            headers: {
              authorization: `Bearer ${callers.authorization}`,
              "content-type": "application/json",
              ...headers
            },
            body: JSON.stringify(body)
          })
          const reply = `${JSON.stringify([...response.headers])}\n${await response.text()}`
          printed.push(reply)
          return response.status
        })
      const messages = [{ role: "user", content: `My key is ${callers.prompt}, and ${words}.` }]
      const chat = { model: "chat", messages }
      for (const model of [...statuses.map((status) => `r${status}`), "chat"]) {
        assert.isAtLeast(yield* ask(`/v1/chat/completions?key=${callers.query}`, { ...chat, model }), 400)
        yield* ask("/v1/chat/completions", { ...chat, model, stream: true })
      }
      yield* ask("/v1/chat/completions", { ...chat, model: "shown" })
      yield* ask("/v1/embeddings", { model: "embed", input: messages[0]?.content })
      yield* ask("/v1/chat/completions", chat, {
        "x-api-key": callers["x-api-key"],
        "user-agent": callers["user-agent"]
      })
      yield* ask("/v1/chat/completions", chat, { "x-goog-api-key": callers["x-goog-api-key"] })
      yield* ask("/v1/chat/completions", chat, { "x-holdfast-cache": callers["x-holdfast-cache"] })
      yield* ask("/v1/chat/completions", chat, { traceparent: `00-${callers.authorization}-00f067aa0ba902b7-01` })
      yield* ask("/v1/chat/completions", { ...chat, model: callers.model })
      yield* ask("/v1/chat/completions", { ...chat, temperature: callers.parameter, stop: { a: callers.parameter } })
      yield* ask(`/v1/models/${callers.path}`, {})
      yield* ask(`/${callers.path}`, {})
      assert.isAtLeast(provider.served(), statuses.length)

      yield* EventWriter.EventWriter.use((writer) => writer.flush).pipe(Effect.provide(context))
      for (const path of [
        "/",
        "/metrics",
        "/health/ready",
        "/api/health",
        "/api/state",
        "/api/errors",
        "/api/operations",
        "/api/series"
      ]) {
        printed.push(yield* Effect.promise(() => fetch(`${url}${path}`).then((response) => response.text())))
      }
      const kept = yield* rows
      yield* Scope.close(scope, Exit.void)
      const log = yield* contents(directory)
      const traced = collector.requests.map(({ body }) => body).join("\n")

      assert.isAbove(kept.length, 10)
      assert.isAbove(collector.spans().length, 10)
      assert.isAbove(log.split("\n").length, 30)
      for (const [where, text] of [
        ["a reply or a page", printed.join("\n")],
        ["a row", kept.join("\n")],
        ["the log", log],
        ["a span or a metric", traced]
      ] as const) {
        assertNone(where, text)
        assert.include(text, "[redacted]", where)
      }

      // Prompts are fingerprints, but for the route that asked for more, and even then without the key in them.
      const lines = log.split("\n").filter((line) => line.includes(words))
      assert.strictEqual(lines.length, 1)
      for (const line of lines)
        assert.deepInclude(JSON.parse(line), { logger: "content", route: "shown", level: "info" })
      for (const text of [kept.join("\n"), traced]) assert.notInclude(text, words)
    })
  )
})
