/** The services over the models of production, played by scripts, on the test's clock. */
import { Effect, Layer } from "effect"
import { Script } from "@holdfast/chaos"
import * as Answerer from "../src/Answerer.ts"
import { documents } from "../src/demo/documents.ts"
import * as Library from "../src/Library.ts"
import * as Models from "../src/Models.ts"
import * as Retriever from "../src/Retriever.ts"
import * as MemoryStore from "./MemoryStore.ts"

export const chat = "gemini/gemini-3.5-flash"
export const chatBehind = "openai/gpt-4o-mini"
export const embed = "gemini/gemini-embedding-001"
export const embedSecond = "gemini/gemini-embedding-001@second"
export const embedStandby = "openai/text-embedding-3-small"

/** Everybody makes vectors, as long as a test says nothing else. */
const vectors = {
  [embed]: [Script.always(Script.vectors())],
  [embedSecond]: [Script.always(Script.vectors())],
  [embedStandby]: [Script.always(Script.vectors())]
}

export const layer = (scripts: Script.Scripts) =>
  Layer.mergeAll(Answerer.layer, Library.layer).pipe(
    Layer.provideMerge(Retriever.layer),
    Layer.provideMerge(MemoryStore.layer),
    Layer.provideMerge(Models.layer),
    Layer.provideMerge(Script.layer({ ...vectors, ...scripts }))
  )

/** The documents of the demonstration, with all their vectors. */
export const stocked = Library.Library.use((library) =>
  Effect.andThen(Effect.forEach(documents, library.add, { discard: true }), library.catchUp)
)
