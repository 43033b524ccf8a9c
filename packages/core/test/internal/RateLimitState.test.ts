import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as LimitedResource from "../../src/internal/LimitedResource.ts"
import * as RateLimit from "../../src/internal/RateLimitState.ts"

const limits = (settings: Partial<RateLimit.Settings> = {}) => RateLimit.make({ ...RateLimit.defaults, ...settings })

/** One request per second, sixty at once. */
const sixty: LimitedResource.Limit = { perMinute: 60, burst: 60 }

/** Sends so many requests now and says how many went. */
const send = (state: RateLimit.RateLimit, count: number, now: number, tokens = 0): number => {
  let sent = 0
  for (let n = 0; n < count; n++) if (typeof RateLimit.admit(state, tokens, now) !== "number") sent += 1
  return sent
}

const assertAdmits = (state: RateLimit.RateLimit, tokens: number, now: number): RateLimit.Reservation => {
  const reservation = RateLimit.admit(state, tokens, now)
  if (typeof reservation === "number") throw new Error(`refused for ${reservation} ms`)
  return reservation
}

describe("a limit on requests", () => {
  it("lets a burst go, then says to the millisecond when the next may", () => {
    const state = limits({ requests: { perMinute: 60, burst: 5 } })
    assert.strictEqual(send(state, 100, 0), 5)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 1_000)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 999), 1)
    assert.strictEqual(send(state, 100, 999), 0)
    assert.strictEqual(send(state, 100, 1_000), 1)
    assert.strictEqual(send(state, 100, 1e12), 5)
  })

  it("finds the gate open after the wait it was told, at rates that are no round numbers", () => {
    for (const perMinute of [7, 59, 61, 1_000, 9_999.9]) {
      const state = limits({ requests: { perMinute, burst: 1 } })
      let now = 1_700_000_000_123
      for (let n = 0; n < 1_000; n++) {
        assertAdmits(state, 0, now)
        const wait = RateLimit.waitMillis(state, 0, now)
        assert.isAbove(wait, 0)
        now += wait
      }
    }
  })
})

describe("a limit on tokens", () => {
  const tokens = { perMinute: 60_000, burst: 10_000 }

  it("gives back what was not used, and asks for what was used beyond the estimate", () => {
    const state = limits({ tokens })
    const first = assertAdmits(state, 10_000, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 4_000, 0), 4_000)
    RateLimit.settle(state, first, 6_000, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 4_000, 0), 0)
    const second = assertAdmits(state, 4_000, 0)
    RateLimit.settle(state, second, 9_000, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 1, 0), 5_001)
  })

  it("settles once", () => {
    const state = limits({ tokens })
    const reservation = assertAdmits(state, 10_000, 0)
    for (let n = 0; n < 3; n++) RateLimit.settle(state, reservation, 9_000, 0)
    RateLimit.cancel(state, reservation, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 1_000, 0), 0)
    assert.strictEqual(RateLimit.waitMillis(state, 1_001, 0), 1)
  })

  it("gives everything back for a request that was never sent", () => {
    const state = limits({ tokens, requests: { perMinute: 60, burst: 1 } })
    RateLimit.cancel(state, assertAdmits(state, 10_000, 0), 0)
    assertAdmits(state, 10_000, 0)
  })

  it("lets a request above the burst go when the bucket is full, and makes the others wait for it", () => {
    const state = limits({ tokens })
    assertAdmits(state, 50_000, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 50_000, 0), 50_000)
    assert.strictEqual(RateLimit.waitMillis(state, 1, 0), 40_001)
  })

  it("counts an estimate that makes no sense as nothing", () => {
    const state = limits({ tokens })
    for (const estimate of [Number.NaN, -5, Number.NEGATIVE_INFINITY]) assertAdmits(state, estimate, 0)
    assertAdmits(state, 10_000, 0)
  })
})

