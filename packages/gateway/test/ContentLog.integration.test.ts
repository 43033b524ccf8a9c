import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Option, Scope } from "effect"
import { Healthy } from "@holdfast/chaos"
import { LogLevels } from "@holdfast/telemetry"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { embedded, question, start } from "./Harness.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-content-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const words = question.messages[0]?.content ?? ""

layer(embedded, { excludeTestServices: true })("prompts and answers", (it) => {
  it.effect("are in the log as text where a route asks for it, else as fingerprints, and those only at debug", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const scope = yield* Scope.make()
      const { client, context } = yield* start({
        logs: true,
        chat: { logContent: true },
        config: { logging: { console: false, files: { directory } } }
      }).pipe(Scope.provide(scope))
      const levels = Option.getOrThrow(yield* Effect.provide(Effect.serviceOption(LogLevels.LogLevels), context))
      const ask = (model: string) => Effect.promise(() => client.chat.completions.create({ ...question, model }))
      const listen = (model: string) =>
        Effect.promise(async () => {
          const chunks = await client.chat.completions.create({ ...question, model, stream: true })
          for await (const chunk of chunks) assert.isDefined(chunk.id)
        })
      yield* ask("chat")
      yield* listen("chat")
      yield* ask("back")
      yield* levels.set("content", "debug")
      yield* ask("back")
      yield* listen("back")
      yield* Effect.promise(() => client.embeddings.create({ model: "embed", input: ["kelp", "rock"] }))
      yield* levels.set("content", "none")
      yield* ask("chat")
      yield* Scope.close(scope, Exit.void)

      const text = yield* Effect.promise(() => readFile(join(directory, "holdfast.log"), "utf8"))
      const lines: ReadonlyArray<{ readonly [name: string]: unknown }> = text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(({ logger }) => logger === "content")
      assert.deepStrictEqual(
        lines.map(({ level, route }) => [level, route]),
        [
          ["info", "chat"],
          ["info", "chat"],
          ["debug", "back"],
          ["debug", "back"],
          ["debug", "embed"]
        ]
      )
      const [plain, streamed, hashed, hashedStream, embedding] = lines
      for (const line of [plain, streamed]) {
        assert.include(line?.["prompt"], words)
        assert.strictEqual(line?.["answer"], Healthy.sixtyWords)
        assert.isString(line?.["operation"])
      }
      for (const line of [hashed, hashedStream, embedding]) {
        assert.notProperty(line, "prompt")
        assert.notProperty(line, "answer")
        assert.match(String(line?.["promptHash"]), /^[0-9a-f]{16}$/)
      }
      assert.strictEqual(hashed?.["promptHash"], hashedStream?.["promptHash"])
      assert.strictEqual(hashed?.["answerHash"], hashedStream?.["answerHash"])
      assert.notStrictEqual(hashed?.["promptHash"], embedding?.["promptHash"])
      assert.strictEqual(embedding?.["promptLength"], "kelp\nrock".length)
    })
  )
})
