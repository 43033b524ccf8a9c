/**
 * Says how a run of the tests and the checks ended: `node scripts/ci-result.ts REPORT TESTS CHECKS`, where REPORT is
 * Vitest's JSON report, TESTS the exit code of the test command, and CHECKS that of the check command, which counts the
 * checks that failed. The last line is `N passed, N failed`; what failed besides single tests is named above it. A
 * package that has test files and ran no test is a failure, and so is a run without any.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { resolve, sep } from "node:path"

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string
    readonly status: "passed" | "failed"
    readonly assertionResults: ReadonlyArray<{ readonly status: string }>
  }>
}

const [reportPath = "", tests = "", checks = ""] = process.argv.slice(2)

const problems: Array<string> = []
let passed = 0
let failed = 0

const readReport = (report: Report): void => {
  const files = new Map(report.testResults.map((file) => [file.name, file]))
  const ran = new Map<string, number>()
  for (const path of globSync("packages/*/test/**/*.test.ts").toSorted()) {
    const file = files.get(resolve(path))
    const count = (status: string): number =>
      file?.assertionResults.filter((test) => test.status === status).length ?? 0
    const name = path.split(sep)[1] ?? ""
    ran.set(name, (ran.get(name) ?? 0) + count("passed") + count("failed"))
    passed += count("passed")
    failed += count("failed")
    if (file === undefined) problems.push(`${path} is not in the report: its tests did not run`)
    else if (file.status === "failed" && count("failed") === 0) problems.push(`${path} failed outside its tests`)
  }
  for (const [name, number] of ran) if (number === 0) problems.push(`packages/${name} has test files and ran no test`)
  if (ran.size === 0) problems.push("There are no tests")
}

// Vitest writes its report with this shape.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
if (existsSync(reportPath)) readReport(JSON.parse(readFileSync(reportPath, "utf8")) as Report)
else problems.push(`There is no report; the test command exited with ${tests}`)
if (tests !== "0" && problems.length + failed === 0) problems.push(`The test command exited with ${tests}`)

for (const problem of problems) console.log(problem)
if (checks !== "0") console.log(`The check command exited with ${checks}`)

// From 124 on an exit code tells of a time-out or a signal and counts nothing.
failed += problems.length + (Number(checks) < 124 ? Number(checks) : 1)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
