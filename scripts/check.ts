/** Runs every check of the workspace, each to its end, and exits with the number of those that failed. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

const checks = [
  "check:format",
  "lint",
  "typecheck",
  "check:effect",
  "check:dependencies",
  "check:unused",
  "check:docs",
  "check:tables",
  "check:conformance",
  "check:bench",
  "check:tracked"
]

// Scripts of a package.json are strings, or pnpm refuses to run them.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly scripts: Record<string, string> }

const failed: Array<string> = []
for (const name of checks) {
  const command = scripts[name]
  if (command === undefined) throw new Error(`package.json has no script "${name}"`)
  const start = performance.now()
  const { status, stderr, stdout } = spawnSync(command, { encoding: "utf8", maxBuffer: 2 ** 28, shell: true })
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name.padEnd(20)} ${seconds.padStart(5)} s   ${command}`)
  if (status !== 0) {
    failed.push(name)
    console.log(`\n${(stdout + stderr).trim()}\n`)
  }
}

console.log(failed.length === 0 ? `All ${checks.length} checks passed.` : `Failed: ${failed.join(", ")}.`)
process.exitCode = failed.length
