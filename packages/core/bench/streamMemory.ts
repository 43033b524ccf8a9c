/**
 * `node --expose-gc packages/core/bench/streamMemory.ts`: what streams leave on the heap. One long stream, then ten thousand
 * that their consumers leave in the middle; both have to end where they began.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bulkhead, Lane, Policy, Resilience } from "../src/index.ts"

const chunk = "twenty tokens of text, as a provider sends them in one chunk of its stream"
const arriving: AsyncIterable<string> = {
  async *[Symbol.asyncIterator]() {
    for (;;) yield chunk
  }
}
const lane = Lane.make({ provider: "acme", model: "anvil" })
const chunks = Stream.suspend(() => Stream.fromAsyncIterable(arriving, (cause) => cause)).pipe(Stream.orDie)

const heapKilobytes = Effect.sync(() => {
  globalThis.gc?.()
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 1024)
})

const program = Effect.gen(function* () {
  const resilience = yield* Resilience.Resilience
  const stream = resilience.runStream({
    route: "bench",
    policy: Policy.batch,
    lanes: [lane],
    call: () => chunks,
    commits: () => true
  })
  const abandoned = Stream.runDrain(Stream.take(stream, 3))
  // Warms up.
  yield* Stream.runDrain(Stream.take(stream, 50_000))
  yield* Effect.repeat(abandoned, { times: 1000 })

  let read = 0
  const during: Array<number> = [yield* heapKilobytes]
  yield* Stream.runForEach(Stream.take(stream, 1_000_000), () => {
    read += 1
    return read % 250_000 === 0 ? Effect.map(heapKilobytes, (now) => void during.push(now)) : Effect.void
  })
  console.log(`one stream of 1,000,000 chunks: heap ${during.join(" → ")} KiB`)

  const after: Array<number> = [yield* heapKilobytes]
  for (let n = 0; n < 4; n++) {
    yield* Effect.repeat(abandoned, { times: 2499 })
    after.push(yield* heapKilobytes)
  }
  const { running } = yield* Bulkhead.Bulkhead.use((bulkhead) => bulkhead.snapshot(lane.id))
  console.log(`10,000 abandoned streams: heap ${after.join(" → ")} KiB, slots still held: ${running}`)
})

const scope = Scope.makeUnsafe()
const context = await Effect.runPromise(Layer.buildWithScope(Resilience.layer, scope))
await Effect.runPromise(Effect.orDie(Effect.provideContext(program, context)))
process.exit(0)
