import { assert, describe, it } from "@effect/vitest"
import { type Backlogged, nothing, step } from "../../src/internal/announcing.ts"

const well: Backlogged = { records: 0, bytes: 0, oldestAt: undefined, dropped: 0, problem: undefined, away: false }

/** What is said of one state a second after the other. */
const said = (...states: ReadonlyArray<Partial<Backlogged>>): ReadonlyArray<string> => {
  let before = nothing
  return states.flatMap((state, second) => {
    const [change, next] = step({ ...well, ...state }, before, second * 1000)
    before = next
    return change === undefined ? [] : [`${second} ${change.to}: ${change.reason}`]
  })
}

describe("what is said of the journal", () => {
  it("is nothing while all is well, and each change once", () => {
    assert.deepStrictEqual(said(well, { records: 3, oldestAt: 0 }, well), [])
    assert.deepStrictEqual(said({ away: true, records: 1 }, { away: true, records: 9 }, well, well), [
      "0 behind: the database is away",
      "2 current: the database has everything"
    ])
  })

  it("is that the database is slow where rows wait for long and no statement fails", () => {
    const states = Array.from({ length: 13 }, () => ({ records: 1, oldestAt: 0 }))
    assert.deepStrictEqual(said(...states), ["11 behind: the database is slow"])
  })

  it("is that rows are dropped, again each minute while that goes on, until all is written", () => {
    const full = Array.from({ length: 90 }, (_, n) => ({ away: true, records: 10, dropped: n }))
    const after = { records: 10, dropped: 89 }
    assert.deepStrictEqual(said(...full, { ...after, away: true }, after, { ...after, records: 0 }), [
      "0 behind: the database is away",
      "1 full: 1 dropped",
      "61 full: 60 dropped",
      "92 current: the database has everything"
    ])
  })

  it("is that the disk fails, with its reason", () => {
    assert.deepStrictEqual(said({ problem: "ENOSPC: no space left on device", records: 2 }, well), [
      "0 failing: ENOSPC: no space left on device",
      "1 current: the database has everything"
    ])
  })

  it("is that the database has everything as soon as it keeps up, though there is always a row that waits", () => {
    const away = Array.from({ length: 20 }, () => ({ away: true, records: 500, oldestAt: 0 }))
    const back = [18_500, 19_000, 19_500].map((oldestAt) => ({ records: 500, oldestAt }))
    assert.deepStrictEqual(said(...away, { records: 9_000, oldestAt: 4_000 }, ...back), [
      "0 behind: the database is away",
      "21 current: the database has everything"
    ])
  })

  it("is twice a minute at most, while a disk that takes nothing has rows dropped now and then", () => {
    const problem = "ENOSPC: no space left on device"
    const failing = Array.from({ length: 150 }, (_, n) => ({ problem, records: 10_000, dropped: Math.floor(n / 2) }))
    assert.deepStrictEqual(said(...failing), [
      `0 failing: ${problem}`,
      `2 full: 1 dropped (${problem})`,
      `62 full: 30 dropped (${problem})`,
      `122 full: 30 dropped (${problem})`
    ])
  })
})
