import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { Failure, Lane, Resilience } from "@holdfast/core"
import { alone, exact } from "../Chat.ts"
import { recorder } from "../Recorder.ts"

const lane = Lane.make({ provider: "a", model: "x" })
const other = Lane.make({ provider: "b", model: "y" })
const broken = Failure.make("PermissionDenied", {
  provider: "a",
  model: "x",
  lane: "a/x",
  scope: "credential",
  rule: "test"
})

describe("an operation whose first attempt is over at once", () => {
  it.effect("has its end reported also where its caller was interrupted in that very step", () =>
    Effect.gen(function* () {
      const events = yield* recorder
      const resilience = yield* Resilience.Resilience
      let caller: Fiber.Fiber<unknown, unknown> | undefined
      const operation = resilience.run({
        route: "chat",
        kind: "effect",
        policy: exact,
        lanes: [lane, other],
        call: () =>
          Effect.suspend(() => {
            caller?.interruptUnsafe()
            return Effect.fail(broken)
          })
      })
      const fiber = yield* Effect.forkChild(
        Effect.withFiber((self) => {
          caller = self
          return operation
        })
      )
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.deepStrictEqual(
        (yield* events.of("AttemptEnded")).map(({ result }) => result),
        ["PermissionDenied"]
      )
      assert.deepStrictEqual(
        (yield* events.of("OperationEnded")).map(({ attempts, result }) => [attempts, result]),
        [[1, "Cancelled"]]
      )
    }).pipe(alone)
  )
})
