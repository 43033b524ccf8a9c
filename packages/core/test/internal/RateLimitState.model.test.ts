import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type * as LimitedResource from "../../src/internal/LimitedResource.ts"
import * as RateLimit from "../../src/internal/RateLimitState.ts"

describe("any sequence of requests, waits, results, headers, cool-downs and pauses", () => {
  const gap = RateLimit.defaults.gapMillis
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
  const Chance = Schema.Literals([0, 0.5])
  const Command = Schema.Union([
    Schema.TaggedStruct("Admit", { tokens: Schema.Literals([0, 1, 512, 4_096, 20_000]) }),
    // Waits in line, comes back when its turn has come (or somebody else's, earlier or later), or leaves.
    Schema.TaggedStruct("Join", {
      tokens: Schema.Literals([0, 512, 4_096, 20_000]),
      patience: Schema.Literals([0, 5_000, 1e12]),
      random: Chance
    }),
    Schema.TaggedStruct("Come", { which: Schema.Literals([0, 0, 0, 1, 2]), random: Chance }),
    Schema.TaggedStruct("Leave", { which: Which }),
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
  const commands = Arbitrary.array(Arbitrary.schema(Command), { maxLength: 40 })

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
    /** The time in which so much flows in: no more than fills it, which is all that one cost asks for. */
    inflow(cost: number) {
      return Math.min(cost, this.capacity) / this.rate
    }
    readyAt(cost: number, now: number) {
      return now + Math.max(0, Math.min(cost, this.capacity) - this.levelAt(now)) / this.rate
    }
    debt(cost: number) {
      return Math.max(0, cost - this.capacity) / this.rate
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
    get buckets() {
      return this.stated === undefined ? [this.own] : [this.own, this.stated]
    }
    readyAt(cost: number, now: number) {
      const theirs = this.stated === undefined ? now : this.stated.readyAt(cost, now)
      return Math.max(this.own.readyAt(cost, now), Math.min(theirs, Math.max(now, this.statedUntil)))
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

  /** All turns that were given since there was last nobody waiting, and who waits for one. */
  class Line {
    given: Array<{ readonly turn: number; readonly until: number; readonly isAgain: boolean }> = []
    waiting: Array<{ readonly tokens: number; turn: number }> = []

    get end() {
      return Math.max(...this.given.map(({ until }) => until))
    }
    /** The first turn at a gate that opens at `readyAt`, a spacing after the last of those that came before. */
    next(readyAt: number, spacing: number, now: number) {
      return this.end > now ? Math.max(readyAt, this.end + spacing) : readyAt
    }
    again(readyAt: number, spacing: number) {
      const last = this.given.findLast(({ isAgain }) => isAgain)
      return last === undefined || readyAt > last.turn ? readyAt : last.turn + spacing
    }
    leave(one: Line["waiting"][number]) {
      this.waiting = this.waiting.filter((other) => other !== one)
      if (this.waiting.length === 0) this.given = []
    }
    shift(millis: number) {
      this.given = this.given.map((one) => ({ ...one, turn: one.turn + millis, until: one.until + millis }))
      for (const one of this.waiting) one.turn += millis
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
      const line = new Line()
      let [coolUntil, wait] = [0, 0]
      const sent: Array<{ reservation: RateLimit.Reservation; tokens: number; taken: number; open: boolean }> = []
      const passes = (cost: number, at: number) => at >= coolUntil && requests.holds(1, at) && tokens.holds(cost, at)
      // Nobody overtakes those who wait.
      const holds = (cost: number, at: number) => at >= line.end && passes(cost, at)
      const readyAt = (cost: number) => Math.max(coolUntil, requests.readyAt(1, now), tokens.readyAt(cost, now))
      const spacing = (cost: number) =>
        Math.max(gap, ...requests.buckets.map((one) => one.inflow(1)), ...tokens.buckets.map((one) => one.inflow(cost)))
      const send = (reservation: RateLimit.Reservation, cost: number) => {
        requests.taken += 1
        tokens.taken += cost
        requests.change(-1, Number.POSITIVE_INFINITY, now)
        tokens.change(-cost, Number.POSITIVE_INFINITY, now)
        assert.strictEqual(reservation.sequence, requests.taken)
        sent.push({ reservation, tokens: cost, taken: tokens.taken, open: true })
      }
      const come = (one: Line["waiting"][number], random: number) => {
        const isOpen = passes(one.tokens, now)
        const answer = RateLimit.take(state, one.tokens, random, now)
        if (typeof answer === "number") {
          assert.isFalse(isOpen, "sent back in vain")
          const turn = line.again(readyAt(one.tokens), spacing(one.tokens)) + random * gap
          line.given.push({ turn, until: turn, isAgain: true })
          one.turn = turn
          assert.strictEqual(now + answer, Math.ceil(turn), "the turn is the one after those who were sent back before")
          return
        }
        assert.isTrue(isOpen, "let through too early")
        line.leave(one)
        send(answer, one.tokens)
      }

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
              line.shift(millis)
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
            send(answer, command.tokens)
            break
          }
          case "Join": {
            const cost = command.tokens
            const turn = line.next(readyAt(cost), spacing(cost), now) + command.random * gap
            const answer = RateLimit.join(state, cost, command.patience, command.random, now)
            const expected = Math.max(0, Math.ceil(turn - now))
            assert.strictEqual(answer, expected <= command.patience ? expected : undefined)
            if (answer === undefined) break
            const debt = Math.max(...tokens.buckets.map((one) => one.debt(cost)))
            line.given.push({ turn, until: turn + debt, isAgain: false })
            line.waiting.push({ tokens: cost, turn })
            break
          }
          case "Come": {
            const one = line.waiting.toSorted((a, b) => a.turn - b.turn)[command.which]
            if (one === undefined) break
            now = Math.max(now, Math.ceil(one.turn))
            come(one, command.random)
            break
          }
          case "Leave": {
            const one = line.waiting[command.which]
            if (one === undefined) break
            RateLimit.leave(state)
            line.leave(one)
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
        assert.strictEqual(state.line.waiting, line.waiting.length, "places taken are callers that wait")
      }
      // Whoever waits and comes in time gets through: sent back once for each of the others at most, and once more.
      for (let left = line.waiting.length * (line.waiting.length + 1); line.waiting.length > 0; left--) {
        assert.isAbove(left, 0, "somebody waits for ever")
        const one = line.waiting.reduce((first, other) => (other.turn < first.turn ? other : first))
        now = Math.max(now, Math.ceil(one.turn))
        come(one, 0)
      }
      assert.strictEqual(state.line.waiting, 0)
    },
    { arbitrary: { runs: 10_000, size: 40, seed: "rate limit" }, timeout: 120_000 }
  )
})
