/** What lanes change in the meaning of a request, kept for the record of the attempt and for whoever asked how it went. */
import type * as Adaptation from "../Adaptation.ts"
import type { Operation } from "./running.ts"
import type { Started } from "./Started.ts"

/** The lane changes something. */
export const note = (operation: Operation, started: Started, what: Iterable<Adaptation.Code>): void => {
  const all = new Set([...(started.adaptations ?? []), ...what])
  if (all.size === 0) return
  started.adaptations = [...all].toSorted()
  if (operation.sink === undefined) return
  const { adapted } = operation
  const { id } = started.state.lane
  const before = adapted.find(({ lane }) => lane === id)
  const sum = [...new Set([...(before?.what ?? []), ...all])].toSorted()
  adapted.splice(before === undefined ? adapted.length : adapted.indexOf(before), 1, { lane: id, what: sum })
}
