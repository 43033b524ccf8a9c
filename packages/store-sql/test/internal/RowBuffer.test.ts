import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as RowBuffer from "../../src/internal/RowBuffer.ts"

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe("RowBuffer", () => {
  it("gives rows back in order, oldest first", () => {
    const buffer = RowBuffer.make<number>(10)
    RowBuffer.add(buffer, [1, 2, 3])
    assert.deepStrictEqual(RowBuffer.take(buffer, 2), [1, 2])
    RowBuffer.settle(buffer)
    assert.deepStrictEqual(RowBuffer.take(buffer, 2), [3])
  })

  it("drops the oldest when too many wait", () => {
    const buffer = RowBuffer.make<number>(3)
    assert.strictEqual(RowBuffer.add(buffer, [1, 2, 3]), 0)
    assert.strictEqual(RowBuffer.add(buffer, [4, 5]), 2)
    assert.deepStrictEqual(buffer.waiting, [3, 4, 5])
    assert.strictEqual(RowBuffer.add(buffer, range(6, 16)), 10)
    assert.deepStrictEqual(buffer.waiting, [13, 14, 15])
  })

  it("puts the rows of a failed statement back in front, and drops them first if there is no room", () => {
    const buffer = RowBuffer.make<number>(4)
    RowBuffer.add(buffer, [1, 2, 3])
    RowBuffer.take(buffer, 2)
    RowBuffer.add(buffer, [4])
    assert.strictEqual(RowBuffer.restore(buffer), 0)
    assert.deepStrictEqual(buffer.waiting, [1, 2, 3, 4])
    RowBuffer.take(buffer, 2)
    RowBuffer.add(buffer, [5])
    assert.strictEqual(RowBuffer.restore(buffer), 1)
    assert.deepStrictEqual(buffer.waiting, [2, 3, 4, 5])
  })

  it("knows how far everything is settled", () => {
    const buffer = RowBuffer.make<number>(2)
    RowBuffer.add(buffer, [1, 2])
    RowBuffer.take(buffer, 2)
    RowBuffer.add(buffer, [3, 4, 5])
    // 3 is dropped, but 1 and 2 are still under way.
    assert.strictEqual(RowBuffer.floor(buffer), 0)
    RowBuffer.settle(buffer)
    assert.strictEqual(RowBuffer.floor(buffer), 3)
    assert.strictEqual(RowBuffer.clear(buffer), 2)
    assert.strictEqual(RowBuffer.floor(buffer), buffer.end)
  })

  const Step = Schema.Struct({
    added: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 })),
    what: Schema.Literals(["add", "take", "settle", "restore"])
  })

  it.prop(
    "whatever happens, every row is written, dropped or there, once, and no more wait than may",
    [Schema.Array(Step)],
    ([steps]) => {
      const buffer = RowBuffer.make<number>(5)
      const settled: Array<number> = []
      let dropped = 0
      let last = 0
      for (const { added, what } of steps) {
        if (what === "add") dropped += RowBuffer.add(buffer, range(buffer.end, buffer.end + added))
        if (what === "take" && buffer.taken.length === 0) RowBuffer.take(buffer, 3)
        if (what === "settle") {
          settled.push(...buffer.taken)
          RowBuffer.settle(buffer)
        }
        if (what === "restore") dropped += RowBuffer.restore(buffer)
        assert.isAtMost(buffer.waiting.length, 5)
        assert.strictEqual(settled.length + dropped + RowBuffer.size(buffer), buffer.end)
        assert.deepStrictEqual(buffer.waiting, range(buffer.end - buffer.waiting.length, buffer.end))
        const floor = RowBuffer.floor(buffer)
        assert.isAtLeast(floor, last)
        last = floor
      }
      assert.deepStrictEqual(
        settled,
        settled.toSorted((a, b) => a - b)
      )
      assert.strictEqual(new Set(settled).size, settled.length)
    }
  )
})
