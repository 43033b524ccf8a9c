/**
 * `pnpm corpus`: scores the classifier on a corpus of labelled provider errors that stays outside the repository:
 * `../shared/provider-errors/cases.ndjson` beside it, or the file given as an argument. Without one it says so and ends
 * well.
 */
import { existsSync, readFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { answer } from "../packages/cli/src/classify.ts"
import { decode, toEvidence } from "../packages/cli/src/corpus/Case.ts"
import * as Report from "../packages/cli/src/corpus/Report.ts"
import { score } from "../packages/cli/src/corpus/Score.ts"

const file = process.argv[2] ?? new URL("../../shared/provider-errors/cases.ndjson", import.meta.url)
if (existsSync(file)) {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
  const cases = await Effect.runPromise(Effect.forEach(lines, (line) => decode(line)))
  const answers = cases.map((one) => answer(one.id, toEvidence(one)))
  console.log(Report.print(score(cases, answers)))
} else console.log(`No corpus at ${String(file)}: nothing to score.`)
