/** The passage store without a database, for tests that move the clock. `storeSuite` holds it to the same promises. */
import { Effect, Layer } from "effect"
import { cut } from "../src/Passage.ts"
import * as PassageStore from "../src/PassageStore.ts"

interface Row {
  readonly id: number
  readonly document: string
  readonly title: string
  readonly text: string
}

export const layer = Layer.sync(PassageStore.PassageStore, () => {
  let rows: ReadonlyArray<Row> = []
  let nextId = 1
  const spaces = new Map<string, Map<number, ReadonlyArray<number>>>()
  const vectorsOf = (space: string) => {
    const known = spaces.get(space) ?? new Map<number, ReadonlyArray<number>>()
    spaces.set(space, known)
    return known
  }
  const best = (scored: ReadonlyArray<Row & { readonly score: number }>, limit: number) =>
    scored
      .toSorted((a, b) => b.score - a.score || a.id - b.id)
      .slice(0, limit)
      .map(({ document, score, text, title }) => ({ document, title, text, score }))

  return PassageStore.PassageStore.of({
    put: ({ id, text, title }) =>
      Effect.sync(() => {
        const own = cut(text).map((text) => ({ id: nextId++, document: id, title, text }))
        const gone = rows.filter((row) => row.document === id)
        for (const vectors of spaces.values()) for (const row of gone) vectors.delete(row.id)
        rows = [...rows.filter((row) => row.document !== id), ...own]
        return own.length
      }),
    pending: (space, limit) => Effect.sync(() => rows.filter(({ id }) => !vectorsOf(space).has(id)).slice(0, limit)),
    index: (space, vectors) =>
      Effect.sync(() => {
        const known = vectorsOf(space)
        for (const { id, vector } of vectors) {
          if (rows.some((row) => row.id === id) && !known.has(id)) known.set(id, vector)
        }
      }),
    coverage: (space) => Effect.sync(() => ({ passages: rows.length, indexed: vectorsOf(space).size })),
    nearest: (space, asked, limit) =>
      Effect.suspend(() => {
        const known = vectorsOf(space)
        if (known.size === 0 && rows.length > 0) {
          const indexed = [...spaces].filter(([, vectors]) => vectors.size > 0).map(([name]) => name)
          return Effect.fail(new PassageStore.SpaceNotIndexed({ space, indexed: indexed.toSorted() }))
        }
        const scored = rows.flatMap((row) => {
          const vector = known.get(row.id)
          if (vector === undefined) return []
          return [{ ...row, score: vector.reduce((sum, value, n) => sum + value * (asked[n] ?? 0), 0) }]
        })
        return Effect.succeed(best(scored, limit))
      }),
    withWords: (question, limit) =>
      Effect.sync(() => {
        const words = (text: string) => new Set(text.toLowerCase().match(/[a-z]{4,}/g))
        const asked = words(question)
        const scored = rows.map((row) => ({
          ...row,
          score: [...words(row.text)].filter((word) => asked.has(word)).length
        }))
        return best(
          scored.filter(({ score }) => score > 0),
          limit
        )
      })
  })
})