describe("what the provider's headers say", () => {
  it("lowers what may go, and is lowered by what was sent since", () => {
    const state = limits({ requests: sixty })
    const first = assertAdmits(state, 0, 0)
    send(state, 3, 0)
    assert.isTrue(RateLimit.correct(state, first, { requests: { limit: 60, remaining: 10, resetAt: 50_000 } }, 0))
    assert.strictEqual(send(state, 100, 0), 7)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 1_000)
  })

  it("never raises what our own limit allows", () => {
    const state = limits({ requests: { perMinute: 60, burst: 2 } })
    const first = assertAdmits(state, 0, 0)
    RateLimit.correct(state, first, { requests: { limit: 5_000, remaining: 4_999, resetAt: 12 } }, 0)
    assert.strictEqual(send(state, 100, 0), 1)
  })

  it("limits a lane that has no limit of its own", () => {
    const state = limits()
    const first = assertAdmits(state, 500, 0)
    const said = { limit: 60_000, remaining: 59_500, resetAt: 500 }
    RateLimit.correct(state, first, { tokens: said }, 0)
    assert.strictEqual(send(state, 1_000, 0, 500), 119)
    assert.strictEqual(RateLimit.waitMillis(state, 500, 0), 500)
  })

  it("fills the provider's bucket no faster than it says, and no faster than its limit per minute", () => {
    const slow = limits()
    RateLimit.correct(slow, assertAdmits(slow, 0, 0), { requests: { limit: 100, remaining: 0, resetAt: 100_000 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(slow, 0, 0), 1_000)
    const fast = limits()
    RateLimit.correct(fast, assertAdmits(fast, 0, 0), { requests: { limit: 60, remaining: 0, resetAt: 1 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(fast, 0, 0), 1_000)
  })

  it("is ignored when the response to a later request has spoken before", () => {
    const state = limits({ requests: sixty, tokens: { perMinute: 60_000, burst: 60_000 } })
    const [older, newer] = [assertAdmits(state, 10, 0), assertAdmits(state, 10, 0)]
    RateLimit.correct(
      state,
      newer,
      { requests: { limit: 60, remaining: 5 }, tokens: { limit: 60_000, remaining: 50 } },
      9
    )
    const before = structuredClone(state)
    const said = { requests: { limit: 60, remaining: 58 }, tokens: { limit: 60_000, remaining: 59_000 } }
    assert.isFalse(RateLimit.correct(state, older, said, 9))
    assert.deepStrictEqual(state, before)
    assert.isFalse(RateLimit.correct(state, newer, said, 9), "nor is the same response heard twice")
    assert.deepStrictEqual(state, before)
  })

  it("without a limit closes until the reset when nothing is left, and opens when something is", () => {
    const state = limits()
    const [first, second] = [assertAdmits(state, 0, 0), assertAdmits(state, 0, 0)]
    RateLimit.correct(state, first, { requests: { remaining: 0, resetAt: 5_000 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 5_000)
    assert.strictEqual(LimitedResource.level(state.requests, 4_999), 0)
    assert.isUndefined(LimitedResource.level(state.requests, 5_000))
    RateLimit.correct(state, second, { requests: { remaining: 3, resetAt: 5_000 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 0)
  })

  it("without what remains say how much there can be, and leave the level alone", () => {
    const state = limits()
    const [first, second, third] = [1, 2, 3].map(() => assertAdmits(state, 0, 0))
    RateLimit.correct(state, first!, { requests: { limit: 100 } }, 0)
    assert.strictEqual(LimitedResource.level(state.requests, 0), 98)
    RateLimit.correct(state, second!, { requests: { limit: 100, remaining: 50 } }, 0)
    RateLimit.correct(state, third!, { requests: { limit: 100 } }, 0)
    assert.strictEqual(LimitedResource.level(state.requests, 0), 49)
  })

  it("without a limit are read against the last limit that was stated, else against our own", () => {
    const state = limits()
    const [first, second] = [assertAdmits(state, 0, 0), assertAdmits(state, 0, 0)]
    RateLimit.correct(state, first, { requests: { limit: 60, remaining: 59 } }, 0)
    RateLimit.correct(state, second, { requests: { remaining: 0, resetAt: 120_000 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 2_000)
    const other = limits({ requests: { perMinute: 60, burst: 60 } })
    RateLimit.correct(other, assertAdmits(other, 0, 0), { requests: { remaining: 0, resetAt: 120_000 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(other, 0, 0), 2_000)
  })

  it("that make no sense are ignored", () => {
    const state = limits({ requests: sixty })
    const first = assertAdmits(state, 0, 0)
    for (const requests of [{}, { limit: 0 }, { remaining: -1 }, { limit: Number.NaN, resetAt: 5 }, undefined]) {
      assert.isFalse(RateLimit.correct(state, first, { requests }, 0))
    }
    assert.strictEqual(send(state, 100, 0), 59)
  })

  it("that close a lane for a year are tried again after an hour", () => {
    const state = limits()
    RateLimit.correct(state, assertAdmits(state, 0, 0), { requests: { limit: 10, remaining: 0, resetAt: 3e10 } }, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 3_600_000)
    assert.strictEqual(Math.floor(LimitedResource.level(state.requests, 3_599_999)!), 0)
    assert.isUndefined(LimitedResource.level(state.requests, 3_600_000))
    assert.strictEqual(send(state, 1, 3_600_000), 1)
  })

  it.prop(
    "never let more go at once than is left",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
      Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: -10, maximum: 100_000 })))
    ],
    ([remaining, since, resetIn]) => {
      const state = limits()
      const first = assertAdmits(state, 0, 1_000)
      send(state, since, 1_000)
      const resetAt = resetIn === undefined ? undefined : 1_000 + resetIn
      RateLimit.correct(state, first, { requests: { limit: 50, remaining, resetAt } }, 1_000)
      assert.strictEqual(send(state, 200, 1_000), Math.max(0, remaining - since))
    },
    { arbitrary: { runs: 1_000, seed: "remaining" } }
  )
})

describe("a cool-down", () => {
  it("holds everybody until the hint, and only moves forward", () => {
    const state = limits()
    assert.isFalse(RateLimit.cool(state, 0, 0), "to retry at once is no cool-down")
    assert.isTrue(RateLimit.cool(state, 5_000, 0))
    assert.isFalse(RateLimit.cool(state, 3_000, 0))
    assert.isFalse(RateLimit.cool(state, -1, 0))
    assert.isFalse(RateLimit.cool(state, Number.NaN, 0))
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 5_000)
    assert.isTrue(RateLimit.cool(state, 9_000, 4_999))
    assert.strictEqual(send(state, 1, 8_999), 0)
    assert.strictEqual(send(state, 1, 9_000), 1)
  })

  it("of a year ends after an hour", () => {
    const state = limits()
    RateLimit.cool(state, 3e10, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 0), 3_600_000)
  })

  it("lets those who wait go one by one, not all at once", () => {
    const state = limits({ requests: { perMinute: 600, burst: 100 } })
    RateLimit.cool(state, 30_000, 0)
    const turns = [0.5, 0, 0.999, 0.25].map((random) => RateLimit.join(state, 0, 60_000, random, 0))
    assert.deepStrictEqual(turns, [30_050, 30_150, 30_350, 30_475])
  })

  it("spaces them by what their tokens need", () => {
    const state = limits({ tokens: { perMinute: 60_000, burst: 60_000 }, gapMillis: 10 })
    RateLimit.cool(state, 1_000, 0)
    const turns = [500, 2_000, 0, 90_000].map((tokens) => RateLimit.join(state, tokens, 1e9, 0, 0))
    assert.deepStrictEqual(turns, [1_000, 3_000, 3_010, 63_010])
  })

  it("is not waited for by those who have less patience", () => {
    const state = limits()
    RateLimit.cool(state, 5_000, 0)
    const before = structuredClone(state)
    assert.isUndefined(RateLimit.join(state, 0, 4_999, 0, 0))
    assert.isUndefined(RateLimit.join(state, 0, Number.NaN, 0, 0))
    assert.deepStrictEqual(state, before)
    assert.strictEqual(RateLimit.join(state, 0, 5_000, 0, 0), 5_000)
  })

  it("that grows while they wait keeps them in order and apart", () => {
    const state = limits()
    RateLimit.cool(state, 1_000, 0)
    const turns = [1, 2, 3].map(() => RateLimit.join(state, 0, 60_000, 0, 0))
    assert.deepStrictEqual(turns, [1_000, 1_100, 1_200])
    RateLimit.cool(state, 10_000, 500)
    assert.strictEqual(RateLimit.take(state, 0, 0, 1_000), 9_000)
    assert.strictEqual(RateLimit.take(state, 0, 0, 1_100), 9_000)
    assert.strictEqual(RateLimit.take(state, 0, 0, 1_200), 9_000)
    assert.strictEqual(RateLimit.join(state, 0, 60_000, 0, 1_200), 9_100, "and a newcomer behind them")
    assert.isNotNumber(RateLimit.take(state, 0, 0, 10_000))
  })

  it("that grows is waited for by newcomers too, even before the others know", () => {
    const state = limits()
    RateLimit.cool(state, 1_000, 0)
    RateLimit.join(state, 0, 60_000, 0, 0)
    RateLimit.cool(state, 10_000, 500)
    assert.strictEqual(RateLimit.join(state, 0, 60_000, 0, 500), 9_500)
  })

  it("is over for a newcomer when the last turn is, whoever still sleeps", () => {
    const state = limits({ tokens: { perMinute: 60_000, burst: 60_000 } })
    RateLimit.cool(state, 1_000, 0)
    RateLimit.join(state, 0, 60_000, 0, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 30_000, 1_001), 0)
    assert.strictEqual(RateLimit.join(state, 30_000, 60_000, 0, 1_001), 0)
  })

  it("puts newcomers behind those who wait, and forgets the line when they have left", () => {
    const state = limits()
    RateLimit.cool(state, 1_000, 0)
    for (let n = 0; n < 5; n++) RateLimit.join(state, 0, 60_000, 0, 0)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 1_000), 400)
    for (let n = 0; n < 4; n++) RateLimit.leave(state)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 1_000), 400)
    RateLimit.leave(state)
    assert.strictEqual(RateLimit.waitMillis(state, 0, 1_000), 0)
  })
})

