/** What happens, one line each, with the time since the beginning; and what it adds up to. */
import { Clock, Console, Effect } from "effect"
import type { Answer } from "../Answerer.ts"

interface Timeline {
  readonly say: (line: string) => Effect.Effect<void>
  /** Tells of an answer, and counts it. */
  readonly answered: (
    question: string,
    answer: Pick<Answer, "answeredBy" | "notice" | "searchedBy" | "text">,
    millis: number
  ) => Effect.Effect<void>
  readonly failed: (question: string, why: string) => Effect.Effect<void>
  readonly summary: Effect.Effect<{ readonly lines: ReadonlyArray<string>; readonly failures: number }>
}

export const make = Effect.gen(function* () {
  const began = yield* Clock.currentTimeMillis
  const by = new Map<string, number>()
  const times: Array<number> = []
  let degraded = 0
  let failures = 0

  const say = (line: string) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => Console.log(`${seconds(now - began).padStart(6)}  ${line}`))

  const timeline: Timeline = {
    say,
    answered: (question, { answeredBy = nobody, notice, searchedBy, text }, millis) => {
      by.set(answeredBy, (by.get(answeredBy) ?? 0) + 1)
      times.push(millis)
      if (notice !== undefined) degraded += 1
      const lines = [
        `${notice === undefined ? "answered" : "DEGRADED"}  ${question}`,
        `          ${shortened(text)}`,
        `          by ${answeredBy} in ${seconds(millis)}, searched ${searchedBy}`,
        ...(notice === undefined ? [] : [`          told the reader: ${notice}`])
      ]
      return Effect.forEach(lines, say, { discard: true })
    },
    failed: (question, why) => {
      failures += 1
      return Effect.andThen(say(`FAILED    ${question}`), say(`          ${why}`))
    },
    summary: Effect.sync(() => {
      const sorted = times.toSorted((a, b) => a - b)
      const [median = 0, slowest = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)]
      const lines = [
        `${times.length + failures} questions: ${times.length} answered, ${degraded} of them degraded and saying so, ${failures} failed`,
        ...[...by].map(([lane, count]) => `  ${String(count).padStart(2)} by ${lane}`),
        `half of them within ${seconds(median)}, the slowest in ${seconds(slowest)}`
      ]
      return { lines, failures }
    })
  }
  return timeline
})

const nobody = "nobody: the passages found were shown"

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

const shortened = (text: string): string => {
  const line = text.replace(/\s+/g, " ")
  return line.length > 100 ? `${line.slice(0, 99)}…` : line
}
