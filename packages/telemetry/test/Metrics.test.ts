import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { CircuitBreaker, type Event, EventBus, Lane, Limits, Policy, Resilience } from "@holdfast/core"
import { Metrics, Names } from "../src/index.ts"
import { attempt, ended } from "./events.ts"
import * as Prometheus from "./Prometheus.ts"

const lane = Lane.make({ id: "openai/gpt-x", provider: "openai", model: "gpt-x", credential: "k", capabilities: {} })

/** Metrics of a pipeline of their own, and what they say after some events. */
const open = Effect.fnUntraced(function* (options?: Metrics.Options) {
  const context = yield* Layer.build(Metrics.layer(options).pipe(Layer.provideMerge(Resilience.layer)))
  const bus = Context.get(context, EventBus.EventBus)
  const { prometheus } = Context.get(context, Metrics.Metrics)
  return {
    context,
    publish: (...drafts: ReadonlyArray<Event.Draft>) => Effect.forEach(drafts, bus.publish, { discard: true }),
    text: Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 20 }), prometheus)
  }
})

describe("metrics", () => {
  it.effect("count an operation once, with the tokens of all its attempts", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open()
      yield* publish(
        attempt({ lane: "gemini/g", provider: "gemini", model: "g", result: "ModelOverloaded", inputTokens: 5 }),
        attempt({ attempt: 2, inputTokens: 10, outputTokens: 20 }),
        ended({ attempts: 2, degraded: true, inputTokens: 15, outputTokens: 20 })
      )
      const said = yield* text
      const client = { gen_ai_provider_name: "openai", gen_ai_request_model: "gpt-x", gen_ai_operation_name: "chat" }
      assert.strictEqual(Prometheus.value(said, "gen_ai_client_operation_duration_seconds_count", client), 1)
      for (const [type, sum] of [
        ["input", 15],
        ["output", 20]
      ] as const) {
        const labels = { ...client, gen_ai_token_type: type }
        assert.strictEqual(Prometheus.value(said, "gen_ai_client_token_usage_sum", labels), sum)
        assert.strictEqual(Prometheus.value(said, "gen_ai_client_token_usage_bucket", { ...labels, le: "4" }), 0)
        assert.strictEqual(Prometheus.value(said, "gen_ai_client_token_usage_bucket", { ...labels, le: "64" }), 1)
        assert.strictEqual(Prometheus.value(said, "gen_ai_client_token_usage_bucket", { ...labels, le: "+Inf" }), 1)
      }
      assert.strictEqual(Prometheus.samples(said, "gen_ai_client_token_usage_count").length, 2)
      const attempts = { route: "chat", lane: "gemini/g", class: "ModelOverloaded", outcome: "failure" }
      assert.strictEqual(Prometheus.value(said, "holdfast_attempts_total", attempts), 1)
      const operation = {
        route: "chat",
        kind: "text",
        class: "Success",
        outcome: "success",
        source: "lane",
        degraded: "true"
      }
      assert.strictEqual(Prometheus.value(said, "holdfast_operations_total", operation), 1)
      assert.strictEqual(Prometheus.value(said, "holdfast_operation_attempts_sum", { route: "chat" }), 2)
      // No caller over a network: there is no server.
      assert.deepStrictEqual(Prometheus.samples(said, "gen_ai_server_request_duration_seconds_count"), [])
    })
  )

  it.effect("say nothing of a provider that was not asked, and of a server where there is one", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open({ isServer: true })
      yield* publish(ended({ lane: undefined, attempts: 0, source: "cache", durationMillis: 2 }))
      const said = yield* text
      assert.deepStrictEqual(Prometheus.samples(said, "gen_ai_client_operation_duration_seconds_count"), [])
      assert.strictEqual(Prometheus.value(said, "holdfast_operations_total", { source: "cache" }), 1)
      const server = { gen_ai_request_model: "chat", gen_ai_provider_name: "holdfast" }
      assert.strictEqual(Prometheus.value(said, "gen_ai_server_request_duration_seconds_count", server), 1)
    })
  )

  it.effect("time the first content from the start of the operation, not of the attempt", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open({ isServer: true })
      yield* publish(
        attempt({ kind: "stream", startedAt: -700, firstContentMillis: 100, durationMillis: 700 }),
        ended({ kind: "stream", durationMillis: 1000, firstContentMillis: 400 })
      )
      const said = yield* text
      for (const name of [
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        "gen_ai_server_time_to_first_token_seconds"
      ]) {
        assert.strictEqual(Prometheus.value(said, `${name}_count`), 1)
        assert.strictEqual(Prometheus.value(said, `${name}_sum`), 0.4)
      }
      assert.strictEqual(Prometheus.value(said, "holdfast_attempt_first_content_seconds_sum"), 0.1)
    })
  )

  it.effect("count what is decided, and what no rule knows", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open()
      const of = { operation: "op-1", route: "chat", lane: "l", provider: "p", model: "m", attempt: 1 }
      yield* publish(
        { _tag: "RetryScheduled", ...of, reason: "RateLimit", delayMillis: 1 },
        { _tag: "RetrySuppressed", ...of, reason: "RateLimit" },
        { _tag: "LaneRefused", ...of, reason: "LimitReached", limit: "cooling" },
        { _tag: "FailedOver", ...of, from: "l", to: "k", reason: "CircuitOpen" },
        { _tag: "Hedged", ...of, from: "l", to: "k", delayMillis: 1 },
        { _tag: "StreamContinued", ...of, from: "l", to: "k", mode: "continue", reason: "Network" },
        { _tag: "WaitingForLane", ...of, delayMillis: 1 },
        { _tag: "CircuitChanged", circuit: "l", from: "closed", to: "open", reason: "x", failures: 5 },
        { _tag: "AttentionNeeded", ...of, reason: "Authentication", rule: "r", message: "m" },
        { _tag: "LaneCooling", ...of, credential: "c", reason: "RateLimit", untilMillis: 1 },
        attempt({ result: "Unknown" })
      )
      const said = yield* text
      for (const [name, labels] of [
        ["holdfast_retries_total", { lane: "l", class: "RateLimit" }],
        ["holdfast_retries_suppressed_total", { lane: "l", budget: "lane" }],
        ["holdfast_lane_refusals_total", { lane: "l", reason: "cooling" }],
        ["holdfast_failovers_total", { route: "chat", lane: "l", reason: "CircuitOpen" }],
        ["holdfast_hedges_total", { route: "chat" }],
        ["holdfast_streams_continued_total", { route: "chat", mode: "continue" }],
        ["holdfast_operation_waits_total", { route: "chat" }],
        ["holdfast_circuit_transitions_total", { circuit: "l", state: "open" }],
        ["holdfast_attention_total", { lane: "l", class: "Authentication" }],
        ["holdfast_lane_coolings_total", { lane: "l" }],
        ["holdfast_failures_unclassified_total", { lane: "openai/gpt-x" }]
      ] as const) {
        assert.strictEqual(Prometheus.value(said, name, labels), 1, name)
      }
    })
  )

  it.effect("read what is the case when somebody looks", () =>
    Effect.gen(function* () {
      const { context, text } = yield* open({ watched: [{ lane, policy: Policy.standard }] })
      const breaker = Context.get(context, CircuitBreaker.CircuitBreaker)
      yield* Effect.provide(
        Resilience.Resilience.use(({ register }) => register(lane)),
        context
      )
      yield* Limits.Limits.use((limits) => limits.cool(lane, 30_000)).pipe(Effect.provide(context))
      const letGo = yield* breaker.hold("acme", "force-open", "test")
      const said = yield* text
      assert.strictEqual(Prometheus.value(said, "holdfast_circuit_holds", { circuit: "acme", mode: "force-open" }), 1)
      const states = Prometheus.samples(said, "holdfast_circuit_state", { circuit: "acme" })
      assert.deepStrictEqual(
        states.map(({ labels, value }) => [labels?.["state"], value]),
        [
          ["closed", "1"],
          ["open", "0"],
          ["half-open", "0"]
        ]
      )
      assert.strictEqual(Prometheus.value(said, "holdfast_lane_cooling_seconds", { lane: lane.id }), 30)
      assert.strictEqual(Prometheus.value(said, "holdfast_lane_status", { lane: lane.id, status: "idle" }), 1)
      assert.isAbove(Prometheus.value(said, "holdfast_retry_budget_balance", { lane: lane.id }), 0)
      assert.strictEqual(Prometheus.value(said, "holdfast_lane_running", { lane: lane.id }), 0)
      yield* letGo
      assert.deepStrictEqual(Prometheus.samples(yield* text, "holdfast_circuit_holds"), [])
    })
  )

  it.effect("let no label have more values than it may, and count what became other", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open({ maxLabelValues: 3, maxTenants: 2 })
      for (let n = 0; n < 10; n++) yield* publish(attempt({ lane: `l${n}`, operation: `op-${n}` }))
      for (let n = 0; n < 10; n++)
        yield* publish(ended({ operation: `o-${n}`, tenant: `t${n}`, inputTokens: 3, usd: 0.5 }))
      const said = yield* text
      const lanes = Prometheus.samples(said, "holdfast_attempts_total").map(({ labels }) => labels?.["lane"] ?? "")
      assert.deepStrictEqual(
        lanes.toSorted((a, b) => a.localeCompare(b)),
        ["l0", "l1", "l2", "other"]
      )
      assert.strictEqual(Prometheus.value(said, "holdfast_attempts_total", { lane: "other" }), 7)
      assert.strictEqual(Prometheus.value(said, "holdfast_tenant_operations_total", { tenant: "other" }), 8)
      assert.strictEqual(Prometheus.value(said, "holdfast_tenant_tokens_total", { tenant: "t1" }), 3)
      assert.strictEqual(Prometheus.value(said, "holdfast_tenant_cost_usd_total", { tenant: "other" }), 4)
      assert.strictEqual(Prometheus.value(said, "holdfast_metrics_overflow_total", { label: "tenant" }), 24)
      assert.isAtLeast(Prometheus.value(said, "holdfast_metrics_overflow_total", { label: "lane" }), 7)
    })
  )

  it.effect("say how many events they have lost by being slow", () =>
    Effect.gen(function* () {
      const { context, text } = yield* open({ capacity: 10 })
      const bus = Context.get(context, EventBus.EventBus)
      for (let n = 0; n < 100; n++) bus.publishUnsafe(0, attempt({ operation: `op-${n}` }))
      const said = yield* text
      assert.strictEqual(Prometheus.value(said, "holdfast_metrics_missed_total"), 90)
      assert.strictEqual(Prometheus.value(said, "holdfast_attempts_total"), 10)
    })
  )

  it.effect("survive names that Prometheus has to escape", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open()
      const odd = 'a "quoted"\\ back\nslash'
      yield* publish(attempt({ lane: odd }))
      assert.match(yield* text, /lane="a \\"quoted\\"\\\\ back\\nslash"/)
    })
  )

  it.effect("have only names and labels of the table", () =>
    Effect.gen(function* () {
      const { publish, text } = yield* open({ watched: [{ lane, policy: Policy.standard }], isServer: true })
      yield* publish(attempt({ result: "Unknown", inputTokens: 1, outputTokens: 1 }), ended({ result: "Unknown" }))
      const known = new Map(Object.values(Names.metrics).map((metric) => [Names.prometheus(metric), metric]))
      const said = yield* text
      for (const [name, { help, metrics, type }] of Prometheus.families(said)) {
        const metric = known.get(name)
        assert.isDefined(metric, name)
        assert.strictEqual(help, metric?.description)
        assert.strictEqual(type, metric?.type.toUpperCase())
        const labels: ReadonlyArray<string> = (metric?.labels ?? []).map((label) => label.replaceAll(".", "_"))
        for (const { labels: given = {} } of type === "HISTOGRAM"
          ? Prometheus.samples(said, `${name}_count`)
          : metrics) {
          for (const label of Object.keys(given)) assert.include(labels, label, name)
        }
      }
    })
  )
})
