import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { type SubjectName, subjects } from "./Subject.ts"
import { allowedFor } from "./wire/allowed.ts"
import * as Capture from "./wire/Capture.ts"
import * as Difference from "./wire/difference.ts"
import { type IntentName, intents } from "./wire/intents.ts"
import { sdks, texts } from "./wire/sdk.ts"

const names = Object.keys(intents) as ReadonlyArray<IntentName>

for (const [key, subject] of Object.entries(subjects)) {
  const of = key as SubjectName
  const sdk = sdks[of]

  /** What our lane sends and what the SDK sends; the differences are those of the list, no more and no fewer. */
  const compare = (
    what: string,
    ours: (lane: Effect.Success<ReturnType<typeof subject.lane>>) => Effect.Effect<unknown, unknown>,
    theirs: (origin: string) => Promise<unknown>
  ) =>
    Effect.gen(function* () {
      const capture = yield* Capture.make
      const lane = yield* subject.lane(capture.origin)
      const sent = yield* capture.of(ours(lane))
      const asked = yield* capture.of(Effect.tryPromise(() => theirs(capture.origin)))
      assert.deepStrictEqual(Difference.between(subject.format, sent, asked), allowedFor(of, what))
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))

  describe(`${subject.name} sends what the official SDK sends for`, () => {
    for (const name of names) {
      const send = sdk.text(name)
      if (typeof send === "string") continue
      it.live(`${name}, whole`, () =>
        compare(
          name,
          ({ text }) => text!.generate(intents[name]),
          (origin) => send(origin, false)
        )
      )
      it.live(`${name}, in a stream`, () =>
        compare(
          `${name}, in a stream`,
          ({ text }) => Stream.runDrain(text!.stream(intents[name])),
          (origin) => send(origin, true)
        )
      )
    }
    it.live("the list of models", () => compare("models", ({ check }) => check!, sdk.models))
    const { embed } = sdk
    if (embed !== undefined) {
      it.live("embeddings", () =>
        compare("embeddings", (lane) => lane.embed!.embed({ inputs: texts, dimensions: 8 }), embed)
      )
    }
  })
}
