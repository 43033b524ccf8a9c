import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type * as Event from "@holdfast/core/Event"
import * as Bands from "../../src/admin/internal/Bands.ts"
import * as ErrorGroups from "../../src/admin/internal/ErrorGroups.ts"
import * as EventRing from "../../src/admin/internal/EventRing.ts"
import * as SlidingCounts from "../../src/admin/internal/SlidingCounts.ts"
import * as Tally from "../../src/admin/internal/Tally.ts"
import * as Trails from "../../src/admin/internal/Trails.ts"
import * as Waterfall from "../../src/admin/Waterfall.ts"

const lane = { lane: "gemini/flash", provider: "gemini", model: "flash" }

const attempt = (
  more: Partial<typeof Event.AttemptEnded.Type> & { readonly operation: string; readonly at: number }
): typeof Event.AttemptEnded.Type => ({
  _tag: "AttemptEnded",
  id: `${more.operation}-${more.at}`,
  route: "chat",
  ...lane,
  credential: "gemini",
  kind: "text",
  attempt: 1,
  startedAt: more.at - (more.durationMillis ?? 100),
  durationMillis: 100,
  result: "Success",
  ...more
})

const ended = (
  operation: string,
  at: number,
  more: Partial<typeof Event.OperationEnded.Type> = {}
): typeof Event.OperationEnded.Type => ({
  _tag: "OperationEnded",
  id: `${operation}-end`,
  at,
  operation,
  route: "chat",
  kind: "text",
  result: "Success",
  lane: lane.lane,
  attempts: 1,
  durationMillis: 100,
  degraded: false,
  ...more
})

const changed = (
  from: "closed" | "open" | "half-open",
  to: "closed" | "open" | "half-open",
  at: number
): typeof Event.CircuitChanged.Type => ({
  _tag: "CircuitChanged",
  id: `${at}`,
  at,
  circuit: lane.lane,
  from,
  to,
  reason: "why",
  failures: 5
})

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("a lane's tally", () => {
  it.prop(
    "counts every result of the last hour once, and keeps no more slices than that",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Struct({ after: within(0, 120_000), ok: Schema.Boolean })), {
        maxLength: 400
      })
    ],
    ([results]) => {
      const tally = Tally.make()
      let at = 1_000_000_000
      const added: Array<number> = []
      for (const { after, ok } of results) {
        at += after
        added.push(at)
        Tally.add(tally, { at, durationMillis: 10, result: ok ? "Success" : "Timeout", tokens: 1, usd: 0 })
      }
      const oldest = (Math.floor(at / Tally.sliceMillis) - Tally.keptSlices + 1) * Tally.sliceMillis
      const { failed, ok } = Tally.merge(Tally.between(tally, oldest, at + 1))
      assert.strictEqual(ok + failed, added.filter((one) => one >= oldest).length)
      assert.isAtMost(tally.slices.size, Tally.keptSlices)
    }
  )

  it.prop(
    "tells percentiles to a tenth of their value",
    [
      Arbitrary.array(Arbitrary.schema(within(1, 600_000)), { minLength: 1, maxLength: 200 }),
      Schema.Literals([0.5, 0.95, 1])
    ],
    ([durations, part]) => {
      const tally = Tally.make()
      for (const durationMillis of durations) {
        Tally.add(tally, { at: 0, durationMillis, result: "Success", tokens: 0, usd: 0 })
      }
      const exact = durations.toSorted((a, b) => a - b)[Math.ceil(part * durations.length) - 1] ?? 0
      const told = Tally.percentile(Tally.merge(tally.slices.values()), part) ?? 0
      assert.isAtMost(Math.abs(told - exact), Math.max(1, exact * 0.1), `${told} for ${exact}`)
    }
  )

  it("rates the last minute, not what was before", () => {
    const tally = Tally.make()
    for (let second = 0; second < 120; second++) {
      Tally.add(tally, { at: second * 1000, durationMillis: 1, result: "Success", tokens: 10, usd: 0.01 })
    }
    const { perSecond, tokensPerSecond, usdPerHour } = Tally.rates(tally, 120_000)
    assert.closeTo(perSecond, 1, 0.05)
    assert.closeTo(tokensPerSecond, 10, 0.5)
    assert.closeTo(usdPerHour, 36, 2)
    assert.strictEqual(Tally.rates(tally, 1_000_000).perSecond, 0)
  })

  it("gives a sparkline its present slice last", () => {
    const tally = Tally.make()
    Tally.add(tally, { at: 25_000, durationMillis: 1, result: "Success", tokens: 0, usd: 0 })
    Tally.add(tally, { at: 31_000, durationMillis: 1, result: "Network", tokens: 0, usd: 0 })
    assert.deepStrictEqual(Tally.recent(tally, 39_999, 3), { ok: [0, 1, 0], failed: [0, 0, 1] })
  })
})

