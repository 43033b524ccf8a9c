/** Puts figures into docs/store.md, between the marks of their section; the rest of the page is written by hand. */
import { Effect } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const page = fileURLToPath(new URL("../../../docs/store.md", import.meta.url))

export const report = (section: string, text: string): Effect.Effect<void> =>
  Effect.sync(() => {
    const before = readFileSync(page, "utf8")
    const marks = new RegExp(`(<!-- ${section}: begin -->)[\\s\\S]*?(<!-- ${section}: end -->)`)
    if (!marks.test(before)) throw new Error(`docs/store.md has no section ${section}`)
    writeFileSync(
      page,
      before.replace(marks, (_all, begin, end) => `${begin}\n\n${text}\n\n${end}`)
    )
  })

/** A table as oxfmt writes it. */
export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>
): ReadonlyArray<string> => {
  const widths = head.map((_, column) => Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)]
}
