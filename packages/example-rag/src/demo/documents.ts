/** A handful of short documents, and questions that they answer. */
import type { Document } from "../Passage.ts"

export const documents: ReadonlyArray<Document> = [
  {
    id: "holdfast",
    title: "Holdfasts",
    text: `A holdfast is the structure that grips the rock and keeps a kelp in place. It looks like a root, but it takes up
no food and no water.

Storms loosen the holdfast of an old kelp before its blades tear. Divers find whole plants on the beach after a winter gale.`
  },
  {
    id: "blades",
    title: "Blades and floats",
    text: `Small bladders filled with gas lift the blades of a giant kelp towards the light. Each bladder sits where a blade
meets the stem.

A giant kelp can grow half a metre in a single day when the water is cold and rich.`
  },
  {
    id: "otters",
    title: "Otters",
    text: `Sea otters eat the urchins that graze on kelp. Where the otters were hunted, urchins multiplied and the forests
became barren ground.

An otter wraps itself in a strand of kelp before it sleeps, so that the current does not carry it away.`
  },
  {
    id: "forests",
    title: "Forests",
    text: `Kelp forests break the waves before they reach the shore and shelter hundreds of kinds of fish. Warm summers with
few nutrients weaken them.`
  }
]

export const questions = [
  "What grips the rock and keeps a kelp in place?",
  "What lifts the blades towards the light?",
  "How much can a giant kelp grow in a single day?",
  "What do sea otters eat?",
  "Why does an otter wrap itself in a strand of kelp?",
  "What breaks the waves before they reach the shore?",
  "What loosens the holdfast of an old kelp?",
  "What weakens the forests in warm summers?"
] as const
