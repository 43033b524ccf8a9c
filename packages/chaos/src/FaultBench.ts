/**
 * Sixteen published faults for any gateway with an OpenAI-shaped endpoint: emulated providers that misbehave by the name
 * of the model, a caller without retries, and a verdict on each scenario from what the caller got and what the providers
 * received. The models, numbers and rules are those of failoverbench (methodology v0.1); this is a re-implementation, and
 * its caller is stricter in one point: a mute connection is a hang, not an error.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Record from "effect/Record"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Emulator from "./Emulator.ts"
import * as FaultPlan from "./FaultPlan.ts"
import * as Caller from "./internal/bench/Caller.ts"
import { judge, type Verdict } from "./internal/bench/judge.ts"
import type { Attempt, Observation, Reply } from "./internal/bench/Observation.ts"
import * as Scenario from "./internal/bench/Scenario.ts"
import * as Json from "./internal/Json.ts"
import type { Entry } from "./Journal.ts"
import * as OpenAiEmulator from "./OpenAiEmulator.ts"

/**
 * `full`: the published times, some two minutes. `compressed`: every time a fifth of that. The times of the gateway must be
 * compressed alike, or the verdicts mean nothing.
 */
export const Profile = Schema.Literals(["full", "compressed"])
export type Profile = typeof Profile.Type

/** By how much a profile is faster than the published times. */
export const speed = { full: 1, compressed: 5 } as const satisfies Record<Profile, number>

/** The routes that a gateway needs for the bench: each a model name, and the models that it is to ask, in this order. */
export const routes: ReadonlyArray<{ readonly name: string; readonly models: readonly [string, ...Array<string>] }> = [
  ...Scenario.scenarios.map(({ fallback, primary }) => ({ name: primary, models: [primary, fallback] as const })),
  { name: "fb-ok", models: ["fb-ok"] }
]

/** The model whose window the prompt does not fit into. `fb-ok` must be known to have a larger one. */
export const smallWindow = { model: "fb-s12-context-length", contextWindow: 8192 }

const models = [...new Set(routes.flatMap((route) => route.models))]

/** The port of the published bench's providers. */
export const defaultPort = 8401

/** The scenarios, in order. */
export const ids: ReadonlyArray<string> = Scenario.scenarios.map(({ id }) => id)

/** Serves the providers until the scope closes. Port 0 takes a free one. */
export const providers = (options: {
  readonly profile: Profile
  readonly port: number
}): Effect.Effect<Emulator.Emulator, Emulator.ListenFailed, Scope.Scope> =>
  OpenAiEmulator.make({ port: options.port, models, plan: planOf(options.profile) })

const planOf = (profile: Profile): FaultPlan.FaultPlan => {
  const time = (seconds: number) => `${(seconds * 1000) / speed[profile]} millis` as const
  return FaultPlan.make({
    healthy: { chunkDelay: time(0.015) },
    rules: [
      ...Scenario.scenarios.map((scenario) => ({
        models: [scenario.primary],
        operations: ["chat"] as const,
        ...scenario.behaviour(time)
      })),
      {
        models: ["fb-ok-noprefill"],
        when: { lastRole: "assistant" },
        fault: { _tag: "InvalidRequest", code: "invalid_prefill" }
      }
    ]
  })
}

export interface Options {
  /** From `providers`, of the same profile. The gateway's upstream. */
  readonly providers: Emulator.Emulator
  readonly profile: Profile
  readonly target: Target
  /** Default: all of them, by their `ids`. */
  readonly only?: ReadonlyArray<string> | undefined
}

/** The gateway under test. */
export interface Target {
  /** Its base URL, which ends before `/chat/completions`. */
  readonly url: string
  /** Sent with every request; `{model}` and `{fallback}` in a value stand for the models of the scenario. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface Result {
  readonly id: string
  /** The fault. */
  readonly title: string
  readonly verdict: Verdict
  /** Requests that reached the providers. */
  readonly attempts: { readonly primary: number; readonly fallback: number }
  /** What happened, and what is wrong with it where it is no pass. */
  readonly note: string
}

/** Puts the gateway through the scenarios, one after another, each result as soon as it is known. */
export const results = (options: Options): Stream.Stream<Result, never, HttpClient.HttpClient> =>
  Stream.mapEffect(
    Stream.fromIterable(Scenario.scenarios.filter(({ id }) => (options.only ?? ids).includes(id))),
    (scenario) =>
      Effect.map(observe(scenario, options), (observation): Result => {
        const { reasons, verdict } = judge(scenario, observation)
        const count = (lane: Attempt["lane"]) => observation.attempts.filter((attempt) => attempt.lane === lane).length
        return {
          id: scenario.id,
          title: scenario.title,
          verdict,
          attempts: { primary: count("primary"), fallback: count("fallback") },
          note: [...reasons, summary(observation.replies)].join("; ")
        }
      })
  )

