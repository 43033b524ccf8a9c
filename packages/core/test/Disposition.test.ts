import { assert, describe, it } from "@effect/vitest"
import { Disposition, Failure, Refusal } from "@holdfast/core"
import { classes, everything } from "./Failures.ts"

const { lane, model, provider, rule } = everything
const of = (class_: Failure.Class, said: Pick<Failure.Fields, "retryable" | "failover"> = {}) =>
  Failure.make(class_, { lane, model, provider, rule, scope: "request", ...said })

/** The promises of the table, read off line by line. `Infinity`: as often as the policy allows. */
const promises: ReadonlyArray<
  readonly [Failure.Class, retries: number, factor: number, Disposition.Disposition["failover"], Disposition.Outcome]
> = [
  ["RateLimit", Infinity, 2, "yes", "throttled"],
  ["ServiceUnavailable", Infinity, 1, "yes", "failure"],
  ["ModelOverloaded", Infinity, 1, "yes", "failure"],
  ["QuotaExceeded", 1, 1, "yes", "throttled"],
  ["Authentication", 0, 1, "yes", "trip"],
  ["PermissionDenied", 0, 1, "yes", "neutral"],
  ["Timeout", Infinity, 1, "yes", "failure"],
  ["ContentPolicy", 0, 1, "opt-in", "neutral"],
  ["Network", Infinity, 1, "yes", "failure"],
  ["InvalidRequest", 0, 1, "no", "neutral"],
  ["ContextLengthExceeded", 0, 1, "larger-window", "neutral"],
  ["ModelNotFound", 0, 1, "yes", "neutral"],
  ["InvalidResponse", Infinity, 1, "yes", "failure"],
  ["StreamTruncated", Infinity, 1, "yes", "failure"],
  ["Cancelled", 0, 1, "no", "neutral"],
  ["Unknown", 0, 1, "yes", "failure"]
]

describe("what is done about a failure", () => {
  it.each(promises)("of class %s: %d retries, base × %d, another lane: %s, its circuit learns: %s", (...promise) => {
    const [class_, retries, factor, failover, outcome] = promise
    const failure = of(class_)
    const line = Disposition.of(failure)
    assert.strictEqual(Disposition.retriesOf(failure), retries)
    assert.strictEqual(line.baseFactor, factor)
    assert.strictEqual(Disposition.failover(failure), failover)
    assert.strictEqual(line.outcome, outcome)
  })

  it("is promised for every class", () => {
    assert.deepStrictEqual(promises.map(([class_]) => class_).toSorted(), [...classes].toSorted())
    assert.deepStrictEqual(Object.keys(Disposition.table).toSorted(), [...classes].toSorted())
  })

  it("calls a person for what no waiting cures", () => {
    const alerting = classes.filter((class_) => Disposition.table[class_].alert)
    assert.sameMembers(alerting, ["Authentication", "PermissionDenied", "QuotaExceeded", "ModelNotFound"])
  })

  it("blames the caller only for what the caller sent or did", () => {
    const callers = classes.filter((class_) => Disposition.table[class_].blames === "caller")
    assert.sameMembers(callers, ["ContentPolicy", "InvalidRequest", "ContextLengthExceeded", "Cancelled"])
  })

  it("reaches the whole credential where the credential is at fault or limited", () => {
    const wide = classes.filter((class_) => Disposition.table[class_].circuit === "credential")
    assert.sameMembers(wide, ["Authentication", "QuotaExceeded", "RateLimit"])
  })

  it("does not compile with a class left out", () => {
    const { Unknown, ...rest } = Disposition.table
    // @ts-expect-error -- the line of `Unknown` is missing
    const incomplete: typeof Disposition.table = rest
    assert.notInclude(Object.values(incomplete), Unknown)
  })
})

describe("what the payload says", () => {
  it.each(classes)("ends the retries of %s when it says that none would help", (class_) => {
    assert.strictEqual(Disposition.retriesOf(of(class_, { retryable: false })), 0)
  })

  it.each(classes)("does not talk us into repeating %s more often than its class allows", (class_) => {
    const allowed = class_ === "Unknown" ? 1 : Disposition.table[class_].maxRetries
    assert.strictEqual(Disposition.retriesOf(of(class_, { retryable: true })), allowed)
  })

  it("decides whether another lane is asked, where the class leaves it open", () => {
    assert.strictEqual(Disposition.failover(of("InvalidRequest", { failover: true })), "yes")
    assert.strictEqual(Disposition.failover(of("ServiceUnavailable", { failover: false })), "no")
    assert.strictEqual(Disposition.failover(of("Unknown", { failover: false })), "no")
  })

  it("cannot send a filtered or too long request just anywhere, nor revive what was cancelled", () => {
    for (const failover of [true, false]) {
      assert.strictEqual(Disposition.failover(of("ContentPolicy", { failover })), "opt-in")
      assert.strictEqual(Disposition.failover(of("ContextLengthExceeded", { failover })), "larger-window")
      assert.strictEqual(Disposition.failover(of("Cancelled", { failover })), "no")
    }
  })
})

describe("whether the caller has to change something", () => {
  const failed = (...errors: ReadonlyArray<Failure.Failure>) =>
    new Refusal.AllLanesFailed({ route: "chat", trail: errors.map((error) => ({ lane, attempts: 1, error })) })

  it.each([
    [of("ContentPolicy"), true],
    [of("InvalidRequest"), true],
    [of("ServiceUnavailable"), false],
    [of("Authentication"), false],
    [new Refusal.NoCapableLane({ route: "chat", missing: [] }), true],
    [new Refusal.CircuitOpen({ lane, circuit: lane }), false],
    [failed(of("ContextLengthExceeded"), of("InvalidRequest")), true],
    [failed(of("ContextLengthExceeded"), of("Network")), false]
  ])("%s: %s", (error, isCallers) => {
    assert.strictEqual(Disposition.blamesCaller(error), isCallers)
  })
})
