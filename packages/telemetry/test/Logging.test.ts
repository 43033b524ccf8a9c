import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Redacted, Schema, Scope } from "effect"
import { TestConsole } from "effect/testing"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EventBus } from "@holdfast/core"
import { EventLog, Logging, LogLevels } from "../src/index.ts"
import * as Folder from "./Folder.ts"

/** The log in a scope of its own: `close` writes what is left. */
const open = Effect.fnUntraced(function* (options: Logging.Options) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(Logging.layer(options), scope)
  return {
    levels: Context.get(context, LogLevels.LogLevels),
    say: Effect.provideContext(context)<void, never, never>,
    close: Scope.close(scope, Exit.void)
  }
})

const decode = Schema.decodeUnknownEffect(Logging.Settings, { onExcessProperty: "error" })

describe("the log", () => {
  it.effect("says on the console, for people, what its settings allow", () =>
    Effect.gen(function* () {
      const { say } = yield* open({ loggers: { circuit_breaker: "debug", retry: "error" } })
      yield* Effect.gen(function* () {
        yield* Effect.logInfo("hello", { attempt: 2, why: "two words" })
        yield* Effect.logDebug("unheard")
        yield* Effect.logDebug("a probe").pipe(Effect.annotateLogs({ logger: "circuit_breaker", lane: "acme/x" }))
        yield* Effect.logWarning("unheard").pipe(Effect.annotateLogs({ logger: "retry" }))
      }).pipe(say)
      assert.deepStrictEqual(yield* TestConsole.logLines, [
        '1970-01-01T00:00:00.000Z INFO  app: hello attempt=2 why="two words"',
        "1970-01-01T00:00:00.000Z DEBUG circuit_breaker: a probe lane=acme/x"
      ])
    })
  )

  it.effect("changes its levels while fibers run", () =>
    Effect.gen(function* () {
      const { levels, say } = yield* open({ level: "warn" })
      const line = (text: string) => Effect.logDebug(text).pipe(Effect.annotateLogs({ logger: "retry" }))
      yield* Effect.gen(function* () {
        yield* line("1")
        yield* levels.set("retry", "trace")
        yield* line("2")
        yield* levels.set("retry", undefined)
        yield* line("3")
        yield* levels.setGeneral("debug")
        yield* line("4")
        yield* levels.set("retry", "none")
        yield* Effect.logFatal("5").pipe(Effect.annotateLogs({ logger: "retry" }))
      }).pipe(say)
      assert.deepStrictEqual(
        (yield* TestConsole.logLines).map((one) => String(one).at(-1)),
        ["2", "4"]
      )
      assert.deepStrictEqual(yield* levels.snapshot, { level: "debug", loggers: { retry: "none" } })
    })
  )

  it.effect("writes JSON into files, those of errors apart, and what is left when it closes", () =>
    Effect.gen(function* () {
      const directory = yield* Folder.make
      const { close, say } = yield* open({ console: false, files: { directory } })
      yield* Effect.gen(function* () {
        for (let n = 0; n < 100; n++) yield* Effect.logInfo(`line ${n}`, { n })
        yield* Effect.logError("broken", new Error("why")).pipe(
          Effect.annotateLogs({ logger: "store", lane: "acme/x" })
        )
      }).pipe(say)
      yield* close
      const all = Folder.records(join(directory, "holdfast.log"))
      assert.strictEqual(all.length, 101)
      assert.deepStrictEqual(all[7], {
        n: 7,
        time: "1970-01-01T00:00:00.000Z",
        level: "info",
        logger: "app",
        message: "line 7"
      })
      const errors = Folder.records(join(directory, "holdfast-errors.log"))
      assert.deepStrictEqual(errors, all.slice(100))
      assert.deepInclude(errors[0] ?? {}, {
        level: "error",
        logger: "store",
        lane: "acme/x",
        message: "broken Error: why"
      })
      assert.deepStrictEqual(yield* TestConsole.logLines, [])
    })
  )

  it.effect("has no secret in it, on the console or in files", () =>
    Effect.gen(function* () {
      const directory = yield* Folder.make
      const secret = Redacted.make("the-odd-secret")
      for (const format of ["pretty", "logfmt", "json"] as const) {
        const { close, say } = yield* open({ format, files: { directory }, secrets: [secret] })
        yield* Effect.logError("with the-odd-secret", secret, { lane: "the-odd-secret", "the-odd-secret": 1 }).pipe(
          Effect.andThen(Effect.logError("cause", new Error("sk-abcdefgh12345678"))),
          Effect.annotateLogs({ header: "Bearer abcdefgh12345678", token: "plain" }),
          say
        )
        yield* close
      }
      const written = [
        ...(yield* TestConsole.logLines),
        ...Folder.lines(join(directory, "holdfast.log")),
        ...Folder.lines(join(directory, "holdfast-errors.log"))
      ].join("\n")
      assert.include(written, "[redacted]")
      for (const part of ["odd-secret", "abcdefgh", "plain"]) assert.notInclude(written, part)
    })
  )

  it.effect("stays one line, whatever a message holds", () =>
    Effect.gen(function* () {
      for (const format of ["pretty", "logfmt", "json"] as const) {
        const { say } = yield* open({ format })
        yield* Effect.logInfo("one\n2026 ERROR forged\u001b[2J", { "a\nb": "c\nd" }).pipe(say)
      }
      for (const line of yield* TestConsole.logLines) {
        // oxlint-disable-next-line no-control-regex
        assert.notMatch(String(line), /[\n\u001b]/)
      }
    })
  )

  it.live("says once that its files cannot be written, and goes on on the console", () =>
    Effect.gen(function* () {
      const directory = join(yield* Folder.make, "logs")
      writeFileSync(directory, "in the way")
      const { close, say } = yield* open({ files: { directory } })
      yield* Effect.logInfo("one").pipe(say)
      const said = Effect.map(TestConsole.logLines, (lines) => lines.map(String))
      const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
      while (!(yield* said).some((line) => line.includes("cannot be written"))) yield* turn
      for (let n = 0; n < 50; n++) yield* Effect.logInfo("more").pipe(say)
      yield* close
      const lines = yield* said
      assert.strictEqual(lines.filter((line) => line.includes("holdfast.log cannot be written (ENOTDIR)")).length, 1)
      assert.strictEqual(lines.filter((line) => line.endsWith("more")).length, 50)
    }).pipe(Effect.provide(TestConsole.layer))
  )

  it.effect("needs no files", () =>
    Effect.gen(function* () {
      const directory = yield* Folder.make
      const { close, say } = yield* open({ files: false, defaultDirectory: join(directory, "logs") })
      yield* Effect.logError("x").pipe(say)
      yield* close
      assert.isFalse(existsSync(join(directory, "logs")))
    })
  )

  it.effect("writes events that were published before it closes", () =>
    Effect.gen(function* () {
      const directory = yield* Folder.make
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        EventLog.layer.pipe(
          Layer.provideMerge(EventBus.layer),
          Layer.provideMerge(Logging.layer({ console: false, files: { directory } }))
        ),
        scope
      )
      const bus = Context.get(context, EventBus.EventBus)
      const attempt = { operation: "op", route: "chat", lane: "acme/x", provider: "acme", model: "x", attempt: 2 }
      for (let n = 0; n < 50; n++) {
        yield* bus.publish({ _tag: "RetryScheduled", ...attempt, reason: "RateLimit", delayMillis: 5 })
      }
      yield* Scope.close(scope, Exit.void)
      const records = Folder.records(join(directory, "holdfast.log"))
      assert.strictEqual(records.length, 50)
      assert.deepInclude(records[0] ?? {}, {
        level: "info",
        logger: "retry",
        message: "acme/x: RateLimit, attempt 2 follows in 5 ms",
        operation: "op",
        route: "chat",
        lane: "acme/x",
        attempt: 2,
        class: "RateLimit"
      })
    })
  )

  it.effect("refuses settings that it does not know", () =>
    Effect.gen(function* () {
      yield* decode({ level: "warn", loggers: { retry: "debug" }, files: false, format: "json" })
      for (const wrong of [
        { levels: "warn" },
        { level: "loud" },
        { loggers: { retries: "debug" } },
        { files: { keep: 0 } }
      ]) {
        yield* Effect.flip(decode(wrong))
      }
    })
  )
})