/** The results, counted. */
export interface Report {
  readonly target: string
  readonly scenarios: ReadonlyArray<Result>
  readonly pass: number
  readonly partial: number
  readonly safe: number
  readonly fail: number
}

export const report = (target: string, scenarios: ReadonlyArray<Result>): Report => {
  const count = (verdict: Verdict) => scenarios.filter((result) => result.verdict === verdict).length
  return {
    target,
    scenarios,
    pass: count("pass"),
    partial: count("partial"),
    safe: count("safe"),
    fail: count("fail")
  }
}

const observe = Effect.fnUntraced(function* (
  scenario: Scenario.Scenario,
  { profile, providers, target }: Options
): Effect.fn.Return<Observation, never, HttpClient.HttpClient> {
  const faster = speed[profile]
  const real = (seconds: number) => Duration.seconds(seconds / faster)
  const endpoint = (model: string, fallback: string): Caller.Endpoint => ({
    url: target.url,
    headers: fill(target.headers ?? {}, model, fallback)
  })
  // What is late by a moment is late; what needs a second more has hung.
  const patience = Duration.sum(real(scenario.patience), Duration.seconds(1))

  const clock = yield* Clock.Clock
  yield* providers.reset
  const began = clock.monotonicTimeNanosUnsafe()
  const sinceBegan = () => (Number(clock.monotonicTimeNanosUnsafe() - began) / 1e9) * faster

  const { count, every } = scenario.sequence ?? { count: 1, every: 0 }
  const replies: Array<Reply> = []
  for (let n = 0; n < count; n++) {
    yield* Effect.sleep(real(Math.max(0, n * every - sinceBegan())))
    const sentAt = sinceBegan()
    const [elapsed, ending] = yield* Caller.ask(
      endpoint(scenario.primary, scenario.fallback),
      scenario.primary,
      patience
    )
    replies.push(seen(ending, sentAt, elapsed, faster))
  }
  const entries = yield* providers.journal
  const alive = yield* Caller.isAnswered(endpoint("fb-ok", "fb-ok"), "fb-ok", Scenario.answer, real(10))
  return { replies, attempts: entries.flatMap((entry) => attemptOf(scenario, entry, faster)), alive }
})

/** An ending in the seconds of the full-length profile. */
const seen = (ending: Caller.Ending, sentAt: number, elapsed: number, faster: number): Reply => {
  const times = { sentAt, elapsed: elapsed * faster }
  return ending._tag === "Answer"
    ? { ...ending, ...times, firstText: ending.firstText === undefined ? undefined : ending.firstText * faster }
    : { ...ending, ...times }
}

const fill = (headers: Readonly<Record<string, string>>, model: string, fallback: string) =>
  Record.map(headers, (value) => value.replaceAll("{model}", model).replaceAll("{fallback}", fallback))

const attemptOf = (scenario: Scenario.Scenario, entry: Entry, faster: number): ReadonlyArray<Attempt> => {
  if (entry.operation !== "chat" || (entry.model !== scenario.primary && entry.model !== scenario.fallback)) return []
  return [
    {
      at: (entry.t / 1000) * faster,
      lane: entry.model === scenario.primary ? "primary" : "fallback",
      status: entry.status,
      size: JSON.stringify(Json.list(entry.body, "messages")).length,
      prefillRefused: entry.fault?._tag === "InvalidRequest"
    }
  ]
}

/** One sentence about what the caller got. */
const summary = (replies: ReadonlyArray<Reply>): string => {
  const [reply] = replies
  if (reply === undefined || replies.length > 1) {
    const answers = replies.flatMap((one) => (one._tag === "Answer" ? [one.model ?? "an unnamed model"] : []))
    const by = [...new Set(answers)].map((model) => `${answers.filter((one) => one === model).length} by ${model}`)
    return [`${answers.length} of ${replies.length} answered`, ...by].join(", ")
  }
  const time = `${reply.elapsed.toFixed(1)} s`
  switch (reply._tag) {
    case "Answer": {
      const first = reply.firstText === undefined ? "no text" : `first text after ${reply.firstText.toFixed(1)} s`
      return `answered by ${reply.model ?? "an unnamed model"} in ${time}, ${first}`
    }
    case "Failed":
      return `error after ${time}: ${reply.reason}`
    case "Hung":
      return `given up after ${time}`
  }
}
