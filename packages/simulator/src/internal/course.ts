/**
 * The course of a run, whether its time is virtual or real: operations arrive, callers wait, leave and ask again, providers
 * are asked, and everything is counted. Who answers the callers is somebody else's.
 */
import type * as Event from "@holdfast/core/Event"
import * as EventBus from "@holdfast/core/EventBus"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { ProviderModel } from "../ProviderModel.ts"
import type * as Result from "../Result.ts"
import type * as Scenario from "../Scenario.ts"
import type { World } from "../VirtualClock.ts"
import * as arrivals from "./arrivals.ts"
import * as Chance from "./Chance.ts"
import * as Job from "./Job.ts"
import { Tally } from "./Tally.ts"

/**
 * What providers draw for a call. `order`: the next of their numbers, in the order in which calls come. `operation`: numbers
 * of that operation's own call, be it its first or second there, so that two runs in which calls come in another order are
 * alike in all else. Takes some microseconds for each call.
 */
export type Draws = "order" | "operation"

export interface Options {
  /** Default `order`. */
  readonly draws: Draws | undefined
  readonly scenario: Scenario.Scenario
  readonly seed: number
  /** What is put to the test. */
  readonly policy: string
  /** Which lanes of the scenario are used. Default: all, in the scenario's order. */
  readonly lanes: ReadonlyArray<string> | undefined
  readonly world: Pick<World, "now" | "after">
  readonly onProgress: ((part: number) => void) | undefined
}

/** A lane of the run with the model of its provider. */
export interface Cast {
  readonly lane: string
  readonly model: ProviderModel
}

/** Asks for one operation. Ends with its whole answer; tells of the first content of a stream as it comes. */
type Ask<E, R> = (request: Job.Request, onContent: () => void) => Effect.Effect<void, E, R>

export interface Course {
  readonly cast: readonly [Cast, ...ReadonlyArray<Cast>]
  readonly tally: Tally
  /** Lets all callers come, from the first to the end of the last. Interruption has them leave. */
  readonly play: <E extends { readonly _tag: string }, R>(ask: Ask<E, R>) => Effect.Effect<void, never, R>
  /** What has been counted until now. */
  readonly result: () => Result.Result
}

/** Each part of a run has its own chance, so that a provider draws the same whatever the others do. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Course> {
  const { scenario, seed } = options
  const part = (name: string) => Chance.seeded(String(seed), name)
  const names = options.lanes ?? Object.keys(scenario.providers)
  const all: Array<Cast> = []
  for (const lane of names) {
    const settings = scenario.providers[lane]
    if (settings === undefined) return yield* Effect.die(new RangeError(`${scenario.name} has no provider ${lane}`))
    const chance = options.draws === "operation" ? ofOperations(seed, lane) : yield* part(lane)
    all.push({ lane, model: new ProviderModel(settings, scenario.workload, chance) })
  }
  const [first, ...others] = all
  if (first === undefined) return yield* Effect.die(new RangeError(`${scenario.name} has no lane to ask`))
  const tally = new Tally(
    scenario,
    names,
    all.map(({ model }) => model)
  )
  const instants = arrivals.make(scenario.workload.arrivals, scenario.duration, yield* part("arrivals"))
  const draw = Job.drawing(scenario.workload, yield* part("workload"))
  const clients = yield* part("clients")
  return {
    cast: [first, ...others],
    tally,
    play: (ask) => play(options, tally, { instants, draw, clients }, ask),
    result: () => {
      const now = options.world.now()
      tally.sample(Math.max(now, scenario.duration))
      return resultOf(options, tally, now)
    }
  }
})

/** A source for each call of an operation at a lane. */
const ofOperations = (seed: number, lane: string): ((job: Job.Job) => Chance.Chance) => {
  const calls = new Map<number, number>()
  return ({ number }) => {
    const nth = (calls.get(number) ?? 0) + 1
    calls.set(number, nth)
    return Effect.runSync(Chance.seeded(String(seed), `${lane}/${number}/${nth}`))
  }
}

interface Workload {
  readonly instants: () => number | undefined
  readonly draw: () => Job.Request
  readonly clients: Chance.Chance
}

