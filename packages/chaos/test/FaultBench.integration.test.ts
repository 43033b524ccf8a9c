import { NodeHttpClient } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { FaultBench } from "@holdfast/chaos"

const profile = "compressed"

layer(NodeHttpClient.layerUndici, { excludeTestServices: true })("the fault bench", (it) => {
  // What a caller without any gateway gets: errors where the provider fails, and the answer where it only looks odd.
  it.effect("scores its own providers, asked directly, as a caller without retries fares", () =>
    Effect.gen(function* () {
      const providers = yield* FaultBench.providers({ profile, port: 0 })
      const only = ["S01", "S02", "S03", "S04", "S05", "S08", "S10", "S11", "S12", "S13", "S14", "S16"]
      const results = yield* Stream.runCollect(
        FaultBench.results({ providers, profile, target: { url: providers.url }, only })
      )
      const verdicts = Object.fromEntries(results.map(({ id, verdict }) => [id, verdict]))
      const passes = new Set(["S10", "S11", "S13"])
      assert.deepStrictEqual(verdicts, Object.fromEntries(only.map((id) => [id, passes.has(id) ? "pass" : "safe"])))
      for (const { attempts } of results) assert.deepStrictEqual(attempts, { primary: 1, fallback: 0 })
      const report = FaultBench.report("providers", results)
      assert.deepInclude(report, { target: "providers", pass: 3, partial: 0, safe: 9, fail: 0 })
    })
  )

  it.effect("lets a gateway's request headers name the models of the scenario", () =>
    Effect.gen(function* () {
      const providers = yield* FaultBench.providers({ profile, port: 0 })
      const seen: Array<ReadonlyArray<string>> = []
      yield* FaultBench.results({
        providers,
        profile,
        target: { url: providers.url, headers: { "x-request-id": "{model} or {fallback}" } },
        only: ["S14"]
      }).pipe(
        Stream.tap(() =>
          Effect.map(providers.journal, (entries) =>
            seen.push(entries.map((entry) => entry.headers["x-request-id"] ?? ""))
          )
        ),
        Stream.runDrain
      )
      assert.deepStrictEqual(seen, [["fb-s14-stream-cut or fb-ok-noprefill", "fb-ok or fb-ok"]])
    })
  )

  it.effect("counts a gateway that never asks the provider as failed where that is the point", () =>
    Effect.gen(function* () {
      const providers = yield* FaultBench.providers({ profile, port: 0 })
      const nowhere = yield* FaultBench.providers({ profile, port: 0 })
      yield* nowhere.takeDown
      const results = yield* Stream.runCollect(
        FaultBench.results({ providers, profile, target: { url: nowhere.url }, only: ["S09", "S13", "S16"] })
      )
      assert.deepStrictEqual(
        results.map(({ verdict }) => verdict),
        // An honest error, but dead afterwards; no attempt; an honest error.
        ["fail", "fail", "safe"]
      )
    })
  )
})
