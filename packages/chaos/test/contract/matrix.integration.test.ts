import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import type { Failure, TextModel } from "@holdfast/core"
import { Deferred, Duration, Effect, Stream } from "effect"
import { sixtyWords } from "../../src/Healthy.ts"
import { always } from "../support/clients.ts"
import { ask } from "./Scene.ts"
import * as EmulatorHosts from "./EmulatorHosts.ts"
import { assertNoCanary, canary } from "./matrix/canary.ts"
import { type Case, cases } from "./matrix/cases.ts"
import * as Echo from "./matrix/Echo.ts"
import * as forms from "./matrix/forms.ts"
import * as Witness from "./matrix/Witness.ts"
import { type Subject, subjects } from "./Subject.ts"

type Call = (
  text: TextModel.TextModel,
  hear?: (word: string) => void
) => Effect.Effect<ReadonlyArray<unknown>, Failure.Failure>

const modes: { readonly [Mode in "whole" | "streamed"]: Call } = {
  whole: (text) => text.generate(ask),
  streamed: (text, hear = () => {}) =>
    text.stream(ask).pipe(
      Stream.tap((part) => Effect.sync(() => part.type === "text-delta" && hear(part.delta))),
      Stream.runCollect
    )
}

const words = (count: number) => sixtyWords.split(" ").slice(0, count).join(" ")

/** A lane to an emulator with the fault, by way of a proxy that repeats the lane's key wherever it can. */
const meet = (subject: Subject, { fault, healthy }: Pick<Case, "fault" | "healthy">) =>
  Effect.gen(function* () {
    const emulator = yield* EmulatorHosts.make[subject.format]({ plan: always(fault, healthy) })
    const echo = yield* Echo.make(emulator.port, canary)
    return { echo, lane: yield* subject.lane(echo.origin, canary) }
  })

const assertHint = (failure: Failure.Failure, { hint, hintOf }: Case, { format }: Subject) => {
  const range = hintOf?.[format] ?? hint
  if (range === undefined) return assert.isUndefined(failure.retryAfter, failure.rule)
  const millis = Duration.toMillis(failure.retryAfter ?? Duration.infinity)
  assert.isTrue(millis >= range[0] && millis <= range[1], `${millis} ms`)
}

const assertFailure = (failure: Failure.Failure, one: Case, subject: Subject) => {
  assertHint(failure, one, subject)
  assertNoCanary(forms.of(failure))
  if (one.isWorded !== true) return
  assert.strictEqual(failure.requestId, "[redacted]")
  assert.include(failure.detail, "You sent [redacted] to https://api.test/v1/[redacted]?key=[redacted]")
}

const { bearer, chat, compatible, responses, v1beta } = subjects

for (const subject of [chat, responses, compatible, v1beta, bearer]) {
  describe(`${subject.name}, whose key is echoed,`, () => {
    for (const one of Object.values(cases).flat()) {
      for (const mode of ["whole", "streamed"] as const) {
        const outcome = mode === "whole" ? one.whole : (one.streamed ?? one.whole)
        const socket = (mode === "whole" ? undefined : one.streamSocket) ?? one.socket ?? "kept"
        const name = `meets ${JSON.stringify(one.fault)}, ${mode}: ${outcome}, the connection ${socket}, the key nowhere`
        it.live(name, () =>
          Effect.gen(function* () {
            const { echo, lane } = yield* meet(subject, one)
            const witness = Witness.make()
            let said = ""
            const call = modes[mode](lane.text!, (word) => {
              said += word
            })
            const result = yield* Effect.result(witness.watch(call))

            assert.strictEqual(result._tag === "Failure" ? result.failure._tag : "answer", outcome)
            if (result._tag === "Success") assertNoCanary(JSON.stringify(result.success))
            else {
              assertFailure(result.failure, one, subject)
              const expected = words(mode === "streamed" ? (one.words ?? 0) : 0)
              // A reset discards what has not been read yet.
              if (one.fault._tag === "Reset") assert.isTrue(expected.startsWith(said), said)
              else assert.strictEqual(said, expected)
            }
            const traced = witness.spans.map((span) => span.name)
            assert.deepStrictEqual(traced, ["call"])
            assert.strictEqual(witness.text().includes("the call failed"), outcome !== "answer")
            assertNoCanary(witness.text())

            const [first] = echo.exchanges
            if (socket === "closed") return yield* Deferred.await(first!.closed)
            for (let again = 0; again < 2; again++) yield* Effect.exit(modes[mode](lane.text!))
            // A connection is free a moment after its answer is complete, so calls may alternate between two.
            assert.strictEqual(echo.exchanges.length, 3)
            assert.isAtMost(new Set(echo.exchanges.map(({ connection }) => connection)).size, 2)
            assert.isFalse(yield* Deferred.isDone(first!.closed))
          }).pipe(Effect.provide(NodeHttpClient.layerUndici), Effect.timeout("5 seconds"))
        )
      }
    }

    it.live("keeps its key to itself when a check and an embedding fail", () =>
      Effect.gen(function* () {
        const { lane } = yield* meet(subject, { fault: { _tag: "BadKey" } })
        const calls = [lane.check!, ...(lane.embed === undefined ? [] : [lane.embed.embed({ inputs: ["kelp"] })])]
        for (const call of calls) {
          const failure = yield* Effect.flip(Effect.asVoid(call))
          assert.strictEqual(failure._tag, "Authentication")
          assert.include(failure.detail, "You sent [redacted]")
          assertNoCanary(forms.of(failure))
        }
      }).pipe(Effect.provide(NodeHttpClient.layerUndici))
    )
  })
}
