/**
 * What a clock of its own saves: the same operations, ten per second through the pipeline to a lane that takes a second or
 * so, under `VirtualClock` and under `effect/testing/TestClock`, which is moved on a second at a time.
 * `node packages/simulator/bench/clocks.ts [most operations]`.
 */
import { Deferred, Effect, Fiber, Random } from "effect"
import { Prompt, type Response } from "effect/ai"
import { TestClock } from "effect/testing"
import { Lane, Policy, Resilience, Route, type TextModel } from "@holdfast/core"
import { VirtualClock } from "@holdfast/simulator"
import * as Cost from "./cost.ts"

const request: TextModel.Request = {
  prompt: Prompt.make("?"),
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {}
}

const answer: ReadonlyArray<Response.PartEncoded> = [
  { type: "text", text: "So it stays where the light is." },
  {
    type: "finish",
    reason: "stop",
    usage: {
      inputTokens: { uncached: 3, total: 3, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 2, text: 2, reasoning: 0 }
    },
    response: undefined
  }
]

const lane = Lane.make({
  provider: "a",
  model: "one",
  text: {
    generate: () => Effect.flatMap(Random.next, (draw) => Effect.delay(Effect.succeed(answer), 500 + draw * 1000)),
    stream: () => {
      throw new Error("nobody streams here")
    }
  }
})

const operations = (count: number) =>
  Effect.gen(function* () {
    const model = yield* Route.text("chat", { lanes: [Effect.succeed(lane)], policy: Policy.interactive })
    const done = yield* Deferred.make<void>()
    let left = count
    const one = Effect.flatMap(model.generate(request), () =>
      --left === 0 ? Deferred.succeed(done, undefined) : Effect.void
    )
    for (let n = 0; n < count; n++) {
      yield* Effect.sleep(100)
      yield* Effect.forkChild(one)
    }
    yield* Deferred.await(done)
  }).pipe(Effect.provide(Resilience.layer), Effect.scoped, Random.withSeed("clocks"), Effect.orDie)

const underTestClock = (count: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(operations(count))
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(1000)
    yield* Fiber.join(fiber)
  }).pipe(Effect.provide(TestClock.layer()))

const most = Number(process.argv[2] ?? 100_000)
for (const [name, under] of [
  ["VirtualClock", (count: number) => VirtualClock.run(operations(count))],
  ["TestClock", underTestClock]
] as const) {
  await Cost.of(under(2000))
  for (const count of [10_000, 100_000]) {
    if (count > most) continue
    const [, { cpuSeconds, wallSeconds }] = await Cost.of(under(count))
    console.log(
      [
        name.padEnd(12),
        `${count.toString().padStart(7)} operations`,
        `${cpuSeconds.toFixed(2).padStart(6)} s of CPU`,
        `${wallSeconds.toFixed(2).padStart(6)} s on the wall`,
        `${((cpuSeconds * 1_000_000) / count).toFixed(1).padStart(6)} µs each`
      ].join("  ")
    )
  }
}
