import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import * as Hint from "../../src/internal/Hint.ts"

describe("Hint", () => {
  it("writes seconds, milliseconds and dates as headers", () => {
    assert.deepStrictEqual(Hint.headers(Duration.seconds(2), "retry-after", 0), { "retry-after": "2" })
    assert.deepStrictEqual(Hint.headers(Duration.millis(1500), "retry-after-ms", 0), { "retry-after-ms": "1500" })
    assert.deepStrictEqual(Hint.headers(Duration.millis(1500), "retry-after-date", 1_000_000_000_000), {
      "retry-after": "Sun, 09 Sep 2001 01:46:42 GMT"
    })
    assert.deepStrictEqual(Hint.headers(Duration.seconds(86.4), "x-ratelimit-reset", 0), {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1m26.4s"
    })
  })

  it("puts no header where the body carries the hint", () => {
    assert.deepStrictEqual(Hint.headers(Duration.seconds(2), "RetryInfo", 0), {})
    assert.deepStrictEqual(Hint.headers(Duration.seconds(2), "message", 0), {})
  })

  it("writes durations the way Go does", () => {
    const cases: ReadonlyArray<[Duration.Input, string]> = [
      ["6 millis", "6ms"],
      ["0.5 millis", "1ms"],
      ["9.816 seconds", "9.816s"],
      ["432 seconds", "7m12s"],
      ["17016.314 seconds", "4h43m36.314s"]
    ]
    for (const [input, text] of cases) assert.strictEqual(Hint.goDuration(Duration.fromInputUnsafe(input)), text)
  })
})
