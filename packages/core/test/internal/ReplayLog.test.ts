import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Reader, ReplayLog } from "../../src/internal/ReplayLog.ts"

const who = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
const Step = Schema.Union([
  Schema.TaggedStruct("Join", {}),
  Schema.TaggedStruct("Append", { size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })) }),
  Schema.TaggedStruct("Append", { size: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })) }),
  Schema.TaggedStruct("Take", { who }),
  Schema.TaggedStruct("Take", { who }),
  Schema.TaggedStruct("Leave", { who })
])
const max = 10
const largest = 6

describe("the log of a shared stream", () => {
  it.prop(
    "brings every reader all pieces in order until it is cut, holds little more than the bound, and cuts no fastest one",
    [Schema.Array(Step)],
    ([steps]) => {
      const log = new ReplayLog<number>(max)
      const sizes: Array<number> = []
      const readers: Array<{ readonly reader: Reader; readonly seen: Array<number>; gone: boolean }> = []
      const come = () => sizes.reduce((sum, size) => sum + size, 0)
      for (const step of steps) {
        if (step._tag === "Join" && log.isOpen) readers.push({ reader: log.join(), seen: [], gone: false })
        if (step._tag === "Append" && readers.some(({ gone }) => !gone) && !log.isFull) {
          log.append(sizes.length, step.size)
          sizes.push(step.size)
        }
        if (step._tag === "Take" || step._tag === "Leave") {
          const one = readers[step.who]
          if (one !== undefined && step._tag === "Take") {
            const piece = log.take(one.reader)
            if (piece !== undefined) one.seen.push(piece)
            else if (!one.gone && !one.reader.isCut) assert.strictEqual(one.seen.length, sizes.length)
          } else if (one !== undefined) {
            one.gone = true
            log.leave(one.reader)
          }
        }
        const here = readers.filter(({ gone }) => !gone)
        for (const { seen } of readers) assert.deepStrictEqual(seen, [...seen.keys()])
        const reading = here.filter(({ reader }) => !reader.isCut)
        if (here.length > 0) assert.isNotEmpty(reading)
        assert.isAtMost(log.held, max + largest)
        assert.strictEqual(log.isOpen, come() <= max)
        const fastest = Math.max(...reading.map(({ reader }) => reader.at))
        if (reading.length > 0) assert.strictEqual(log.isFull, come() - fastest > max)
      }
    },
    { arbitrary: { runs: 1000 } }
  )

  it("cuts one who is farther behind than the bound while another reads on", () => {
    const log = new ReplayLog<string>(2)
    const fast = log.join()
    const slow = log.join()
    for (const piece of ["a", "b", "c"]) {
      log.append(piece, 1)
      assert.strictEqual(log.take(fast), piece)
    }
    assert.deepStrictEqual([fast.isCut, slow.isCut, log.take(slow), log.held], [false, true, undefined, 0])
  })
})
