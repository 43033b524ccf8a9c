import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { type Event, EventBus } from "@holdfast/core"
import { EventLog } from "../src/index.ts"

const lane = { lane: "acme/x", provider: "acme", model: "x" }

/** The level of the one line that is written about the event. */
const levelOf = (event: Event.Draft) =>
  Effect.gen(function* () {
    const levels: Array<string> = []
    const logger = Logger.make(({ logLevel }) => void levels.push(logLevel))
    const scope = yield* Scope.make()
    yield* Effect.gen(function* () {
      const context = yield* Layer.buildWithScope(EventLog.layer.pipe(Layer.provideMerge(EventBus.layer)), scope)
      yield* EventBus.EventBus.use((bus) => bus.publish(event)).pipe(Effect.provideContext(context))
      yield* Effect.yieldNow
      yield* Scope.close(scope, Exit.void)
    }).pipe(Effect.provide(Logger.layer([logger])))
    assert.strictEqual(levels.length, 1)
    return levels[0]
  })

describe("the log", () => {
  it.effect("warns of a circuit that opens, and only mentions that it probes and closes", () =>
    Effect.gen(function* () {
      const changed = { _tag: "CircuitChanged", circuit: "acme/x", reason: "test", failures: 5 } as const
      assert.strictEqual(yield* levelOf({ ...changed, from: "closed", to: "open", openMillis: 1000 }), "Warn")
      assert.strictEqual(yield* levelOf({ ...changed, from: "open", to: "half-open" }), "Info")
      assert.strictEqual(yield* levelOf({ ...changed, from: "half-open", to: "closed" }), "Info")
    })
  )

  it.effect("warns when a shared store is away, and only mentions that it is back", () =>
    Effect.gen(function* () {
      const changed = { _tag: "SharingChanged", reason: "test" } as const
      assert.strictEqual(yield* levelOf({ ...changed, to: "local" }), "Warn")
      assert.strictEqual(yield* levelOf({ ...changed, to: "shared" }), "Info")
    })
  )

  it.effect("warns of a lane that becomes worse, and only mentions that it is well", () =>
    Effect.gen(function* () {
      const changed = { _tag: "HealthChanged", ...lane, successRate: 0.5 } as const
      assert.strictEqual(yield* levelOf({ ...changed, from: "healthy", to: "degraded" }), "Warn")
      assert.strictEqual(yield* levelOf({ ...changed, from: "idle", to: "healthy" }), "Info")
    })
  )
})
