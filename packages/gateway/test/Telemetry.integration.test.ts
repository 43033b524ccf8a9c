import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Schema, Scope } from "effect"
import { Event } from "@holdfast/core"
import { Names } from "@holdfast/telemetry"
import { readFileSync } from "node:fs"
import { parser } from "@prometheus-io/lezer-promql"
import * as Prometheus from "@holdfast/telemetry/test/Prometheus"
import type { OpenAI } from "openai"
import * as Yaml from "yaml"
import * as Collector from "./Collector.ts"
import { embedded, primary, question, secondary, start } from "./Harness.ts"

const file = (path: string) => readFileSync(new URL(`../../../deploy/${path}`, import.meta.url), "utf8")

const metricsOf = (url: string) => Effect.promise(() => fetch(`${url}/metrics`).then((response) => response.text()))

/** Reads a stream to its end. */
const drain = (client: OpenAI) =>
  Effect.promise(async () => {
    const chunks = await client.chat.completions.create({ ...question, stream: true })
    for await (const chunk of chunks) assert.strictEqual(chunk.object, "chat.completion.chunk")
  })

/** Most of what can happen, in a second: retries, a fallback, an open circuit, a hint, streams, vectors, a refused key. */
const storm = Effect.gen(function* () {
  const gateway = yield* start({
    gemini: {
      rules: [
        { when: { requests: { to: 1 } }, fault: { _tag: "RateLimit", retryAfter: "100 millis" } },
        { when: { requests: { from: 2, to: 6 } }, fault: { _tag: "ServiceUnavailable" } },
        { fault: { _tag: "BadKey" } }
      ]
    },
    config: { metrics: { tenants: 1 } }
  })
  const { client, url } = gateway
  const ask = (team: string) =>
    Effect.promise(() =>
      client.chat.completions.create(question, { headers: { authorization: `Bearer key-of-${team}` } })
    )
  for (const team of ["red", "red", "blue", "green"]) yield* ask(team)
  yield* drain(client)
  yield* Effect.promise(() => client.embeddings.create({ model: "embed", input: "kelp" }))
  yield* Effect.sleep("700 millis")
  yield* ask("red")
  return { ...gateway, text: yield* metricsOf(url) }
})

const caller = { trace: "4bf92f3577b34da6a3ce929d0e0e4736", span: "00f067aa0ba902b7" }
const traceparent = `00-${caller.trace}-${caller.span}-01`

