import { globSync } from "node:fs"
import { basename, dirname } from "node:path"

/** Every package is a project, named after its folder. `vitest.config.ts` reads this list. */
export default globSync("packages/*/package.json", { cwd: import.meta.dirname }).map((path) => ({
  extends: true as const,
  test: { name: basename(dirname(path)), root: dirname(path), include: ["test/**/*.test.ts"] }
}))
