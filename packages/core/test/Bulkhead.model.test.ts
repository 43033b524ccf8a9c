import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Deferred, Effect, Exit, type Fiber, References, Schema } from "effect"
import { Bulkhead } from "@holdfast/core"
import { HandDriven } from "./HandDriven.ts"

/** Two policies on one lane: the second allows more at once, and lets more wait, but for less long. */
const policies = {
  narrow: { maxConcurrent: 2, maxQueue: 2, queueTimeout: 5_000 },
  wide: { maxConcurrent: 3, maxQueue: 4, queueTimeout: 3_000 }
} as const
const inSlot = { narrow: Bulkhead.run("lane", policies.narrow), wide: Bulkhead.run("lane", policies.wide) }

const Which = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))
const End = Schema.Literals(["succeeds", "fails", "dies", "is interrupted"])

/** A call that ends in the same instant as something else, so many turns of the scheduler before that or, below 0, after. */
const Together = Schema.UndefinedOr(
  Schema.Struct({ which: Which, turns: Schema.Int.check(Schema.isBetween({ minimum: -1, maximum: 15 })) })
)

const Command = Schema.Union([
  Schema.TaggedStruct("Call", {
    policy: Schema.Literals(["narrow", "wide"]),
    priority: Schema.Literals(["normal", "normal", "high"]),
    callers: Schema.Literals([1, 1, 3])
  }),
  Schema.TaggedStruct("End", { which: Which, end: End }),
  // Somebody who waits leaves, also in the very instant in which a call ends that may have been what they waited for.
  Schema.TaggedStruct("Leave", { which: Which, together: Together }),
  Schema.TaggedStruct("Pass", { millis: Schema.Literals([0, 1, 1_000, 2_999, 3_000]) }),
  // To the instant at which somebody's patience ends; a call may end in it, before or after.
  Schema.TaggedStruct("Expire", { together: Together })
])

type Ending = typeof End.Type

/** One caller, and what the model thinks of it. */
interface Caller {
  readonly id: number
  readonly policy: keyof typeof policies
  readonly priority: "high" | "normal"
  readonly arrivedAt: number
  readonly gate: Deferred.Deferred<void, string>
  readonly fiber: Fiber.Fiber<void, unknown>
  model: "waits" | "runs" | "is over" | "was refused: queue-full" | "was refused: queue-timeout"
}

/** A bulkhead as one would write it first, from a list of all who ever called. */
class Pair {
  readonly world = new HandDriven()
  readonly bulkhead = Effect.runSync(Bulkhead.make)
  readonly callers: Array<Caller> = []
  /** Whose body runs, as the bodies themselves know it. */
  readonly inside = new Set<number>()
  most = 0

  of(model: Caller["model"]) {
    return this.callers.filter((caller) => caller.model === model)
  }

  /** Those who wait, in the order in which they are served. */
  get line() {
    const waits = this.of("waits")
    return [...waits.filter(({ priority }) => priority === "high"), ...waits.filter((one) => one.priority === "normal")]
  }

  call(policy: Caller["policy"], priority: Caller["priority"]): void {
    const { maxConcurrent, maxQueue } = policies[policy]
    const id = this.callers.length
    const gate = Deferred.makeUnsafe<void, string>()
    const body = Effect.acquireUseRelease(
      Effect.sync(() => {
        this.inside.add(id)
        this.most = Math.max(this.most, this.inside.size)
      }),
      () => Deferred.await(gate),
      () => Effect.sync(() => void this.inside.delete(id))
    )
    const model =
      this.of("runs").length < maxConcurrent
        ? "runs"
        : this.of("waits").length >= maxQueue
          ? "was refused: queue-full"
          : "waits"
    const fiber = this.world.fork(
      body.pipe(
        inSlot[policy],
        Effect.provideService(Bulkhead.Priority, priority),
        Effect.provideService(Bulkhead.Bulkhead, this.bulkhead),
        // A few steps per turn only, so that much may come between a slot that is freed and whoever gets it.
        Effect.provideService(References.MaxOpsBeforeYield, 4)
      )
    )
    this.callers.push({ id, policy, priority, arrivedAt: this.world.now, gate, fiber, model })
    this.world.settle()
  }

  /** Lets a running call end. Nothing runs yet. */
  end(caller: Caller, how: Ending): void {
    switch (how) {
      case "succeeds":
        return void Deferred.doneUnsafe(caller.gate, Exit.void)
      case "fails":
        return void Deferred.doneUnsafe(caller.gate, Exit.fail("no"))
      case "dies":
        return void Deferred.doneUnsafe(caller.gate, Exit.die("bug"))
      case "is interrupted":
        return caller.fiber.interruptUnsafe()
    }
  }

