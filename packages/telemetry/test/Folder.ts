/** A folder of its own that is gone afterwards, and what stands in its files. */
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

export const make = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "holdfast-telemetry-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** The lines of a file; none where there is no file. */
export const lines = (path: string): ReadonlyArray<string> =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : []

/** The lines of a file of JSON. */
export const records = (path: string): ReadonlyArray<{ readonly [field: string]: unknown }> =>
  lines(path).map((line) => JSON.parse(line))
