import { assert, describe, it } from "@effect/vitest"
import type { OperatorRecords } from "@holdfast/store-sql"
import * as HoldBook from "../../src/admin/internal/HoldBook.ts"

const hold = (id: string, more: Partial<OperatorRecords.Hold> = {}): OperatorRecords.Hold => ({
  id,
  instance: null,
  circuit: "openai/mini",
  mode: "force-open",
  drain: false,
  reason: "to see",
  by: "Ada",
  since: 1,
  until: null,
  ...more
})

const action = (number: number): OperatorRecords.Action => ({
  id: `a-${number}`,
  at: number,
  instance: "one",
  by: "Ada",
  action: "hold",
  target: "openai/mini",
  reason: "to see"
})

const ids = (holds: ReadonlyArray<{ readonly id?: string | undefined }>) => holds.map(({ id }) => id)

describe("the book of holds", () => {
  it("adopts what others put, and lets go of what others released", () => {
    const book = HoldBook.make()
    HoldBook.put(book, hold("ours"), true)
    const { fresh, gone } = HoldBook.compare(book, [hold("theirs")], 10)
    assert.deepStrictEqual(ids(fresh), ["theirs"])
    assert.deepStrictEqual(ids(gone), ["ours"])
  })

  it("neither lets go of what the store has not heard of, nor takes back what it has not heard is released", () => {
    const book = HoldBook.make()
    HoldBook.put(book, hold("new"), false)
    HoldBook.put(book, hold("old"), true)
    HoldBook.release(book, "old", 5)
    const { fresh, gone } = HoldBook.compare(book, [hold("old")], 10)
    assert.deepStrictEqual([...fresh, ...gone], [])
    const news = HoldBook.news(book)
    assert.deepStrictEqual(ids(news.put), ["new"])
    assert.deepStrictEqual(ids(news.released), ["old"])
    HoldBook.told(book, news)
    assert.isTrue(HoldBook.isEmpty(HoldBook.news(book)))
    assert.isTrue(HoldBook.list(book)[0]?.isKept)
  })

  it("says what happened while the store was being told in the next round", () => {
    const book = HoldBook.make()
    HoldBook.put(book, hold("one"), false)
    HoldBook.note(book, action(1))
    const news = HoldBook.news(book)
    HoldBook.release(book, "one", 5)
    HoldBook.note(book, action(2))
    HoldBook.told(book, news)
    const next = HoldBook.news(book)
    assert.deepStrictEqual([ids(next.put), ids(next.released), ids(next.actions)], [[], ["one"], ["a-2"]])
  })

  it("leaves a hold that is over by itself to its time", () => {
    const book = HoldBook.make()
    HoldBook.put(book, hold("short", { until: 10 }), true)
    assert.deepStrictEqual(HoldBook.compare(book, [], 10).gone, [])
    assert.deepStrictEqual(HoldBook.due(book, 9), [])
    assert.deepStrictEqual(ids(HoldBook.due(book, 10)), ["short"])
  })

  it("is bounded while the store is away, and remembers each action once, latest first", () => {
    const book = HoldBook.make()
    for (let n = 0; n < 3 * HoldBook.remembered; n++) {
      HoldBook.note(book, action(n))
      HoldBook.put(book, hold(`h-${n}`), false)
      HoldBook.release(book, `h-${n}`, n)
    }
    const { actions, released } = HoldBook.news(book)
    assert.strictEqual(actions.length, HoldBook.remembered)
    assert.strictEqual(released.length, HoldBook.remembered)
    const all = HoldBook.actions(book, [action(1_499), action(1_600)])
    assert.deepStrictEqual(ids(all.slice(0, 3)), ["a-1600", "a-1499", "a-1498"])
  })
})