describe("what happened in the last five minutes", () => {
  it("is all of it and nothing older", () => {
    const counts = SlidingCounts.make()
    SlidingCounts.add(counts, "early", 0)
    SlidingCounts.add(counts, "late", 200_000)
    SlidingCounts.add(counts, "late", 200_001)
    assert.deepStrictEqual(
      [...SlidingCounts.sum(counts, 290_000)],
      [
        ["early", 1],
        ["late", 2]
      ]
    )
    assert.deepStrictEqual([...SlidingCounts.sum(counts, 310_000)], [["late", 2]])
    assert.strictEqual(SlidingCounts.sum(counts, 600_000).size, 0)
  })
})

describe("the ring of events", () => {
  it.prop(
    "gives a reader every event once and in order, or says how many are gone",
    [
      Arbitrary.array(
        Arbitrary.schema(Schema.Union([Schema.Struct({ add: within(1, 30) }), Schema.Struct({ read: within(1, 12) })]))
      )
    ],
    ([steps]) => {
      const ring = EventRing.make(16)
      let place = 0
      let expected = 0
      for (const step of steps) {
        if ("add" in step) {
          for (let n = 0; n < step.add; n++) EventRing.add(ring, attempt({ operation: "o", at: ring.next }))
          continue
        }
        const page = EventRing.read(ring, place, step.read)
        expected += page.missed
        for (const event of page.events) {
          assert.strictEqual(event.at, expected)
          expected += 1
        }
        assert.strictEqual(page.next, expected)
        assert.isAtMost(page.events.length, step.read)
        place = page.next
      }
    }
  )
})

describe("the trails of operations", () => {
  it("keep as many operations as they may, and the end of each", () => {
    const trails = Trails.make(3)
    for (const operation of ["a", "b", "c", "d"]) Trails.add(trails, attempt({ operation, at: 1 }))
    for (let n = 0; n < 500; n++) Trails.add(trails, attempt({ operation: "d", at: n }))
    Trails.add(trails, ended("d", 1000))
    assert.deepStrictEqual([...trails.byOperation.keys()], ["b", "c", "d"])
    assert.isAtMost(trails.byOperation.get("d")?.length ?? 0, 201)
    assert.strictEqual(Trails.search(trails, { text: "d", limit: 1 })[0]?.result, "Success")
  })

  it("are found by id, route, lane, tenant, result, and the class of a failed attempt; latest first", () => {
    const trails = Trails.make(10)
    Trails.add(trails, attempt({ operation: "one", at: 100, result: "Timeout" }))
    Trails.add(trails, attempt({ operation: "one", at: 300, lane: "openai/mini" }))
    Trails.add(trails, ended("one", 300, { lane: "openai/mini", attempts: 2, tenant: "acme" }))
    Trails.add(trails, attempt({ operation: "two", at: 400, route: "embed" }))
    const ids = (query: Omit<Trails.Query, "limit">) =>
      Trails.search(trails, { ...query, limit: 10 }).map(({ operation }) => operation)
    assert.deepStrictEqual(ids({}), ["two", "one"])
    assert.deepStrictEqual(ids({ text: " OPENAI " }), ["one"])
    assert.deepStrictEqual(ids({ text: "acme" }), ["one"])
    assert.deepStrictEqual(ids({ result: "Timeout" }), ["one"])
    assert.deepStrictEqual(ids({ result: "running" }), ["two"])
    assert.deepStrictEqual(ids({ route: "embed" }), ["two"])
    assert.deepStrictEqual(ids({ text: "nothing" }), [])
  })
})

