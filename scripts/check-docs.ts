/**
 * Type-checks the TypeScript examples of the documentation as a user of the packages would write them, and holds short
 * those that promise to be. Nothing is run.
 */
import { spawnSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { read } from "./examples.ts"

// Every package resolves from here, the gateway itself by its own name.
const home = "packages/gateway"

const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }

const examples = globSync(["README.md", "docs/**/*.md", "packages/*/README.md"])
  .toSorted()
  .flatMap((file) => read(file, readFileSync(file, "utf8")))

const problems = examples
  .filter(({ code, maxLines }) => maxLines !== undefined && code.length > maxLines)
  .map(({ code, file, line, maxLines }) => `${file}(${line}): ${code.length} lines, at most ${maxLines} promised`)

if (examples.length > 0) {
  const folder = mkdtempSync(join(home, ".examples-"))
  try {
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: "../../../tsconfig.base.json", compilerOptions })
    )
    for (const { code, file, line } of examples) {
      const path = join(folder, `${file}.${line}.ts`)
      mkdirSync(dirname(path), { recursive: true })
      // Blank lines above keep the line numbers of the document in what the compiler reports.
      writeFileSync(path, "\n".repeat(line - 1) + code.join("\n"))
    }
    const { status, stderr, stdout } = spawnSync("tsc", ["-p", folder, "--pretty", "false"], { encoding: "utf8" })
    if (status !== 0) {
      problems.push((stdout + stderr).trim().replaceAll(/\S*\.examples-[^/]*\/(\S+\.md)\.\d+\.ts/g, "$1"))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

console.log(`${examples.length} examples`)
if (problems.length > 0) {
  console.error(problems.join("\n"))
  process.exitCode = 1
}
