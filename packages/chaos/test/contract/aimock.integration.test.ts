import { NodeHttpClient } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as AimockHost from "./AimockHost.ts"
import { type Gaps, holds } from "./contract.ts"
import { ask } from "./Scene.ts"
import { type SubjectName, subjects } from "./Subject.ts"

/** Version 1.43.0. */
const gaps: { readonly [Of in Exclude<SubjectName, "v1">]: Gaps } = {
  chat: {},
  responses: {
    "says that the limit cut the answer": "its incomplete responses have no incomplete_details, so nothing says why"
  },
  compatible: {},
  v1beta: {
    "finishes a call of a tool as one": "it finishes calls with FUNCTION_CALL, which is no reason of Gemini's",
    "embeds texts, in their order and in the length asked for": "it has no batchEmbedContents",
    "is checked for free": "it has no list of Gemini's models"
  },
  bearer: {},
  older: {}
}

for (const [name, list] of Object.entries(gaps)) holds(subjects[name as keyof typeof gaps], AimockHost.host, list)

it.live("aimock has no version v1 of Gemini", () =>
  Effect.gen(function* () {
    const port = yield* AimockHost.host.open("healthy")
    const { text } = yield* subjects.v1.lane(`http://127.0.0.1:${port}`)
    assert.strictEqual((yield* Effect.flip(text!.generate(ask))).status, 404)
  }).pipe(Effect.provide(NodeHttpClient.layerUndici))
)
