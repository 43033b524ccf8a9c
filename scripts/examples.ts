/** The TypeScript examples of the documentation. */
export interface Example {
  /** The file the example stands in, from the root of the workspace. */
  readonly file: string
  /** The line of its first line of code, from 1. */
  readonly line: number
  readonly code: ReadonlyArray<string>
  /** The most lines it may have, where `<!-- example: max N lines -->` stands above it. */
  readonly maxLines: number | undefined
}

/** Reads the fenced `ts` blocks of a Markdown file, without those marked `ts no-check`. */
export const read = (file: string, markdown: string): ReadonlyArray<Example> => {
  const lines = markdown.split("\n")
  const examples: Array<Example> = []
  let maxLines: number | undefined
  for (let index = 0; index < lines.length; index++) {
    const text = lines[index] ?? ""
    const limit = /^<!-- example: max (\d+) lines -->$/.exec(text.trim())
    if (limit) maxLines = Number(limit[1])
    const fence = /^\s*(`{3,}|~{3,})(.*)$/.exec(text)
    if (fence) {
      const [, marks = "", info = ""] = fence
      const start = index + 1
      const end = lines.findIndex((line, at) => at >= start && line.trim() === marks)
      index = end < 0 ? lines.length : end
      if (info.trim() === "ts") examples.push({ file, line: start + 1, code: lines.slice(start, index), maxLines })
    }
    if (text.trim() !== "" && !limit) maxLines = undefined
  }
  return examples
}
