/** A route over scripted lanes, and the ways to ask it. */
import { createHash } from "node:crypto"
import { Effect, Layer, Stream } from "effect"
import { Prompt } from "effect/ai"
import { Digest } from "effect/crypto"
import { Bulkhead, type Lane, Policy, Resilience, Route, type TextModel } from "@holdfast/core"

/** The standard numbers without chance, so that a test can name the instant at which something happens. */
export const exact = Policy.standard.pipe(Policy.retry({ jitter: "none-unsafe" }), Policy.breaker({ openJitter: 0 }))

export const request: TextModel.Request = {
  prompt: Prompt.make("Why does kelp not float away?"),
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {}
}

type Scripted = { readonly lane: Effect.Effect<Lane.Lane> }

/** A route over the lanes, in their order. */
export const chat = Effect.fnUntraced(function* (lanes: ReadonlyArray<Scripted>, policy: Policy.Policy = exact) {
  const model = yield* Route.text("chat", { lanes: lanes.map((scripted) => scripted.lane), policy })
  return {
    /** The text of one answer. */
    ask: Effect.map(model.generate(request), (parts) =>
      parts.map((part) => (part.type === "text" ? part.text : "")).join("")
    ),
    /** The parts of a streamed answer, as they come. */
    parts: model.stream(request),
    /** The text of a streamed answer. */
    listen: model.stream(request).pipe(
      Stream.map((part) => (part.type === "text-delta" ? part.delta : "")),
      Stream.mkString
    ),
    generate: model.generate,
    stream: model.stream
  }
})

/** What the lanes hold at this instant, so that a test can show that nothing leaked. */
export const held = Effect.fnUntraced(function* (...lanes: ReadonlyArray<{ readonly id: string }>) {
  const bulkhead = yield* Bulkhead.Bulkhead
  let running = 0
  let waiting = 0
  for (const { id } of lanes) {
    const snapshot = yield* bulkhead.snapshot(id)
    running += snapshot.running
    waiting += snapshot.waiting
  }
  return { running, waiting }
})

export const nothing = { running: 0, waiting: 0 }

/** Digests at once, as Node's do: those of Web Crypto come from another thread, while the test's clock moves on. */
const digests = Layer.succeed(Digest.Digest, {
  digest: ({ name }, data) => Effect.sync(() => new Uint8Array(createHash(name).update(data).digest())),
  digestHex: ({ name }, data) => Effect.sync(() => createHash(name).update(data).digest("hex"))
})

/** Runs a test with everything that lanes share, made for it alone. */
export const alone = Effect.provide(Layer.provide(Resilience.layer, digests))
