import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type * as LimitedResource from "../../src/internal/LimitedResource.ts"
import * as RateLimit from "../../src/internal/RateLimitState.ts"

describe("any sequence of requests, results, headers, cool-downs and pauses", () => {
  // Numbers whose quotients are exact, so that the model may be exact too: rates are powers of two per millisecond.
  const own = {
    requests: { perMinute: 60_000 / 1_024, burst: 3 },
    tokens: { perMinute: 15_000, burst: 8_192 }
  }
  const Said = Schema.Struct({
    limit: Schema.Literals([1_875, 15_000]),
    missing: Schema.Literals([0, 1, 1_024, 1_875, 15_000]),
    /** The reset comes after so many milliseconds per missing one; 0 for a reset that is over. */
    pace: Schema.UndefinedOr(Schema.Literals([0, 2, 128]))
  })
  const Which = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }))
  const Command = Schema.Union([
    Schema.TaggedStruct("Admit", { tokens: Schema.Literals([0, 1, 512, 4_096, 20_000]) }),
    Schema.TaggedStruct("Settle", { which: Which, tokens: Schema.Literals([0, 500, 4_096, 30_000]) }),
    Schema.TaggedStruct("Cancel", { which: Which }),
    Schema.TaggedStruct("Cool", { millis: Schema.Literals([-1, 0, 700, 20_000, 1e9]) }),
    Schema.TaggedStruct("Correct", {
      which: Which,
      requests: Schema.UndefinedOr(Said),
      tokens: Schema.UndefinedOr(Said)
    }),
    // To just before or just after the instant at which the last one refused may go, over an age, or back.
    Schema.TaggedStruct("Pass", { millis: Schema.Literals(["almost", "there", 1, 900, 60_000, 1e10, -300]) })
  ])
  const commands = Arbitrary.array(Arbitrary.schema(Command), { maxLength: 30 })

  /** A bucket as one would write it first: a level that is refilled whenever one looks. */
  class Bucket {
    readonly capacity: number
    readonly rate: number
    level: number
    at: number
    constructor(capacity: number, rate: number, level: number, at: number) {
      this.capacity = capacity
      this.rate = rate
      this.level = level
      this.at = at
    }
    levelAt(now: number) {
      return Math.min(this.capacity, this.level + this.rate * (now - this.at))
    }
    change(amount: number, now: number) {
      this.level = Math.min(this.capacity, this.levelAt(now) + amount)
      this.at = now
    }
    holds(cost: number, now: number) {
      return this.levelAt(now) >= Math.min(cost, this.capacity)
    }
  }

  class Resource {
    readonly own: Bucket
    stated: Bucket | undefined
    statedBy = 0
    statedUntil = 0
    taken = 0
    constructor({ burst, perMinute }: LimitedResource.Limit, now: number) {
      this.own = new Bucket(burst, perMinute / 60_000, burst, now)
    }
    holds(cost: number, now: number) {
      return (
        this.own.holds(cost, now) &&
        (this.stated === undefined || now >= this.statedUntil || this.stated.holds(cost, now))
      )
    }
    change(amount: number, sequence: number, now: number) {
      this.own.change(amount, now)
      if (sequence > this.statedBy) this.stated?.change(amount, now)
    }
    hear(said: typeof Said.Type | undefined, sequence: number, since: number, now: number) {
      if (said === undefined || sequence <= this.statedBy) return
      const missing = Math.min(said.missing, said.limit)
      const pace = said.pace === undefined || said.pace === 0 || missing === 0 ? 0 : said.pace
      const rate = Math.min(said.limit / 60_000, 1 / pace)
      this.stated = new Bucket(said.limit, rate, said.limit - missing - since, now)
      this.statedBy = sequence
      this.statedUntil = now + 3_600_000
    }
    shift(millis: number) {
      this.own.at += millis
      if (this.stated !== undefined) this.stated.at += millis
      this.statedUntil += millis
    }
  }

  const inWords = (said: typeof Said.Type | undefined, now: number): LimitedResource.Stated | undefined => {
    if (said === undefined) return undefined
    const missing = Math.min(said.missing, said.limit)
    return {
      limit: said.limit,
      remaining: said.limit - missing,
      resetAt: said.pace === undefined ? undefined : now + missing * said.pace
    }
  }

  it.prop(
    "ends as with buckets that are refilled by hand",
    [commands],
    ([commands]) => {
      let now = 1_000_000
      const state = RateLimit.make({ ...RateLimit.defaults, ...own })
      const requests = new Resource(own.requests, now)
      const tokens = new Resource(own.tokens, now)
      let [coolUntil, wait] = [0, 0]
      const sent: Array<{ reservation: RateLimit.Reservation; tokens: number; taken: number; open: boolean }> = []
      const holds = (cost: number, at: number) => at >= coolUntil && requests.holds(1, at) && tokens.holds(cost, at)

      for (const command of commands) {
        const one = "which" in command ? sent[command.which % Math.max(1, sent.length)] : undefined
        switch (command._tag) {
          case "Pass": {
            const millis =
              command.millis === "there" ? wait : command.millis === "almost" ? Math.max(0, wait - 1) : command.millis
            now += millis
            wait = 0
            if (millis < 0) {
              coolUntil += millis
              requests.shift(millis)
              tokens.shift(millis)
            }
            RateLimit.waitMillis(state, 0, now)
            break
          }
          case "Admit": {
            const answer = RateLimit.admit(state, command.tokens, now)
            if (typeof answer === "number") {
              wait = answer
              assert.isFalse(holds(command.tokens, now), "refused in vain")
              assert.isTrue(holds(command.tokens, now + wait), "told to wait too short")
              assert.isFalse(holds(command.tokens, now + wait - 1), "told to wait too long")
              break
            }
            assert.isTrue(holds(command.tokens, now), "let through too early")
            requests.taken += 1
            tokens.taken += command.tokens
            requests.change(-1, Number.POSITIVE_INFINITY, now)
            tokens.change(-command.tokens, Number.POSITIVE_INFINITY, now)
            assert.strictEqual(answer.sequence, requests.taken)
            sent.push({ reservation: answer, tokens: command.tokens, taken: tokens.taken, open: true })
            break
          }
          case "Settle":
          case "Cancel": {
            if (one === undefined) break
            const isCancel = command._tag === "Cancel"
            if (isCancel) RateLimit.cancel(state, one.reservation, now)
            else RateLimit.settle(state, one.reservation, command.tokens, now)
            if (!one.open) break
            one.open = false
            tokens.change(one.tokens - (isCancel ? 0 : command.tokens), one.reservation.sequence, now)
            if (isCancel) requests.change(1, one.reservation.sequence, now)
            break
          }
          case "Cool": {
            const before = state.coolUntil
            const until = Math.min(now + command.millis, now + 3_600_000)
            const moved = until > Math.max(now, coolUntil)
            assert.strictEqual(RateLimit.cool(state, now + command.millis, now), moved)
            if (moved) coolUntil = until
            assert.isAtLeast(state.coolUntil, before, "a deadline only moves forward")
            break
          }
          case "Correct": {
            if (one === undefined) break
            const { sequence } = one.reservation
            RateLimit.correct(
              state,
              one.reservation,
              { requests: inWords(command.requests, now), tokens: inWords(command.tokens, now) },
              now
            )
            requests.hear(command.requests, sequence, requests.taken - sequence, now)
            tokens.hear(command.tokens, sequence, tokens.taken - one.taken, now)
          }
        }
        for (const cost of [0, 512, 20_000]) {
          const millis = RateLimit.waitMillis(state, cost, now)
          assert.isTrue(Number.isSafeInteger(millis) && millis >= 0, "a wait is a whole number")
          assert.isTrue(holds(cost, now + millis))
          assert.isTrue(millis === 0 || !holds(cost, now + millis - 1))
        }
      }
    },
    { arbitrary: { runs: 10_000, size: 30, seed: "rate limit" } }
  )
})
