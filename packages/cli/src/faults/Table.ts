/** The results of the fault bench as lines for a person. */
import type * as FaultBench from "@holdfast/chaos/FaultBench"

const line = (id: string, verdict: string, title: string, attempts: string, note: string): string =>
  [id.padEnd(3), verdict.padEnd(7), title.padEnd(41), attempts.padEnd(8), note].join("  ")

/** The attempts are those at the primary and those at the fallback. */
export const head = line("", "verdict", "fault", "attempts", "what the caller got")

export const row = ({ attempts, id, note, title, verdict }: FaultBench.Result): string =>
  line(id, verdict, title, `${attempts.primary} + ${attempts.fallback}`, note)

export const sum = ({ fail, partial, pass, safe }: FaultBench.Report): string =>
  `${pass} pass · ${partial} partial · ${safe} safe · ${fail} fail`
