/** When a retry is made, how long it waits, and when it is not made. */
import { Effect, Random } from "effect"
import { type Behaviour, check } from "../Behaviour.ts"
import type { Attempt, Jitter, Operation } from "../Subject.ts"

const minute = 60_000

const failedWith = (result: Effect.Success<Operation["result"]>) =>
  typeof result === "string" ? undefined : result.failedWith

/** Rounding to whole milliseconds, and of floating point, is no deviation. */
const tolerance = 1

const outOfBounds = Effect.fnUntraced(function* (jitter: Jitter, base: number, cap: number, count: number) {
  const delays = yield* jitter.delays(base, cap, count)
  return delays.find((delay, index) => {
    const [least, most] = jitter.bounds(base, cap, index + 1, delays[index - 1] ?? 0)
    return !(delay >= 0 && delay <= cap && delay >= least - tolerance && delay <= most + tolerance)
  })
})

export const retrying: ReadonlyArray<Behaviour> = [
  {
    number: 32,
    given: "3 retries",
    when: "cancelled during an attempt, during a delay, before the first",
    then: "no further attempt in any of them",
    sources: ["PO", "FG"],
    run: Effect.fnUntraced(function* (subject) {
      const retrying = yield* subject.retrying({ maxRetries: 3, baseMillis: 1000 })
      const problems: Array<string> = []
      const expectAttempts = Effect.fnUntraced(function* (operation: Operation, expected: number, when: string) {
        yield* subject.advance(minute)
        const { here } = yield* operation.attempts
        if (here !== expected)
          problems.push(
            `cancelled ${when} it makes ${here - expected} more ${here - expected === 1 ? "attempt" : "attempts"}`
          )
      })

      const hanging = yield* retrying.start(() => "hang")
      yield* hanging.cancel
      yield* expectAttempts(hanging, 1, "during an attempt")

      const pausing = yield* retrying.start(() => "failure")
      yield* subject.advance(500)
      yield* pausing.cancel
      yield* expectAttempts(pausing, 1, "during a delay")

      const unborn = yield* retrying.start(() => "failure", { cancelled: true })
      yield* expectAttempts(unborn, 0, "before the first attempt")
      yield* check(problems.length === 0, problems.join("; "))
    })
  },
  {
    number: 33,
    given: "1 s for all attempts",
    when: "the next delay would go beyond it",
    then: "stops now, with the last error, without that delay",
    sources: ["FG"],
    run: Effect.fnUntraced(function* (subject) {
      const retrying = yield* subject.retrying({ maxRetries: 5, baseMillis: 700, maxElapsedMillis: 1000 })
      const operation = yield* retrying.start(() => "failure")
      yield* subject.advance(699)
      yield* check((yield* operation.attempts).here === 1, "it does not wait for its delay")
      yield* subject.advance(1)
      yield* check((yield* operation.attempts).here === 2, "it makes no second attempt within the time")
      const result = yield* operation.result
      yield* check(result !== "running", "after the second attempt it goes on waiting, beyond the time it has")
      yield* check(failedWith(result) === 2, "it does not end with the last error")
    })
  },
  {
    number: 37,
    given: "A failure that names a wait, backoff 2 s, patience 1 min",
    when: "it asks for 5 s; 1 s; 90 s; something malformed",
    then: "waits 5 s; 2 s; asks elsewhere at once; waits 2 s",
    sources: ["AW", "EN", "EF"],
    run: Effect.fnUntraced(function* (subject) {
      const retrying = yield* subject.retrying({ maxRetries: 3, baseMillis: 2000, patienceMillis: minute })
      const after =
        (hint: number | "malformed") =>
        (n: number): Attempt =>
          n === 1 ? { hint } : "success"
      const waited = [
        [5000, 5000],
        [1000, 2000],
        ["malformed", 2000]
      ] as const
      for (const [hint, wait] of waited) {
        const what = hint === "malformed" ? "a malformed hint" : `a hint of ${hint} ms`
        const operation = yield* retrying.start(after(hint))
        yield* subject.advance(wait - 1)
        yield* check((yield* operation.attempts).here === 1, `after ${what} it retries before ${wait} ms`)
        yield* subject.advance(1)
        yield* check((yield* operation.attempts).here === 2, `after ${what} it does not retry after ${wait} ms`)
      }
      const impatient = yield* retrying.start(after(90_000))
      const { elsewhere, here } = yield* impatient.attempts
      yield* check(elsewhere === 1, "a hint of 90 s with a patience of 60 s is waited out instead of asking elsewhere")
      yield* check(here === 1, "it asks here again although it asks elsewhere")
    })
  },
  {
    number: 38,
    given: "A failure of a kind that is retried",
    when: "it says not to retry",
    then: "no retry, no hedge",
    sources: ["GR"],
    run: Effect.fnUntraced(function* (subject) {
      const retrying = yield* subject.retrying({ maxRetries: 3, baseMillis: 1000 })
      const retried = yield* retrying.start((n) => (n === 1 ? "failure" : "success"))
      yield* subject.advance(minute)
      yield* check((yield* retried.attempts).here === 2, "a failure of that kind is not retried in the first place")
      const operation = yield* retrying.start(() => "do not retry")
      yield* subject.advance(minute)
      const { elsewhere, here } = yield* operation.attempts
      yield* check(here + elsewhere === 1, `${here + elsewhere} attempts in spite of "do not retry"`)
      yield* check(failedWith(yield* operation.result) === 1, "it does not end with that failure")
    })
  },
  {
    number: 40,
    given: "Jitter of every kind",
    when: "10 000 random bases and caps, up to retry 2048",
    then: "within the stated bounds, never negative, NaN or above the cap",
    sources: ["PO", "CK"],
    run: Effect.fnUntraced(function* (subject) {
      for (const jitter of yield* subject.jitters) {
        for (let n = 1; n <= 10_000; n++) {
          // Whole milliseconds, so that a cap is the same number in every unit a library may turn it into.
          const base = yield* Random.nextIntBetween(1, 10_000)
          const cap = base * (yield* Random.nextIntBetween(1, 1000))
          // One walk in a thousand goes all the way; the others are short, so that bases and caps vary.
          const found = yield* outOfBounds(jitter, base, cap, n % 1000 === 0 ? 2048 : 1 + (n % 12))
          yield* check(found === undefined, `${jitter.name}: a delay of ${found} ms for base ${base} and cap ${cap}`)
        }
      }
    })
  }
]
