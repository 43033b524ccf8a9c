/** A bar on a terminal's standard error while something is worked out; nothing where that is not a terminal. */
import * as Effect from "effect/Effect"

const width = 40

export interface Progress {
  /** From 0 to 1. */
  readonly at: (part: number, label: string) => void
}

/** Shows the bar while `use` runs, and takes it away at its end. */
export const during = <A, E, R>(use: (progress: Progress) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const { stderr } = process
  if (!stderr.isTTY) return use({ at: () => undefined })
  let shown = ""
  const progress: Progress = {
    at: (part, label) => {
      const full = Math.round(Math.min(1, Math.max(0, part)) * width)
      const line = `${"█".repeat(full)}${"░".repeat(width - full)} ${label}`.slice(0, Math.max(20, stderr.columns - 1))
      if (line === shown) return
      shown = line
      stderr.write(`\r\u001B[2K${line}`)
    }
  }
  return Effect.ensuring(
    use(progress),
    Effect.sync(() => stderr.write("\r\u001B[2K"))
  )
}
