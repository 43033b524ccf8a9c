/**
 * Builds the page if it is not there or older than what it is made of. Whoever starts the gateway need not wait for that
 * twice, nor go without the gateway when it fails: then the gateway says that there is no page. `--force` builds anyway.
 */
import { globSync, statSync } from "node:fs"
import { join } from "node:path"
import { build } from "vite"

const here = import.meta.dirname

const changedAt = (path: string): number => statSync(join(here, path), { throwIfNoEntry: false })?.mtimeMs ?? 0

const sources = [
  ...globSync(["src/**/*.{ts,tsx,css}", "public/*"], { cwd: here }),
  "index.html",
  "vite.config.ts",
  "package.json"
]

if (process.argv.includes("--force") || changedAt("dist/index.html") < Math.max(...sources.map(changedAt))) {
  try {
    await build({ configFile: join(here, "vite.config.ts") })
  } catch (error) {
    console.error(`The dashboard cannot be built: ${error instanceof Error ? error.message : String(error)}`)
    if (process.argv.includes("--force")) process.exitCode = 1
  }
}