layer(embedded, { excludeTestServices: true })("what a gateway says", (it) => {
  it.effect("in a storm is text that Prometheus reads, with what happened in it", () =>
    Effect.gen(function* () {
      const { gemini, openAi, text, url } = yield* storm
      const { headers } = yield* Effect.promise(() => fetch(`${url}/metrics`))
      assert.strictEqual(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      const counted = (lane: string) =>
        Prometheus.samples(text, "holdfast_attempts_total", { lane }).reduce((sum, { value }) => sum + Number(value), 0)
      assert.strictEqual(counted(primary), (yield* gemini.journal).length)
      const sent = (yield* openAi.journal).length
      assert.strictEqual(counted(secondary) + counted("openai/text-embedding-3-small"), sent)
      assert.strictEqual(Prometheus.value(text, "holdfast_operation_duration_seconds_count", { route: "chat" }), 6)
      assert.strictEqual(
        Prometheus.value(text, "gen_ai_server_request_duration_seconds_count", { gen_ai_request_model: "embed" }),
        1
      )
      assert.isAtLeast(
        Prometheus.value(text, "holdfast_circuit_transitions_total", { circuit: primary, state: "open" }),
        1
      )
      assert.strictEqual(
        Prometheus.value(text, "holdfast_attention_total", { lane: primary, class: "Authentication" }),
        1
      )
      const tenants = Prometheus.samples(text, "holdfast_tenant_operations_total")
      const [red, other, ...more] = tenants.map(({ labels, value }) => [labels?.["tenant"] ?? "", value] as const)
      assert.match(red?.[0] ?? "", /^key-[0-9a-f]{12}$/)
      assert.strictEqual(red?.[1], "3")
      assert.deepStrictEqual(other, ["other", "4"])
      assert.deepStrictEqual(more, [])
      assert.strictEqual(Prometheus.value(text, "holdfast_metrics_missed_total"), 0)
    })
  )

  it.effect("in a storm has every metric and every label that the dashboard and the alerts ask for", () =>
    Effect.gen(function* () {
      const { text } = yield* storm
      const queries = [
        ...queriesOfDashboard(file("grafana/holdfast.json")),
        ...queriesOfAlerts(file("prometheus/alerts.yaml"))
      ]
      assert.isAbove(queries.length, 30)
      const known = new Map(Object.values(Names.metrics).map((metric) => [Names.prometheus(metric), metric]))
      const asked = new Set<string>()
      for (const query of queries) {
        const { labels, metrics } = read(query)
        assert.isAbove(metrics.length, 0, query)
        for (const metric of metrics) {
          const name = metric.replace(/_(?:bucket|sum|count)$/, "")
          asked.add(known.has(name) ? name : metric)
          assert.isTrue(known.has(name) || known.has(metric), `${metric} is not in the table: ${query}`)
        }
        const given = metrics.flatMap(
          (metric) => known.get(metric.replace(/_(?:bucket|sum|count)$/, ""))?.labels ?? known.get(metric)?.labels ?? []
        )
        const allowed = new Set(["le", "job", "instance", ...given.map((label) => label.replaceAll(".", "_"))])
        for (const label of labels) assert.isTrue(allowed.has(label), `no label ${label}: ${query}`)
        for (const [, label = "", value = ""] of query.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)) {
          for (const one of value.split("|")) {
            assert.isTrue(one === ".*" || isValue(label, one), `${label} is never ${one}: ${query}`)
          }
        }
      }
      // Those that need something the storm has not: a budget that is spent, an adaptive bulkhead, limits that are stated.
      const rare = new Set([
        "holdfast_retries_suppressed_total",
        "holdfast_lane_concurrency_limit",
        "holdfast_limit_remaining",
        "holdfast_hedges_total",
        "holdfast_streams_continued_total",
        "holdfast_failures_unclassified_total",
        "holdfast_circuit_holds",
        "holdfast_operation_waits_total",
        "holdfast_metrics_overflow_total",
        "holdfast_journal_size_bytes",
        "holdfast_journal_failing"
      ])
      const there = Prometheus.names(text)
      for (const name of asked) {
        if (rare.has(name)) continue
        assert.isTrue(there.has(name) || there.has(`${name}_bucket`), `${name} is not in /metrics`)
      }
    })
  )

  it.effect("is traced in one tree: request, operation, attempts; below its caller, and told to providers", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.make
      const scope = yield* Scope.make()
      const { client, gemini, openAi } = yield* start({
        gemini: { rules: [{ fault: { _tag: "ServiceUnavailable" } }] },
        policy: { retry: { maxRetries: 0 } },
        config: { otlp: { url: collector.url, headers: { env: "OTLP_HEADERS" } } },
        env: { OTLP_HEADERS: "authorization=Bearer%20collector-canary,x-scope=kelp" }
      }).pipe(Scope.provide(scope))
      yield* Effect.promise(() => client.chat.completions.create(question, { headers: { traceparent } }))
      // What is left is sent when the gateway stops.
      yield* Scope.close(scope, Exit.void)

      const spans = collector.spans()
      assert.strictEqual(spans.length, 4)
      for (const span of spans) {
        assert.strictEqual(span.traceId, caller.trace)
        assert.strictEqual(span.resource["service.name"], "holdfast")
        assert.isTrue(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano))
      }
      const named = (name: string) => spans.find((span) => span.name === name)
      const request = named("POST")
      assert.strictEqual(request?.parentSpanId, caller.span)
      assert.deepInclude(request?.attributes, {
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200
      })
      const operation = named("chat chat")
      assert.strictEqual(operation?.parentSpanId, request?.spanId)
      assert.deepInclude(operation?.attributes, {
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o-mini",
        "holdfast.attempts": 2,
        "holdfast.degraded": true
      })
      const [failed, answered] = [named("chat gemini-3.5-flash"), named("chat gpt-4o-mini")]
      assert.strictEqual(failed?.parentSpanId, operation?.spanId)
      assert.strictEqual(answered?.parentSpanId, operation?.spanId)
      assert.deepInclude(failed?.attributes, { "error.type": "ServiceUnavailable", "http.response.status_code": 503 })
      assert.strictEqual(failed?.status.code, 2)
      assert.strictEqual(answered?.status.code, 1)

      for (const entry of [...(yield* gemini.journal), ...(yield* openAi.journal)]) {
        assert.strictEqual(entry.headers["traceparent"], `00-${caller.trace}-${request?.spanId}-01`)
      }
      const names = collector.metrics().map(({ name }) => name)
      for (const name of ["gen_ai.client.operation.duration", "holdfast.attempts", "holdfast.circuit.state"]) {
        assert.include(names, name)
      }
      for (const { headers } of collector.requests) {
        assert.strictEqual(headers["authorization"], "Bearer collector-canary")
        assert.strictEqual(headers["x-scope"], "kelp")
      }
    })
  )

  it.effect("is a trace of its own for a caller who has none, and traces no looks at its health", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.make
      const scope = yield* Scope.make()
      const { client, url } = yield* start({ config: { otlp: { url: collector.url } } }).pipe(Scope.provide(scope))
      yield* metricsOf(url)
      yield* Effect.promise(() => fetch(`${url}/health/ready`))
      yield* drain(client)
      yield* Scope.close(scope, Exit.void)
      const spans = collector.spans()
      assert.deepStrictEqual(spans.map((span) => span.name).toSorted(), ["POST", "chat chat", "chat gemini-3.5-flash"])
      assert.strictEqual(new Set(spans.map((span) => span.traceId)).size, 1)
      const roots = spans.filter((span) => span.parentSpanId === undefined)
      assert.deepStrictEqual(
        roots.map((span) => span.name),
        ["POST"]
      )
    })
  )

  it.effect("is served while its collector is away, and says nothing to providers where nobody traces", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { client } = yield* start({
        config: { otlp: { url: "http://127.0.0.1:9", spansEvery: "10 millis", metricsEvery: "10 millis" } }
      }).pipe(Scope.provide(scope))
      for (let n = 0; n < 5; n++) yield* Effect.promise(() => client.chat.completions.create(question))
      yield* Scope.close(scope, Exit.void)
      const untraced = yield* start()
      yield* Effect.promise(() => untraced.client.chat.completions.create(question, { headers: { traceparent } }))
      const [entry] = yield* untraced.gemini.journal
      assert.isUndefined(entry?.headers["traceparent"])
    })
  )
})