const play = <E extends { readonly _tag: string }, R>(
  { onProgress, scenario, world }: Options,
  tally: Tally,
  { clients, draw, instants }: Workload,
  ask: Ask<E, R>
): Effect.Effect<void, never, R> =>
  Effect.contextWith((context: Context.Context<R>) => {
    const fork = Effect.runForkWith(context)
    const { duration, workload } = scenario
    return Effect.callback<void>((resume) => {
      let underWay = 0
      let hasEnded = false
      let isInterrupted = false
      const running = new Set<Fiber.Fiber<unknown, unknown>>()
      const end = (): void => {
        if (hasEnded && underWay === 0) resume(Effect.void)
      }

      /** Asks once for a caller that arrived at an instant; perhaps not for the first time. */
      const attend = (request: Job.Request, arrivedAt: number, retriesLeft: number): void => {
        let firstContentAt: number | undefined
        const fiber = fork(
          ask(request, () => {
            firstContentAt ??= world.now()
          })
        )
        const settle = (exit: Exit.Exit<void, E>): void => {
          running.delete(fiber)
          const now = world.now()
          const failure = tagOf(exit)
          const { clients: policy } = workload
          if (failure !== undefined && failure !== left && policy !== undefined && retriesLeft > 0) {
            const wait = policy.wait * (0.5 + clients.next())
            if (now + wait < arrivedAt + workload.deadline) {
              tally.resubmissions += 1
              world.after(wait, () => attend(request, arrivedAt, retriesLeft - 1))
              return
            }
          }
          underWay -= 1
          tally.ended(arrivedAt, now, failure, firstContentAt)
          end()
        }
        const over = fiber.pollUnsafe()
        if (over !== undefined) {
          settle(over)
          return
        }
        running.add(fiber)
        // What has just begun may have been what ended the run.
        if (isInterrupted) fiber.interruptUnsafe()
        const deadline = world.after(arrivedAt + workload.deadline - world.now(), () => fiber.interruptUnsafe())
        fiber.addObserver((exit) => {
          deadline.cancel()
          settle(exit)
        })
      }

      const next = (): void => {
        const at = instants()
        if (at === undefined) {
          hasEnded = true
          return end()
        }
        const wait = Math.floor(at) - world.now()
        world.after(wait, () => {
          const now = world.now()
          underWay += 1
          tally.arrived(now)
          if (tally.operations % 1000 === 0) onProgress?.(now / duration)
          attend(draw(), now, workload.clients?.retries ?? 0)
          next()
        })
      }
      next()
      return Effect.sync(() => {
        isInterrupted = true
        for (const fiber of running) fiber.interruptUnsafe()
      })
    })
  })

/** The caller's patience ended. */
const left = "Left"

const tagOf = (exit: Exit.Exit<void, { readonly _tag: string }>): string | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  if (Cause.hasInterruptsOnly(exit.cause)) return left
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error) ? error.value._tag : "Defect"
}

/**
 * Writes down what circuits, limits and health say, as it happens, until the scope closes. `origin`: the run's beginning by
 * the clock of the events.
 */
export const watch = Effect.fnUntraced(function* (lanes: ReadonlyArray<string>, tally: Tally, origin: number) {
  const bus = yield* EventBus.EventBus
  const note = (event: Event.Event): void => {
    const at = event.at - origin
    if (event._tag === "CircuitChanged") {
      for (const lane of lanesOf(event.circuit, lanes)) {
        tally.changed({ at, lane, state: event.to, reason: event.reason })
      }
    } else if (event._tag === "LaneCooling") {
      const { lane, reason, untilMillis } = event
      tally.changed({ at, lane, state: "cooling", reason, until: untilMillis - origin })
    } else if (event._tag === "HealthChanged" && event.to !== "idle") {
      const reason = `${(event.successRate * 100).toFixed(0)} % of its calls succeed`
      tally.changed({ at, lane: event.lane, state: event.to, reason })
    }
  }
  yield* bus.listen(note)
})

/** Which lanes a circuit stands before: its own, or all with its credential or model. */
const lanesOf = (circuit: string, lanes: ReadonlyArray<string>): ReadonlyArray<string> =>
  lanes.filter((lane) => {
    const provider = lane.slice(0, lane.indexOf("/"))
    return (
      circuit === lane ||
      circuit === `model:${lane}` ||
      circuit === `credential:${provider}` ||
      circuit === `provider:${provider}`
    )
  })

const resultOf = ({ policy, scenario, seed }: Options, tally: Tally, virtualMs: number): Result.Result => {
  const { attempts, operations, succeeded } = tally
  const lanes = tally.lanes(scenario)
  const names = lanes.map(({ lane }) => lane)
  const costUsd = lanes.reduce((sum, lane) => sum + lane.costUsd, 0)
  const outages = tally.outages()
  const wanted = outages.filter(({ lane }) => lane === names.find((name) => outages.some((one) => one.lane === name)))
  return {
    scenario: scenario.name,
    seed,
    operations,
    succeeded,
    successRate: operations === 0 ? 1 : succeeded / operations,
    attempts,
    amplification: operations === 0 ? 0 : attempts / operations,
    latencyMs: quantiles(tally.latency),
    costUsd: rounded(costUsd),
    recoveryMs: longest(wanted.map(({ recoveryMs }) => recoveryMs)),
    virtualMs,
    // Whoever runs it knows how long that took.
    wallMs: 0,
    policy,
    firstContentMs: quantiles(tally.firstContent),
    detectMs: longest(wanted.map(({ detectMs }) => detectMs)),
    wasted: { calls: attempts - tally.answered, usd: rounded(Math.max(0, costUsd - tally.usefulUsd)) },
    resubmissions: tally.resubmissions,
    failures: Object.fromEntries([...tally.failures].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    outages,
    lanes,
    little: tally.little(virtualMs),
    changes: tally.changes,
    changesLeftOut: tally.changesLeftOut,
    series: tally.series()
  }
}

const quantiles = (histogram: { readonly quantile: (q: number) => number | undefined }): Result.Quantiles => ({
  p50: histogram.quantile(0.5) ?? null,
  p95: histogram.quantile(0.95) ?? null,
  p99: histogram.quantile(0.99) ?? null
})

/** `null` where there is none, or one has not come. */
const longest = (spans: ReadonlyArray<number | null>): number | null =>
  spans.reduce<number | null>((most, span, index) => {
    if (span === null || (most === null && index > 0)) return null
    return Math.max(most ?? 0, span)
  }, null)

/** To the millionth of a dollar: what is further behind is the order of the sum. */
const rounded = (usd: number): number => Math.round(usd * 1_000_000) / 1_000_000
