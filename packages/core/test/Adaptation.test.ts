import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { Adaptation, Lane, Provenance, Route } from "@holdfast/core"
import { alone, exact, request } from "./Chat.ts"
import { recorder } from "./Recorder.ts"
import { failing, replying, type Step } from "./Scripted.ts"

/** A lane that tells what it adapts before it does its step. */
const adapting = (id: string, step: Step, ...what: ReadonlyArray<Adaptation.Code>) => {
  const [provider = "", model = ""] = id.split("/")
  const { generate, stream } = step({ provider, model, lane: id })
  const tell = Adaptation.tell(what)
  const text = { generate: () => Effect.andThen(tell, generate), stream: () => Stream.unwrap(Effect.as(tell, stream)) }
  return Effect.succeed(Lane.make({ provider, model, adapts: true, text }))
}

describe("what lanes change in a request", () => {
  it.effect("is in the provenance, lane by lane, and in the record of each attempt", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const lanes = [
        adapting("a/x", failing("PermissionDenied"), "system-moved"),
        adapting("b/y", replying("hello"), "reasoning-dropped", "messages-joined")
      ]
      const model = yield* Route.text("chat", { lanes, policy: exact })
      const adapted: ReadonlyArray<Adaptation.Adapted> = [
        { lane: "a/x", what: ["system-moved"] },
        { lane: "b/y", what: ["messages-joined", "reasoning-dropped"] }
      ]
      const [, provenance] = yield* Provenance.of(model.generate(request))
      assert.deepStrictEqual(provenance?.adapted, adapted)
      const [, ofStream] = yield* Provenance.of(Stream.runDrain(model.stream(request)))
      assert.deepStrictEqual(ofStream?.adapted, adapted)
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map((event) => ({ lane: event.lane, what: event.adapted })),
        [...adapted, ...adapted]
      )
    }).pipe(alone)
  )

  it.effect("is left out where there is nothing", () =>
    Effect.gen(function* () {
      const model = yield* Route.text("chat", { lanes: [adapting("a/x", replying("hello"))], policy: exact })
      const [, provenance] = yield* Provenance.of(model.generate(request))
      assert.notProperty(provenance, "adapted")
    }).pipe(alone)
  )

  it.effect("is told to nobody where nobody listens", () => Adaptation.tell(["system-moved"]))
})
