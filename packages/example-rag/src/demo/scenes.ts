/** The storm, scene by scene: what fails at whom, until the next one. */
import type * as World from "./World.ts"

export interface Scene {
  readonly title: string
  readonly faults: { readonly [Provider in World.Provider]: World.Rules }
  readonly questions: number
  /** Asked for as streams. */
  readonly streamed?: boolean
}

const down = { fault: { _tag: "ServiceUnavailable" } } as const
const vectors = { operations: ["embeddings"] } as const
const text = { operations: ["chat"] } as const
/** Nobody is perfect. */
const drizzle = { when: { rate: 0.1 }, fault: { _tag: "ServerError" } } as const

export const scenes: ReadonlyArray<Scene> = [
  {
    title: "Fair weather, but for one call in ten that fails",
    faults: { gemini: [drizzle], second: [drizzle], openAi: [drizzle] },
    questions: 3
  },
  {
    title: "Gemini's streams break off in the middle",
    faults: { gemini: [{ ...text, fault: { _tag: "Truncate", after: 6 } }], second: [], openAi: [] },
    questions: 2,
    streamed: true
  },
  {
    title: "Gemini's model is overloaded",
    faults: { gemini: [{ ...text, fault: { _tag: "Overloaded" } }], second: [], openAi: [] },
    questions: 4
  },
  {
    title: "The first project's quota for vectors is used up as well",
    faults: {
      gemini: [
        { ...text, fault: { _tag: "Overloaded" } },
        { ...vectors, fault: { _tag: "QuotaExhausted" } }
      ],
      second: [],
      openAi: []
    },
    questions: 2
  },
  {
    title: "All of Gemini is down",
    faults: { gemini: [down], second: [down], openAi: [] },
    questions: 3
  },
  {
    title: "Everybody is down",
    faults: { gemini: [down], second: [down], openAi: [down] },
    questions: 3
  }
]

export const calm: Scene["faults"] = { gemini: [], second: [], openAi: [] }
