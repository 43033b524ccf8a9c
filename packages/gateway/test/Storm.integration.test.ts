import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, References, Schema } from "effect"
import { Healthy } from "@holdfast/chaos"
import { BadRequestError, type OpenAI } from "openai"
import { embedded, hurried, primary, question, secondary, start } from "./Harness.ts"

const ask = (client: OpenAI) =>
  Effect.promise(() => client.chat.completions.create(question).withResponse()).pipe(
    Effect.map(({ data, response }) => ({
      text: data.choices[0]?.message.content,
      model: data.model,
      lane: response.headers.get("x-holdfast-lane"),
      attempts: Number(response.headers.get("x-holdfast-attempts")),
      degraded: response.headers.get("x-holdfast-degraded")
    }))
  )

const Report = Schema.Struct({
  lanes: Schema.Array(Schema.Struct({ lane: Schema.String, circuit: Schema.Struct({ state: Schema.String }) }))
})

const circuitOf = (url: string, lane: string) =>
  Effect.promise(() => fetch(`${url}/api/health`).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Report)),
    Effect.map((report) => report.lanes.find((one) => one.lane === lane)?.circuit.state)
  )

layer(embedded, { excludeTestServices: true })("a gateway in a storm, asked by the official SDK", (it) => {
  it.effect("a primary that answers 503: the fallback answers, the circuit opens after five, probes, and closes", () =>
    Effect.gen(function* () {
      const { client, gemini, url } = yield* start({
        gemini: { rules: [{ fault: { _tag: "ServiceUnavailable" } }] },
        policy: { retry: { maxRetries: 0 } }
      })
      const circuit = circuitOf(url, primary)
      for (let n = 1; n <= 5; n++) {
        const answer = yield* ask(client)
        assert.deepStrictEqual(answer, {
          text: Healthy.sixtyWords,
          model: "gpt-4o-mini",
          lane: secondary,
          attempts: 2,
          degraded: "true"
        })
        assert.strictEqual(yield* circuit, n < 5 ? "closed" : "open")
      }
      // Open: the primary is not called at all.
      const skipped = yield* ask(client)
      assert.strictEqual(skipped.attempts, 1)
      assert.strictEqual((yield* gemini.journal).length, 5)
      // Still down at the probe: one call, and open again.
      yield* Effect.sleep("700 millis")
      assert.strictEqual((yield* ask(client)).lane, secondary)
      assert.strictEqual((yield* gemini.journal).length, 6)
      assert.strictEqual(yield* circuit, "open")
      // Recovered: the probe closes it, and the primary answers again.
      yield* gemini.setPlan({ ...(yield* gemini.plan), rules: [] })
      yield* Effect.sleep("700 millis")
      const healed = yield* ask(client)
      assert.strictEqual(healed.lane, primary)
      assert.strictEqual(healed.model, "gemini-3.5-flash")
      assert.strictEqual(healed.degraded, "false")
      assert.strictEqual(yield* circuit, "closed")
    })
  )

  it.effect("a 429 with a hint: waited as long as asked, then served by the same lane", () =>
    Effect.gen(function* () {
      const { client, gemini } = yield* start({
        gemini: { rules: [{ when: { requests: { to: 1 } }, fault: { _tag: "RateLimit", retryAfter: "1 second" } }] }
      })
      const answer = yield* ask(client)
      assert.strictEqual(answer.lane, primary)
      assert.strictEqual(answer.attempts, 2)
      const [first, second] = yield* gemini.journal
      assert.isAtLeast((second?.t ?? 0) - (first?.t ?? 0), 1000)
    })
  )

  it.effect("an exhausted quota: one retry at most, then the fallback", () =>
    Effect.gen(function* () {
      const { client, gemini } = yield* start({ gemini: { rules: [{ fault: { _tag: "QuotaExhausted" } }] } })
      const answer = yield* ask(client)
      assert.strictEqual(answer.lane, secondary)
      assert.isAtMost((yield* gemini.journal).length, 2)
    })
  )

  it.effect("a refused key: no retry, the fallback, one line in the log for somebody to look at", () =>
    Effect.gen(function* () {
      const lines: Array<{ readonly level: string; readonly message: string; readonly alert: unknown }> = []
      const logger = Logger.make(({ fiber, logLevel, message }) => {
        lines.push({
          level: logLevel,
          message: String(message),
          alert: fiber.getRef(References.CurrentLogAnnotations).alert
        })
      })
      yield* Effect.gen(function* () {
        const { client, gemini } = yield* start({ gemini: { rules: [{ fault: { _tag: "BadKey" } }] } })
        const answer = yield* ask(client)
        assert.strictEqual(answer.lane, secondary)
        assert.strictEqual((yield* gemini.journal).length, 1)
        // The credential's circuit is open: its key is not tried again.
        assert.strictEqual((yield* ask(client)).attempts, 1)
        assert.strictEqual((yield* gemini.journal).length, 1)
      }).pipe(Effect.provide(Logger.layer([logger])))
      const alerts = lines.filter((line) => line.level === "Error")
      assert.strictEqual(alerts.length, 1)
      assert.isTrue(alerts[0]?.alert)
      assert.include(alerts[0]?.message, "gemini does not accept the credential")
      assert.isFalse(lines.some((line) => line.message.includes("canary")))
    })
  )

  it.effect("a content block: no retry, no fallback, a typed error in OpenAI's shape", () =>
    Effect.gen(function* () {
      const { client, gemini, openAi } = yield* start({ gemini: { rules: [{ fault: { _tag: "ContentBlock" } }] } })
      const error = yield* Effect.promise(() =>
        client.chat.completions.create(question).then(
          () => undefined,
          (thrown: unknown) => thrown
        )
      )
      assert.instanceOf(error, BadRequestError)
      assert.strictEqual(error.status, 400)
      assert.strictEqual(error.code, "content_policy_violation")
      assert.strictEqual(error.type, "invalid_request_error")
      assert.strictEqual((yield* gemini.journal).length, 1)
      assert.strictEqual((yield* openAi.journal).length, 0)
    })
  )

  for (const stream of [false, true]) {
    it.effect(
      `a hang (${stream ? "stream" : "plain"}): the clock runs out, the fallback answers, the socket is closed`,
      () =>
        Effect.gen(function* () {
          const { client, gemini } = yield* start({ gemini: { rules: [{ fault: { _tag: "Hang" } }] } })
          if (stream) {
            const chunks = yield* Effect.promise(async () => {
              let text = ""
              for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) {
                text += chunk.choices[0]?.delta.content ?? ""
              }
              return text
            })
            assert.strictEqual(chunks, Healthy.sixtyWords)
          } else assert.strictEqual((yield* ask(client)).lane, secondary)
          const [entry] = yield* gemini.journal
          const closed = yield* gemini.awaitClosed(entry?.id ?? -1)
          assert.strictEqual(closed.closedBy, "client")
          assert.strictEqual((yield* gemini.journal).length, 1)
        })
    )

    it.effect(`a client that leaves (${stream ? "stream" : "plain"}): the provider's socket closes within 100 ms`, () =>
      Effect.gen(function* () {
        const { client, gemini } = yield* start({
          gemini: stream ? { healthy: { chunkDelay: "50 millis" } } : { rules: [{ fault: { _tag: "Hang" } }] },
          policy: { clocks: { ...hurried.clocks, plainAttempt: "5 seconds" } }
        })
        const seen = new Set<number>()
        const millisToClose = Effect.gen(function* () {
          const firstWord = Deferred.makeUnsafe<void>()
          const asking = yield* Effect.promise(async (signal) => {
            const answer = await client.chat.completions.create({ ...question, stream }, { signal })
            if (!(Symbol.asyncIterator in answer)) return
            for await (const chunk of answer) {
              if (chunk.choices[0]?.delta.content !== "") Deferred.doneUnsafe(firstWord, Effect.void)
            }
          }).pipe(Effect.forkChild)
          const entry = yield* gemini.awaitEntry(({ id }) => !seen.has(id))
          seen.add(entry.id)
          if (stream) yield* Deferred.await(firstWord)
          const left = performance.now()
          yield* Fiber.interrupt(asking)
          const closed = yield* gemini.awaitClosed(entry.id)
          assert.strictEqual(closed.closedBy, "client")
          return performance.now() - left
        })
        // The best of five: what a busy machine adds is not ours, what the gateway adds is in all of them.
        const times = yield* Effect.all(Array.from({ length: 5 }, () => millisToClose))
        assert.isBelow(Math.min(...times), 100)
      })
    )
  }
})