/** Whether a label can have that value: a class is one of the results of events, the others are listed with their names. */
const isValue = (label: string, value: string): boolean =>
  label === "class"
    ? Schema.is(Event.Result)(value)
    : Object.entries(Names.labels).some(([name, says]) => name === label && says.includes(`\`${value}\``))

/** The metrics and the labels that a query names, by Prometheus' own grammar. */
const read = (query: string) => {
  const metrics: Array<string> = []
  const labels = new Set<string>()
  parser.parse(query).iterate({
    enter: ({ from, name, to }) => {
      const text = query.slice(from, to)
      if (name === "⚠") throw new Error(`not PromQL: ${query}`)
      if (name === "Identifier") metrics.push(text)
      if (name === "LabelName") labels.add(text)
    }
  })
  return { metrics, labels: [...labels] }
}

const Dashboard = Schema.Struct({
  panels: Schema.Array(
    Schema.Struct({
      title: Schema.String,
      targets: Schema.optional(Schema.Array(Schema.Struct({ expr: Schema.String })))
    })
  ),
  templating: Schema.Struct({
    list: Schema.Array(Schema.Struct({ name: Schema.String, query: Schema.Unknown }))
  })
})

/** Every query of the dashboard, with its variables as Grafana fills them in. */
const queriesOfDashboard = (text: string): ReadonlyArray<string> => {
  const { panels, templating } = Schema.decodeUnknownSync(Dashboard)(JSON.parse(text))
  const variables = new Set(["$__rate_interval", "$datasource", ...templating.list.map(({ name }) => `$${name}`)])
  return panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => {
      for (const [variable] of expr.matchAll(/\$\w+/g)) assert.isTrue(variables.has(variable), `${variable}: ${expr}`)
      return expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*")
    })
  )
}

const Alerts = Schema.Struct({
  groups: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      rules: Schema.Array(
        Schema.Struct({
          alert: Schema.String,
          expr: Schema.String,
          labels: Schema.Struct({ severity: Schema.Literals(["page", "ticket"]) }),
          annotations: Schema.Struct({ summary: Schema.String, description: Schema.String })
        })
      )
    })
  )
})

const queriesOfAlerts = (text: string): ReadonlyArray<string> =>
  Schema.decodeUnknownSync(Alerts)(Yaml.parse(text)).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