describe("a clock that is set back by an hour", () => {
  const hour = 3_600_000

  it("takes the limits with it", () => {
    const state = limits({ requests: { perMinute: 60, burst: 1 } })
    assertAdmits(state, 0, 2 * hour)
    assert.strictEqual(RateLimit.waitMillis(state, 0, hour), 1_000)
  })

  it("takes a cool-down with it", () => {
    const state = limits()
    RateLimit.cool(state, 2 * hour + 5_000, 2 * hour)
    assert.strictEqual(RateLimit.waitMillis(state, 0, hour), 5_000)
  })

  it("takes what the provider said with it", () => {
    const closed = limits()
    const said = { requests: { remaining: 0, resetAt: 2 * hour + 5_000 } }
    RateLimit.correct(closed, assertAdmits(closed, 0, 2 * hour), said, 2 * hour)
    assert.strictEqual(RateLimit.waitMillis(closed, 0, hour), 5_000)
  })

  it("takes those who wait with it", () => {
    const state = limits()
    RateLimit.cool(state, 2 * hour + 1_000, 2 * hour)
    for (let n = 0; n < 3; n++) RateLimit.join(state, 0, 60_000, 0, 2 * hour)
    assert.strictEqual(RateLimit.waitMillis(state, 0, hour), 1_200)
    RateLimit.cool(state, hour + 9_000, hour)
    assert.strictEqual(RateLimit.take(state, 0, 0, hour + 1_000), 8_000)
    assert.strictEqual(RateLimit.take(state, 0, 0, 1_100), 8_100, "set back again")
    assert.strictEqual(RateLimit.take(state, 0, 0, 1_200), 8_100)
  })
})