describe("groups of errors", () => {
  it("count what is alike, forget what was quiet longest, and open again", () => {
    const groups = ErrorGroups.make()
    const fail = (rule: string, at: number) =>
      ErrorGroups.add(groups, attempt({ operation: `o${at}`, at, result: "Timeout", rule }))
    fail("first", 1)
    fail("first", 2)
    ErrorGroups.add(groups, attempt({ operation: "fine", at: 3 }))
    ErrorGroups.add(groups, attempt({ operation: "left", at: 3, result: "Cancelled" }))
    const id = "Timeout|first|gemini"
    assert.deepStrictEqual([...groups.keys()], [id])
    assert.deepStrictEqual(groups.get(id)?.operations, ["o2", "o1"])
    assert.isTrue(ErrorGroups.resolve(groups, id, { at: 4, by: "Ada", note: "seen" }))
    assert.isFalse(ErrorGroups.resolve(groups, "none", { at: 4, by: "Ada", note: "seen" }))
    fail("first", 5)
    assert.isUndefined(groups.get(id)?.resolution)
    assert.isTrue(groups.get(id)?.regressed)
    for (let n = 0; n < 600; n++) fail(`rule-${n}`, 10 + n)
    assert.strictEqual(groups.size, 500)
    assert.isFalse(groups.has(id))
  })
})

describe("bands of circuits that were not closed", () => {
  it("end where the next state begins, and the last one lasts", () => {
    const bands = Bands.make()
    Bands.add(bands, changed("closed", "open", 10))
    Bands.add(bands, changed("open", "half-open", 20))
    Bands.add(bands, changed("half-open", "closed", 25))
    Bands.add(bands, changed("closed", "open", 40))
    assert.deepStrictEqual(
      bands.map(({ from, state, to }) => [state, from, to]),
      [
        ["open", 10, 20],
        ["half-open", 20, 25],
        ["open", 40, undefined]
      ]
    )
    assert.strictEqual(Bands.between(bands, 25, 40).length, 0)
    assert.strictEqual(Bands.between(bands, 22, 41).length, 2)
  })
})

describe("a waterfall", () => {
  it("takes an operation's time apart, and names what nothing else accounts for a wait in line", () => {
    const { operation, spans } = Waterfall.of([
      attempt({ operation: "o", at: 1100, durationMillis: 100, result: "RateLimit" }),
      {
        _tag: "RetryScheduled",
        id: "1",
        at: 1100,
        operation: "o",
        route: "chat",
        ...lane,
        attempt: 2,
        reason: "RateLimit",
        delayMillis: 200
      },
      attempt({ operation: "o", at: 1700, durationMillis: 300, attempt: 2, firstContentMillis: 50 }),
      ended("o", 1700, { durationMillis: 750, attempts: 2 })
    ])
    assert.strictEqual(operation.startedAt, 950)
    assert.deepStrictEqual(operation.classes, ["RateLimit"])
    assert.deepStrictEqual(
      spans.map(({ fromMillis, kind, result, toMillis }) => [kind, result, fromMillis, toMillis]),
      [
        ["wait", "queue", 0, 50],
        ["attempt", "RateLimit", 50, 150],
        ["wait", "RateLimit", 150, 350],
        ["wait", "queue", 350, 450],
        ["attempt", "Success", 450, 750]
      ]
    )
  })

  it("shows no wait beyond the end of an operation that was given up", () => {
    const { spans } = Waterfall.of([
      {
        _tag: "WaitingForLane",
        id: "1",
        at: 1000,
        operation: "o",
        route: "chat",
        lane: lane.lane,
        delayMillis: 60_000
      },
      ended("o", 1500, { durationMillis: 500, result: "DeadlineExceeded", attempts: 0 })
    ])
    assert.deepStrictEqual(
      spans.map(({ fromMillis, toMillis }) => [fromMillis, toMillis]),
      [[0, 500]]
    )
  })
})
