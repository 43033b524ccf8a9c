/**
 * Prints what a lane's state weighs: `node --expose-gc packages/core/bench/state.ts [--write]`. Ten thousand lanes in one
 * process, each with a model and a credential of its own. `--write` puts the table into `docs/benchmarks.md`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { fileURLToPath } from "node:url"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Bulkhead, CircuitBreaker, Health, Lane, Policy, Resilience, RetryBudget } from "../src/index.ts"

const count = 10_000

/** Bytes in use once everything is gone that may go, with what typed arrays hold outside the heap. */
const bytes = (): number => {
  for (let n = 0; n < 4; n++) globalThis.gc?.()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const lanes = Array.from({ length: count }, (_, n) =>
  Lane.make({ provider: "acme", model: `model-${n}`, credential: `key-${n}` })
)
const policy = Policy.standard

/** A layer of its own, so that parts may be built one after the other. */
const inLayer = <A>(use: Effect.Effect<A, unknown, Layer.Success<typeof Resilience.layer>>): Promise<A> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const context = yield* Layer.buildWithScope(Layer.fresh(Resilience.layer), Scope.makeUnsafe())
      kept.push(context)
      return yield* Effect.provideContext(use, context)
    })
  )
/** What is measured is still there when it is. */
const kept: Array<unknown> = []

const rows: Array<readonly [string, number]> = []
const weigh = async (name: string, build: () => Promise<unknown>): Promise<void> => {
  const before = bytes()
  await build()
  rows.push([name, (bytes() - before) / count])
}

const calls = (each: number) =>
  Resilience.Resilience.use((resilience) =>
    Effect.gen(function* () {
      for (const lane of lanes) {
        const plan = { route: "bench", kind: "text", policy, lanes: [lane] } as const
        for (let n = 0; n < each; n++) yield* resilience.runPromise({ ...plan, call: () => Promise.resolve("hello") })
      }
    })
  )

// Whatever is made once is made before anything is weighed.
await inLayer(calls(1))
kept.length = 0

await weigh("circuits (lane, credential, model)", () =>
  inLayer(
    CircuitBreaker.CircuitBreaker.useSync((breaker) => {
      for (const { credential, id, model } of lanes) {
        for (const key of [id, `credential:acme/${credential}`, `model:acme/${model}`]) {
          breaker.circuitUnsafe(key, policy.breaker, true)
        }
      }
    })
  )
)
await weigh("health window", () => inLayer(Health.Health.use((health) => Effect.forEach(lanes, health.register))))
await weigh("retry budget", () =>
  inLayer(
    RetryBudget.RetryBudget.use((budget) => Effect.forEach(lanes, ({ id }) => budget.deposit(id, policy.retryBudget)))
  )
)
await weigh("slots and their line", () =>
  inLayer(
    Bulkhead.Bulkhead.useSync((bulkhead) => {
      for (const { id } of lanes) bulkhead.slotsUnsafe(id)
    })
  )
)
await weigh("**all, after one call on each**", () => inLayer(calls(1)))
await weigh("**all, after 150 calls on each**", () => inLayer(calls(150)))

for (const [name, each] of rows) console.log(`${name.padEnd(40)} ${each.toFixed(0).padStart(8)} bytes per lane`)

if (process.argv.includes("--write")) {
  const at = DateTime.formatIsoDateUtc(await Effect.runPromise(DateTime.now))
  const page = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url))
  const table = rows.map(([name, each]) => `| ${name} | ${each.toFixed(0)} | ${((each * count) / 1e6).toFixed(1)} |`)
  const [before] = readFileSync(page, "utf8").split("\n## State of lanes")
  writeFileSync(
    page,
    `${before?.trimEnd()}

## State of lanes

What ${count.toLocaleString("en")} lanes hold in one process, each with a model and a credential of its own, by the standard policy. It does not grow with traffic, only with the number of lanes. Written by \`node --expose-gc packages/core/bench/state.ts --write\` on ${at}: Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}.

<!-- prettier-ignore -->
| | bytes per lane | MB in all |
| --- | --- | --- |
${table.join("\n")}
`
  )
}
process.exit(0)
