import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Runs from "../../src/internal/Runs.ts"

const sent = (calls: number) => {
  const runs = Runs.make()
  const numbers = Array.from({ length: calls }, () => Runs.send(runs))
  return { runs, numbers }
}

describe("runs of failures", () => {
  it("are of calls that were sent one after the other, in whatever order they end", () => {
    const { runs } = sent(5)
    assert.deepStrictEqual(
      [1, 5, 3, 4, 2].map((call) => Runs.end(runs, call, true)),
      [1, 1, 1, 3, 5]
    )
  })

  it("are not parted by calls that said nothing", () => {
    const { runs } = sent(4)
    Runs.end(runs, 3, false)
    Runs.end(runs, 2, false)
    Runs.end(runs, 1, true)
    assert.strictEqual(Runs.end(runs, 4, true), 2)
  })

  it("begin anew when they are forgotten, and no call gets a number twice", () => {
    const { numbers, runs } = sent(3)
    for (const call of numbers) Runs.end(runs, call, true)
    Runs.clear(runs)
    assert.strictEqual(Runs.end(runs, Runs.send(runs), true), 1)
  })

  it("do not go on over the end of the numbers", () => {
    const { runs } = sent(Runs.numbers - 1)
    assert.strictEqual(Runs.end(runs, 2, true), 1)
    assert.strictEqual(Runs.end(runs, Runs.numbers - 1, true), 1)
    assert.strictEqual(Runs.send(runs), 1)
    assert.strictEqual(Runs.end(runs, 1, true), 1)
  })

  it("are remembered in a bounded number", () => {
    const { runs } = sent(100_001)
    for (let call = 1; call <= 100_000; call += 2) Runs.end(runs, call, true)
    assert.isAtMost(runs.stretches.size, 2_000)
    assert.strictEqual(Runs.end(runs, 99_998, true), 3)
  })

  const calls = 12
  const Result = Schema.Struct({
    call: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: calls })),
    hasFailed: Schema.Boolean
  })

  it.prop("are as long as whoever looks at every call finds them", [Schema.Array(Result)], ([results]) => {
    const { runs } = sent(calls)
    const ended = new Map<number, boolean>()
    for (const { call, hasFailed } of results) {
      if (ended.has(call)) continue
      ended.set(call, hasFailed)
      let first = call
      while (ended.has(first - 1)) first -= 1
      let failures = 0
      for (let at = first; ended.has(at); at++) failures += ended.get(at) === true ? 1 : 0
      assert.strictEqual(Runs.end(runs, call, hasFailed), failures)
    }
  })
})