it.each([
  ["requests.perMinute", { requests: { perMinute: 0, burst: 1 } }],
  ["requests.perMinute", { requests: { perMinute: -5, burst: 1 } }],
  ["tokens.perMinute", { tokens: { perMinute: Number.NaN, burst: 1 } }],
  ["tokens.perMinute", { tokens: { perMinute: Number.POSITIVE_INFINITY, burst: 1 } }],
  ["tokens.burst", { tokens: { perMinute: 1, burst: 0 } }],
  ["gapMillis", { gapMillis: -1 }],
  ["maxHoldMillis", { maxHoldMillis: 0 }]
] as const)("an impossible %s is refused by name", (option, settings) => {
  assert.throws(() => limits(settings), RangeError, option)
})

describe("any requests", () => {
  it.prop(
    "lets no more go in any stretch of time than the burst and the rate allow",
    [
      Arbitrary.schema(Schema.Literals([7, 60, 333.3, 6_000])),
      Arbitrary.schema(Schema.Literals([1, 5, 60])),
      Arbitrary.array(
        Arbitrary.schema(
          Schema.Struct({
            tokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900 })),
            pass: Schema.Literals([0, 0, 1, 40, 977, 61_000])
          })
        ),
        { maxLength: 40 }
      )
    ],
    ([perMinute, burst, steps]) => {
      const state = limits({
        requests: { perMinute, burst },
        tokens: { perMinute: perMinute * 100, burst: burst * 100 }
      })
      const sent: Array<{ readonly at: number; readonly tokens: number }> = []
      let now = 1_700_000_000_000
      for (const { tokens, pass } of steps) {
        now += pass
        if (typeof RateLimit.admit(state, tokens, now) === "number") continue
        sent.push({ at: now, tokens })
        let [total, largest, worst] = [0, 0, Number.NEGATIVE_INFINITY]
        for (const [before, earlier] of sent.toReversed().entries()) {
          const minutes = (now - earlier.at) / 60_000
          total += earlier.tokens
          largest = Math.max(largest, earlier.tokens)
          worst = Math.max(
            worst,
            before + 1 - (burst + perMinute * minutes),
            total - (Math.max(burst * 100, largest) + perMinute * 100 * minutes)
          )
        }
        assert.isAtMost(worst, 1e-3)
      }
    },
    { arbitrary: { runs: 3_000, size: 40, seed: "exactness" } }
  )

  it.prop(
    "lets all who wait for a cool-down go in their order, apart, within the limits, and none too early",
    [
      Arbitrary.array(
        Arbitrary.schema(
          Schema.Struct({
            tokens: Schema.Literals([0, 10, 300, 5_000]),
            random: Schema.Literals([0, 0.4, 0.999]),
            leaves: Schema.Literals([false, false, false, true])
          })
        ),
        { maxLength: 12 }
      ),
      Arbitrary.schema(Schema.UndefinedOr(Schema.Literals([500, 20_000])))
    ],
    ([waiters, secondHint]) => {
      const state = limits({ requests: { perMinute: 600, burst: 4 }, tokens: { perMinute: 60_000, burst: 2_000 } })
      RateLimit.cool(state, 2_000, 0)
      let queue = waiters.map((waiter, index) => {
        const wait = RateLimit.join(state, waiter.tokens, 1e9, waiter.random, 0)
        if (wait === undefined) throw new Error("the patience is endless")
        return { ...waiter, index, at: wait }
      })
      if (secondHint !== undefined) RateLimit.cool(state, 2_000 + secondHint, 1_000)
      const went: Array<{ readonly index: number; readonly at: number }> = []
      for (let steps = 0; queue.length > 0; steps++) {
        assert.isBelow(steps, 200, "everybody's turn comes")
        queue = queue.toSorted((a, b) => a.at - b.at || a.index - b.index)
        const first = queue.shift()
        if (first === undefined) break
        if (first.leaves) {
          RateLimit.leave(state)
          continue
        }
        const answer = RateLimit.take(state, first.tokens, first.random, first.at)
        if (typeof answer === "number") queue.push({ ...first, at: first.at + answer })
        else went.push(first)
      }
      for (const [position, { at, index }] of went.entries()) {
        assert.isAtLeast(at, Math.max(2_000, 2_000 + (secondHint ?? 0)))
        if (position === 0) continue
        // A second hint sends back only those whose turn comes before it: they and the others may meet.
        if (secondHint === undefined)
          assert.isAbove(index, went[position - 1]!.index, "in the order in which they came")
        if (secondHint === undefined) assert.isAtLeast(at - went[position - 1]!.at, 99, "a gap apart")
        if (position > 1) assert.isAtLeast(at - went[position - 2]!.at, 99, "no more than two within a gap")
      }
      assert.strictEqual(state.line.waiting, 0)
      const last = went.at(-1)?.at ?? 1e6
      assert.isAtMost(RateLimit.waitMillis(state, 0, last + 1e6), 0, "nothing is left of the line")
    },
    { arbitrary: { runs: 3_000, size: 12, seed: "waiting line" } }
  )

  const extremes = [0, -0, 1, -1, 1e-300, 1e15, 1e308, -1e308, Infinity, -Infinity, NaN]

  it.prop(
    "never comes to a number that is none, whatever it is told",
    [
      Arbitrary.array(
        Arbitrary.all({
          step: Arbitrary.schema(Schema.Literals(["admit", "join", "take", "settle", "cool", "correct"])),
          value: Arbitrary.schema(Schema.Number),
          other: Arbitrary.map(Arbitrary.schema(Schema.Int), (int) => extremes[Math.abs(int) % extremes.length]!),
          pass: Arbitrary.schema(Schema.Literals([0, 1, 1e6, 1e14, -1e14]))
        }),
        { maxLength: 20 }
      )
    ],
    ([steps]) => {
      const state = limits({ requests: { perMinute: 0.001, burst: 1 }, tokens: { perMinute: 1e300, burst: 1e300 } })
      let now = 0
      let reservation = assertAdmits(state, 1, now)
      for (const { other, pass, step, value } of steps) {
        now += pass
        switch (step) {
          case "admit":
          case "take": {
            const answer =
              step === "admit" ? RateLimit.admit(state, value, now) : RateLimit.take(state, other, 0.5, now)
            if (typeof answer === "number") assert.isFinite(answer)
            else reservation = answer
            break
          }
          case "join":
            RateLimit.join(state, other, value, 0.5, now)
            break
          case "settle":
            RateLimit.settle(state, reservation, other, now)
            break
          case "cool":
            RateLimit.cool(state, value, now)
            break
          case "correct": {
            const said = { limit: other, remaining: value, resetAt: other }
            RateLimit.correct(state, reservation, { requests: said, tokens: { ...said, limit: value } }, now)
          }
        }
        for (const tokens of [0, value, other]) {
          const wait = RateLimit.waitMillis(state, tokens, now)
          assert.isTrue(Number.isFinite(wait) && wait >= 0, `a wait of ${wait}`)
        }
        for (const resource of [state.requests, state.tokens]) {
          const numbers = [resource.own?.fullAt, resource.stated?.fullAt, resource.stated?.perMilli, resource.taken]
          assert.isFalse(numbers.some((number) => Number.isNaN(number)))
        }
        assert.isFalse([state.coolUntil, state.line.end, state.line.again].some(Number.isNaN))
      }
    },
    { arbitrary: { runs: 5_000, size: 20, seed: "extremes" } }
  )
})
