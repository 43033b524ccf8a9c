import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"

it.live(
  "the demonstration answers every question of its storm, recovers, and exits with 0",
  () =>
    Effect.gen(function* () {
      const demo = fileURLToPath(new URL("../src/demo.ts", import.meta.url))
      const output = yield* Effect.callback<string, Error>((resume, signal) => {
        execFile(process.execPath, [demo], { signal }, (error, stdout) =>
          resume(error === null ? Effect.succeed(stdout) : Effect.fail(error))
        )
      })
      assert.match(output, /circuit {3}model:gemini\/gemini-3\.5-flash is open/)
      assert.include(output, "finished what another model began")
      assert.include(output, "searched text-embedding-3-small@1536")
      assert.include(output, "by nobody: the passages found were shown")
      assert.match(output, /is closed: probe succeeded/)
      assert.match(output, /\d+ questions: \d+ answered, \d+ of them degraded and saying so, 0 failed/)
    }),
  120_000
)
