/** The passages that an answer is to stand on: as a prompt for the model, and as what is shown when there is no model. */
import { Context } from "effect"
import { Prompt } from "effect/ai"
import type { Passage } from "./Passage.ts"

/** The passages of the question that is being answered, for the route's last resort. */
export const Evidence = Context.Reference<ReadonlyArray<Passage>>("example-rag/Evidence", { defaultValue: () => [] })

/** What the model is told before the question: the numbered passages, and what to do with them. */
export const instructions = (passages: ReadonlyArray<Passage>): string =>
  "Answer the question from these sources alone, and name the one you used by its number, like [1]. " +
  `If they do not say it, say so.\n\n${numbered(passages)}`

export const promptOf = (question: string, passages: ReadonlyArray<Passage>): Prompt.Prompt =>
  Prompt.make([
    { role: "system", content: instructions(passages) },
    { role: "user", content: [{ type: "text", text: question }] }
  ])

/** What a person gets when every model has failed. Without passages there is nothing to say, and the error stays. */
export const instead = (passages: ReadonlyArray<Passage>): string | undefined =>
  passages.length === 0
    ? undefined
    : `I cannot answer at the moment. These passages come closest to your question:\n\n${numbered(passages)}`

/** The numbers of the passages that the text names. */
export const cited = (text: string): ReadonlySet<number> =>
  new Set([...text.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number)))

const numbered = (passages: ReadonlyArray<Passage>): string =>
  passages.map(({ text, title }, index) => `[${index + 1}] ${text}\n    (${title})`).join("\n")
