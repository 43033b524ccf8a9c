import { readdirSync } from "node:fs"

/** Every package with tests is a project of its own, named after its folder. `vitest.config.ts` reads this list. */
export default readdirSync(new URL("packages", import.meta.url)).map((name) => ({
  extends: true as const,
  test: { name, root: `./packages/${name}`, include: ["test/**/*.test.ts"] }
}))
