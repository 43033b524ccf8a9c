/** `holdfast classify`: what a provider's error means, for a file of labelled cases or for one that a person pastes. */
import * as Classifier from "@holdfast/providers/Classifier"
import * as Clock from "effect/Clock"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { type Answer, type Case, decode, type Evidence, toEvidence } from "./corpus/Case.ts"
import * as Paste from "./corpus/Paste.ts"
import * as Report from "./corpus/Report.ts"
import { score } from "./corpus/Score.ts"

/** The input cannot be used; the message says where. */
export class BadInput extends Schema.TaggedError<BadInput>()("BadInput", { problem: Schema.String }) {
  override get message() {
    return this.problem
  }
}

export const classify = Command.make(
  "classify",
  {
    input: Flag.String("input").pipe(
      Flag.withAlias("i"),
      Flag.withDescription(
        "One JSON case a line, or an error as it was pasted (a body, curl -i, a stack trace); - reads stdin"
      ),
      Flag.withDefault("-")
    ),
    provider: Flag.String("provider").pipe(
      Flag.withDescription("Of a pasted error: where it came from, such as openai or gemini"),
      Flag.optional
    ),
    status: Flag.Int("status").pipe(
      Flag.withDescription("Of a pasted error: its HTTP status, where the paste does not show it"),
      Flag.optional
    ),
    explain: Flag.Boolean("explain").pipe(
      Flag.withDescription("Add the rules that were considered, and where the deciding one is documented"),
      Flag.withDefault(false)
    ),
    score: Flag.Boolean("score").pipe(
      Flag.withDescription("Print how many labelled cases are right, instead of the verdicts"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* (flags) {
    const text = yield* readInput(flags.input)
    const cases = yield* casesOf(text)
    if (cases === undefined) {
      if (flags.score) return yield* new BadInput({ problem: "--score needs labelled cases, one JSON object a line" })
      const evidence = Paste.read(text, {
        provider: Option.getOrUndefined(flags.provider),
        status: Option.getOrUndefined(flags.status),
        now: yield* Clock.currentTimeMillis
      })
      return yield* Console.log(lineOf("pasted", evidence, flags.explain))
    }
    if (flags.score) {
      const answers = cases.map((one) => answer(one.id, toEvidence(one)))
      return yield* Console.log(Report.print(score(cases, answers)))
    }
    yield* Console.log(cases.map((one) => lineOf(one.id, toEvidence(one), flags.explain)).join("\n"))
  })
).pipe(Command.withDescription("Tell what a provider's error means, and which rule says so"))

const readInput = Effect.fnUntraced(function* (input: string) {
  const files = yield* FileSystem.FileSystem
  const text =
    input === "-"
      ? yield* Stdio.Stdio.use((stdio) => Stream.mkString(Stream.decodeText(stdio.stdin)))
      : yield* Effect.mapError(
          files.readFileString(input),
          (error) => new BadInput({ problem: `${input} cannot be read (${error.reason._tag})` })
        )
  return text.trim() === "" ? yield* new BadInput({ problem: `${input === "-" ? "stdin" : input} is empty` }) : text
})

/** The cases, one a line, or `undefined` when the first line is none. A broken later line is an error. */
const casesOf = Effect.fnUntraced(function* (
  text: string
): Effect.fn.Return<ReadonlyArray<Case> | undefined, BadInput> {
  const lines = text.split("\n").flatMap((line, index) => (line.trim() === "" ? [] : [{ line, number: index + 1 }]))
  const cases: Array<Case> = []
  for (const { line, number } of lines) {
    const decoded = yield* Effect.result(decode(line))
    if (decoded._tag === "Success") cases.push(decoded.success)
    else if (cases.length === 0) return undefined
    else return yield* new BadInput({ problem: `line ${number}: ${decoded.failure.message}` })
  }
  return cases
})

/** The verdict on one case, in the form the corpus asks for. */
export const answer = (id: string, evidence: Evidence): Answer => {
  const verdict = Classifier.classify(evidence)
  return {
    id,
    category: verdict.class,
    retryable: verdict.retryable,
    retryAfterMs: verdict.retryAfter === undefined ? null : Math.ceil(Duration.toMillis(verdict.retryAfter)),
    failover: verdict.failover,
    rule: verdict.rule
  }
}

const lineOf = (id: string, evidence: Evidence, explain: boolean): string => {
  const given = answer(id, evidence)
  if (!explain) return JSON.stringify(given)
  const { source, trail, verdict } = Classifier.explain(evidence)
  return JSON.stringify({ ...given, scope: verdict.scope, source, trail })
}
