import { assert, describe, it } from "@effect/vitest"
import * as ck from "cockatiel"
import { Effect } from "effect"
import { RetryPolicy } from "@holdfast/core"
import { cockatiel } from "../conformance/Cockatiel.ts"
import { holdfast } from "../conformance/Holdfast.ts"
import { onSubject } from "../conformance/onSubject.ts"
import type { Subject } from "../conformance/Subject.ts"

/** A circuit that opens at the first failure, and a caller who goes away. */
const callerLeaves = Effect.fnUntraced(function* (subject: Subject) {
  const circuit = yield* subject.circuit({ trip: { failures: 1 }, openMillis: 30_000 })
  const call = yield* circuit.start
  yield* subject.advance(1000)
  yield* call.cancel
  return yield* circuit.state
})

describe("D5: a caller who goes away is no failure", () => {
  it.effect("ours stays closed", (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, holdfast, callerLeaves), "closed")
    })
  )

  it.effect(`cockatiel ${cockatiel.version} opens`, (context) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* onSubject(context, cockatiel, callerLeaves), "open")
    })
  )
})

describe("D5: the growth of the backoff is the one that was asked for", () => {
  it("ours triples when it is told to", () => {
    const settings: RetryPolicy.Settings = { ...RetryPolicy.defaults, factor: 3, jitter: "none-unsafe" }
    assert.deepStrictEqual(
      [1, 2, 3].map((retry) => RetryPolicy.delayMillis(settings, retry, 1, 0, 0)),
      [1000, 3000, 9000]
    )
  })

  it(`cockatiel ${cockatiel.version} doubles when it is told to triple`, () => {
    const factory = new ck.ExponentialBackoff({ initialDelay: 1000, exponent: 3, generator: ck.noJitterGenerator })
    const first = factory.next()
    const second = first.next(undefined)
    const third = second.next(undefined)
    assert.deepStrictEqual([first.duration, second.duration, third.duration], [1000, 2000, 4000])
  })
})
