import { NodeWorker } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Policy } from "@holdfast/core"
import { InThread, NodeWorkers, type Result, type Scenario, Subject, Workers } from "@holdfast/simulator"
import { Cause, Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { Worker } from "node:worker_threads"
import { scenario, well } from "./Storm.ts"

const storm = {
  workload: {
    // Seven a minute is no fraction that a computer has.
    arrivals: { poisson: "217 per minute" },
    deadline: "60 seconds",
    streams: 0.5,
    tokens: { out: { p50: 200, p99: 1000 } }
  },
  providers: {
    "a/one": { ...well, outages: [{ at: "3 minutes", for: "2 minutes", kind: "service-unavailable" }] },
    "b/two": well
  }
} as const satisfies Partial<Scenario.Input>

const changed = Policy.interactive.pipe(
  Policy.hedge(),
  Policy.retry({ maxRetries: 1 }),
  Policy.cache({ ttl: "1 hour" })
)

/** A long one first. */
const jobs = Effect.gen(function* () {
  const long = yield* scenario({ ...storm, duration: "15 minutes" })
  const short = yield* scenario({ ...storm, duration: "6 minutes" })
  const subjects = [
    Subject.described("interactive", Policy.interactive),
    Subject.described("changed", changed, ["b/two", "a/one"]),
    Subject.describe("sdk") ?? assert.fail(),
    Subject.describe("none") ?? assert.fail()
  ]
  return [
    { scenario: long, subject: Subject.described("interactive", Policy.interactive), seed: 9 },
    ...subjects.map((subject, index): Workers.Job => ({ scenario: short, subject, seed: 3 + index }))
  ]
})

/** Without the one figure that is about the machine. */
const bytes = (results: ReadonlyArray<Result.Result>): string =>
  JSON.stringify(results.map((result) => ({ ...result, wallMs: 0 })))

/** What never ends by itself. */
const endless = Effect.map(scenario({ ...storm, duration: "1000 hours" }), (one): Workers.Job => ({
  scenario: one,
  subject: Subject.described("interactive", Policy.interactive),
  seed: 1
}))

/** Workers of the real kind, to be looked at. */
const watched = (count: number, file = new URL("../src/worker.ts", import.meta.url)) => {
  const all: Array<Worker> = []
  const layer = Layer.provide(
    Workers.layerPool(count, Deferred.makeUnsafe()),
    NodeWorker.layer(() => {
      const worker = new Worker(file)
      all.push(worker)
      return worker
    })
  )
  return { all, layer }
}

/** Node's for a thread that has ended. */
const ended = -1

describe("Workers", { timeout: 120_000 }, () => {
  it.live("give the same bytes alone and side by side, and whichever begins first", () =>
    Effect.gen(function* () {
      const all = yield* jobs
      const alone = bytes(yield* Effect.provide(Workers.runAll(all), InThread.layer))
      for (const workers of [1, 2, 3]) {
        const layer = NodeWorkers.layer({ workers })
        const here = yield* Effect.provide(Workers.runAll(all), layer)
        assert.strictEqual(bytes(here), alone, `${workers} workers`)
        const backwards = yield* Effect.provide(Workers.runAll(all.toReversed()), layer)
        assert.strictEqual(bytes(backwards.toReversed()), alone, `${workers} workers, backwards`)
      }
    })
  )

  it.live("give results in the order of the jobs, whichever ends first", () =>
    Effect.gen(function* () {
      const all = yield* jobs
      const ended: Array<number> = []
      const others = yield* Deferred.make<void>()
      const { run } = yield* Effect.provide(Workers.Workers, InThread.layer)
      const layer = Layer.succeed(Workers.Workers, {
        count: 2,
        draw: () => Effect.never,
        run: (job) =>
          Effect.gen(function* () {
            // The first one waits until all behind it have ended.
            if (job === all[0]) yield* Deferred.await(others)
            const result = yield* run(job)
            ended.push(job.seed)
            if (ended.length === all.length - 1) yield* Deferred.succeed(others, undefined)
            return result
          })
      })
      const results = yield* Effect.provide(Workers.runAll(all), layer)
      assert.strictEqual(ended.at(-1), all[0]?.seed)
      assert.deepStrictEqual(
        results.map(({ seed }) => seed),
        all.map(({ seed }) => seed)
      )
    })
  )

  it.live("say how far they are, up to the end", () =>
    Effect.gen(function* () {
      const all = yield* jobs
      for (const layer of [InThread.layer, NodeWorkers.layer({ workers: 2 })]) {
        const parts: Array<number> = []
        yield* Effect.provide(
          Workers.runAll(all, (part) => parts.push(part)),
          layer
        )
        assert.isAbove(parts.length, all.length)
        assert.deepStrictEqual(
          parts,
          parts.toSorted((a, b) => a - b)
        )
        assert.strictEqual(parts.at(-1), 1)
      }
    })
  )

  it.live("are gone when whoever waits for them is interrupted", () =>
    Effect.gen(function* () {
      const { all, layer } = watched(2)
      const begun = yield* Deferred.make<void>()
      const job = yield* endless
      const fiber = yield* Effect.forkChild(
        Effect.provide(
          Workers.runAll([job, job], () => Deferred.doneUnsafe(begun, Effect.void)),
          layer
        )
      )
      yield* Deferred.await(begun)
      assert.strictEqual(all.length, 2)
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.deepStrictEqual(
        all.map(({ threadId }) => threadId),
        [ended, ended]
      )
    })
  )

  it.live("go on with the next run when one is interrupted", () =>
    Effect.gen(function* () {
      const { all, layer } = watched(1)
      yield* Effect.gen(function* () {
        const { run } = yield* Workers.Workers
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(run(yield* endless, () => Deferred.doneUnsafe(begun, Effect.void)))
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(fiber)
        const [, next] = yield* jobs
        assert.isAbove((yield* run(next ?? assert.fail())).operations, 100)
      }).pipe(Effect.provide(layer))
      assert.strictEqual(all.length, 1)
    })
  )

  it.live("fail by type when one dies in the middle, cannot be loaded, has no memory or cannot be started", () =>
    Effect.gen(function* () {
      const job = yield* endless
      const failureOf = (layer: Layer.Layer<Workers.Workers, Workers.RunFailed>, onProgress?: Workers.OnProgress) =>
        Effect.flip(Effect.provide(Workers.runAll([job, job], onProgress), layer))

      const { all, layer } = watched(2)
      const died = yield* failureOf(layer, () => void all[0]?.terminate())
      assert.strictEqual(died._tag, "RunFailed")
      assert.include(died.message, "exited")
      assert.deepStrictEqual(
        all.map(({ threadId }) => threadId),
        all.map(() => ended)
      )

      const missing = yield* failureOf(watched(1, new URL("./no-such-file.ts", import.meta.url)).layer)
      assert.strictEqual(missing._tag, "RunFailed")
      assert.strictEqual((yield* failureOf(NodeWorkers.layer({ workers: 1, maxHeapMiB: 4 })))._tag, "RunFailed")

      const broken = Deferred.makeUnsafe<never, Workers.RunFailed>()
      const none = Layer.provide(
        Workers.layerPool(1, broken),
        NodeWorker.layer(() => {
          Deferred.doneUnsafe(broken, Exit.fail(new Workers.RunFailed({ problem: "no threads are left" })))
          throw new Error("no threads are left")
        })
      )
      assert.include((yield* failureOf(none)).message, "no threads are left")
    })
  )

  it.live("say what broke a run, and do the next", () =>
    Effect.gen(function* () {
      const { run } = yield* Workers.Workers
      const [, next] = yield* jobs
      const job = next ?? assert.fail()
      const subject = Subject.described("lost", Policy.interactive, ["c/three"])
      const broken = yield* Effect.flip(run({ ...job, subject }))
      assert.include(broken.message, "test has no provider c/three")
      assert.isAbove((yield* run(job)).operations, 100)
    }).pipe(Effect.provide(NodeWorkers.layer({ workers: 1 })))
  )

  it.live.skipIf(process.platform !== "linux")("give way in the background, and to nobody else's thread", () =>
    Effect.gen(function* () {
      /** How nice each thread of this process is. */
      const niceness = () =>
        readdirSync("/proc/self/task").map((thread) =>
          Number(readFileSync(`/proc/self/task/${thread}/stat`, "utf8").split(") ")[1]?.split(" ")[16])
        )
      const { run } = yield* Workers.Workers
      const begun = yield* Deferred.make<void>()
      yield* Effect.forkScoped(run(yield* endless, () => Deferred.doneUnsafe(begun, Effect.void)))
      yield* Deferred.await(begun)
      assert.deepStrictEqual(
        niceness().filter((nice) => nice !== 0),
        [10]
      )
    }).pipe(Effect.scoped, Effect.provide(NodeWorkers.layer({ workers: 1, isBackground: true })))
  )
})
