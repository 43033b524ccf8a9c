/**
 * Compares answers with labels: category strictly and leniently (`ambiguousWith` counts), adversarial cases apart,
 * `retryable`, `failover`, and the hint within one second. Pure.
 */
import type { Answer, Case } from "./Case.ts"

export interface Share {
  readonly right: number
  readonly of: number
}

interface Miss {
  readonly id: string
  readonly fields: ReadonlyArray<"category" | "retryable" | "failover" | "retryAfterMs">
  readonly expected: string
  readonly got: string
  readonly rule: string
  /** Whether the category is one a careful reader could also defend. */
  readonly defensible: boolean
}

export interface Score {
  readonly strict: Share
  readonly lenient: Share
  readonly adversarialStrict: Share
  readonly adversarialLenient: Share
  readonly retryable: Share
  readonly failover: Share
  readonly hint: Share
  /** Pairs of expected and given category with how often they occur, right ones left out. */
  readonly confusion: ReadonlyArray<{ readonly expected: string; readonly got: string; readonly count: number }>
  readonly misses: ReadonlyArray<Miss>
}

/** Google rounds `retryDelay` down where its text has nanoseconds. Milliseconds. */
const tolerance = 1000

/** Scores the labelled cases among `cases`; a case without an answer counts as wrong in every field. */
export const score = (cases: ReadonlyArray<Case>, answers: ReadonlyArray<Answer>): Score => {
  const byId = new Map(answers.map((answer) => [answer.id, answer]))
  const judged = cases.flatMap((line) => (line.expected === undefined ? [] : [judge(line, byId.get(line.id))]))
  const adversarial = judged.filter((one) => one.adversarial)
  const share = (of: ReadonlyArray<Judged>, right: (one: Judged) => boolean): Share => ({
    right: of.filter(right).length,
    of: of.length
  })
  const pairs = new Map<string, { expected: string; got: string; count: number }>()
  for (const one of judged) {
    if (one.strict) continue
    const key = `${one.expected} ${one.got}`
    const pair = pairs.get(key) ?? { expected: one.expected, got: one.got, count: 0 }
    pair.count++
    pairs.set(key, pair)
  }
  return {
    strict: share(judged, (one) => one.strict),
    lenient: share(judged, (one) => one.lenient),
    adversarialStrict: share(adversarial, (one) => one.strict),
    adversarialLenient: share(adversarial, (one) => one.lenient),
    retryable: share(judged, (one) => one.retryable),
    failover: share(judged, (one) => one.failover),
    hint: share(judged, (one) => one.hint),
    confusion: [...pairs.values()].toSorted((a, b) => b.count - a.count),
    misses: judged.flatMap((one) => (one.miss === undefined ? [] : [one.miss]))
  }
}

interface Judged {
  readonly expected: string
  readonly got: string
  readonly adversarial: boolean
  readonly strict: boolean
  readonly lenient: boolean
  readonly retryable: boolean
  readonly failover: boolean
  readonly hint: boolean
  readonly miss: Miss | undefined
}

const judge = (line: Case, answer: Answer | undefined): Judged => {
  const expected = line.expected
  const category = expected?.category ?? ""
  const strict = answer !== undefined && answer.category === category
  const lenient = strict || (answer !== undefined && (line.ambiguousWith ?? []).includes(answer.category))
  const retryable = answer !== undefined && answer.retryable === expected?.retryable
  const failover = answer !== undefined && answer.failover === expected?.failover
  const hint = answer !== undefined && sameHint(expected?.retryAfterMs ?? null, answer.retryAfterMs)
  const fields: Array<Miss["fields"][number]> = []
  if (!strict) fields.push("category")
  if (!retryable) fields.push("retryable")
  if (!failover) fields.push("failover")
  if (!hint) fields.push("retryAfterMs")
  return {
    expected: category,
    got: answer?.category ?? "nothing",
    adversarial: line.adversarial === true,
    strict,
    lenient,
    retryable,
    failover,
    hint,
    miss:
      fields.length === 0
        ? undefined
        : {
            id: line.id,
            fields,
            expected: `${category} ${expected?.retryable} ${expected?.failover} ${expected?.retryAfterMs}`,
            got:
              answer === undefined
                ? "nothing"
                : `${answer.category} ${answer.retryable} ${answer.failover} ${answer.retryAfterMs}`,
            rule: answer?.rule ?? "",
            defensible: lenient
          }
  }
}

const sameHint = (expected: number | null, got: number | null): boolean =>
  expected === null || got === null ? expected === got : Math.abs(expected - got) <= tolerance
