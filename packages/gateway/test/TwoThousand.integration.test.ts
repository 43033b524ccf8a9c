import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { writeSync } from "node:fs"
import OpenAI from "openai"
import { embedded, question, start } from "./Harness.ts"

const operations = 2000
const concurrency = 16

layer(embedded, { excludeTestServices: true })("a storm of 2,000 requests", (it) => {
  it.effect(
    "a primary that fails one time in five and is down for a tenth of the storm: at least 99.5 % are answered",
    () =>
      Effect.gen(function* () {
        const storm = {
          rules: [
            { when: { requests: { from: 900, to: 1099 } }, fault: { _tag: "ServiceUnavailable" as const } },
            { when: { rate: 0.2 }, fault: { _tag: "ServerError" as const } }
          ]
        }
        const { client, gemini, openAi } = yield* start({ gemini: storm })
        const succeeded = (ask: () => Promise<unknown>) =>
          Effect.map(
            Effect.forEach(
              Array.from({ length: operations }),
              () =>
                Effect.promise(() =>
                  ask().then(
                    () => true,
                    () => false
                  )
                ),
              { concurrency }
            ),
            (answers) => answers.filter((answer) => answer).length / operations
          )

        const throughGateway = yield* succeeded(() => client.chat.completions.create(question))
        const primaryCalls = (yield* gemini.journal).length
        const fallbackCalls = (yield* openAi.journal).length

        // The same storm over the same number of requests, with nothing in between.
        yield* openAi.setPlan({ ...(yield* gemini.plan) })
        yield* openAi.reset
        const bare = new OpenAI({ apiKey: "any", baseURL: openAi.url, maxRetries: 0 })
        const direct = yield* succeeded(() => bare.chat.completions.create({ ...question, model: "gpt-4o-mini" }))
        // Past the reporter, which shows the output of failed tests only: these figures are always wanted.
        writeSync(
          2,
          `${operations} requests: ${(throughGateway * 100).toFixed(2)} % answered through the gateway ` +
            `(${primaryCalls} calls to the primary, ${fallbackCalls} to the fallback), ` +
            `${(direct * 100).toFixed(2)} % straight to the primary\n`
        )
        assert.isAtLeast(throughGateway, 0.995)
        assert.isBelow(direct, 0.8)
      }),
    120_000
  )
})