  /** The model's slot is free: the first in line whose own number has room takes it. */
  free(): void {
    const running = this.of("runs").length
    const next = this.line.find(({ policy }) => running < policies[policy].maxConcurrent)
    if (next !== undefined) next.model = "runs"
  }

  over(caller: Caller): void {
    const ran = caller.model === "runs"
    caller.model = "is over"
    if (ran) this.free()
  }

  /** Something happens, and perhaps a call ends together with it. */
  meet(together: typeof Together.Type, happen: () => void): Caller | undefined {
    const ends = together && nth(this.of("runs"), together.which)
    if (ends === undefined || together === undefined) {
      happen()
    } else if (together.turns < 0) {
      happen()
      this.end(ends, "succeeds")
    } else {
      this.end(ends, "succeeds")
      this.world.settle(together.turns)
      happen()
    }
    this.world.settle()
    return ends
  }

  deadlineOf({ arrivedAt, policy }: Caller): number {
    return arrivedAt + policies[policy].queueTimeout
  }

  /** Those whose patience is over. */
  get due() {
    return this.of("waits").filter((caller) => this.deadlineOf(caller) <= this.world.now)
  }

  agree(): void {
    const { world } = this
    world.settle()
    const actual = this.callers.map(({ fiber, id }) => this.seen(id, fiber))
    const expected = this.callers.map(({ model }) => model)
    if (actual.join() !== expected.join()) assert.deepStrictEqual(actual, expected)
    const { running, waiting } = Effect.runSync(this.bulkhead.snapshot("lane"))
    assert.strictEqual(running, this.inside.size, "slots taken are calls that run")
    assert.strictEqual(waiting, this.of("waits").length, "places taken are calls that wait")
    assert.strictEqual(world.sleeping, waiting, "no timer is left behind")
  }

  seen(id: number, fiber: Caller["fiber"]): Caller["model"] {
    const exit = fiber.pollUnsafe()
    if (exit === undefined) return this.inside.has(id) ? "runs" : "waits"
    const error = Exit.findErrorOption(exit)
    if (error._tag === "None" || typeof error.value !== "object" || error.value === null) return "is over"
    return "reason" in error.value && error.value.reason === "queue-full"
      ? "was refused: queue-full"
      : "was refused: queue-timeout"
  }
}

const nth = <A>(all: ReadonlyArray<A>, which: number | undefined): A | undefined =>
  which === undefined ? undefined : all[which % Math.max(1, all.length)]

const run = (pair: Pair, command: typeof Command.Type): void => {
  const { world } = pair
  switch (command._tag) {
    case "Call":
      for (let n = 0; n < command.callers; n++) pair.call(command.policy, command.priority)
      return
    case "End": {
      const caller = nth(pair.of("runs"), command.which)
      if (caller === undefined) return
      pair.end(caller, command.end)
      return pair.over(caller)
    }
    case "Leave": {
      const leaves = nth(pair.of("waits"), command.which)
      if (leaves === undefined) return
      const ends = pair.meet(command.together, () => leaves.fiber.interruptUnsafe())
      // Whether or not its turn came in the last moment: in the end it is gone, and the slot is the next one's.
      leaves.model = "is over"
      if (ends !== undefined) pair.over(ends)
      return
    }
    case "Pass":
      world.pass(command.millis)
      for (const caller of pair.due) caller.model = "was refused: queue-timeout"
      return
    case "Expire": {
      const next = Math.min(...pair.of("waits").map((caller) => pair.deadlineOf(caller)))
      if (next === Number.POSITIVE_INFINITY) return
      const ends = pair.meet(command.together, () => world.wakeAt(next))
      // Its turn and its timeout in one instant: either may win, but not both and not neither.
      for (const caller of pair.due) if (!pair.inside.has(caller.id)) caller.model = "was refused: queue-timeout"
      if (ends !== undefined) pair.over(ends)
    }
  }
}

describe("any sequence of calls, ends, interruptions and pauses", () => {
  it.prop(
    "is served as in a list of all who ever called",
    [Arbitrary.array(Arbitrary.schema(Command), { minLength: 1, maxLength: 25 })],
    ([commands]) => {
      const pair = new Pair()
      for (const command of commands) {
        run(pair, command)
        pair.agree()
      }
      assert.isAtMost(pair.most, policies.wide.maxConcurrent)
      // Everybody gets their turn, and nothing is left.
      while (pair.of("runs").length > 0) {
        run(pair, { _tag: "End", which: 0, end: "succeeds" })
        pair.agree()
      }
      assert.strictEqual(pair.of("waits").length, 0)
    },
    { arbitrary: { runs: 10_000, size: 100, seed: "bulkhead" }, timeout: 120_000 }
  )
})
