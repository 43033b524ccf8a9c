/**
 * The sixteen faults, as data and pure rules: what the primary does wrong, and what a gateway must make of it. Models,
 * numbers and rules are those of the published bench (failoverbench, methodology v0.1), so that results compare; text,
 * prompt and code are our own. Seconds are those of the full-length profile.
 */
import type * as FaultPlan from "../../FaultPlan.ts"
import * as Healthy from "../../Healthy.ts"
import type { Attempt, Observation, Reply } from "./Observation.ts"

/** Something the scenario asks for beyond its ideal outcome. */
interface Check {
  /** `required`: without it the scenario is failed. `advisory`: without it an ideal outcome is only partly good. */
  readonly weight: "required" | "advisory"
  readonly holds: boolean
  /** What is said where it does not hold. */
  readonly otherwise: string
}

type Behaviour = Pick<NonNullable<FaultPlan.Input["rules"]>[number], "fault" | "when">

/** Writes so many seconds of the full-length profile as a plan wants them. */
type Time = (seconds: number) => `${number} millis`

export interface Scenario {
  readonly id: string
  /** The fault in a few words. */
  readonly title: string
  readonly primary: string
  readonly fallback: string
  /** What the primary does wrong, and when. */
  readonly behaviour: (time: Time) => Behaviour
  /** How the caller's request should end. */
  readonly ideal: "answer" | "error"
  /** Requests, sent one after another, each no earlier than `every` after the one before. Default one. */
  readonly sequence?: { readonly count: number; readonly every: number }
  /** How long the caller waits for one request. */
  readonly patience: number
  readonly checks: (observation: Observation) => ReadonlyArray<Check>
}

export const answer = Healthy.sixtyWords

/** Whether the caller has the whole answer, white space aside. */
export const isComplete = (reply: Reply): boolean =>
  reply._tag === "Answer" && collapse(reply.text) === collapse(answer)

const collapse = (text: string): string => text.trim().replaceAll(/\s+/g, " ")

const required = (holds: boolean, otherwise: string): Check => ({ weight: "required", holds, otherwise })
const advisory = (holds: boolean, otherwise: string): Check => ({ weight: "advisory", holds, otherwise })

const toPrimary = ({ attempts }: Observation): ReadonlyArray<Attempt> =>
  attempts.filter(({ lane }) => lane === "primary")

/** Attempts within so many seconds of the first. */
const within = (attempts: ReadonlyArray<Attempt>, seconds: number): number => {
  const [first] = attempts
  return first === undefined ? 0 : attempts.filter(({ at }) => at - first.at < seconds).length
}

const atMost = (observation: Observation, limit: number): Check => {
  const { length } = toPrimary(observation)
  return required(length <= limit, `${length} attempts at the primary, at most ${limit} allowed`)
}

const elapsed = ({ replies }: Observation): number => Math.max(0, ...replies.map((reply) => reply.elapsed))

const endsWithin = (observation: Observation, seconds: number): Check =>
  required(elapsed(observation) <= seconds, `took ${elapsed(observation).toFixed(1)} s, at most ${seconds} s allowed`)

const staysAlive = ({ alive }: Observation): Check => required(alive, "a plain request afterwards was not answered")

const namesUsage = ({ replies }: Observation): Check =>
  advisory(
    replies.every((reply) => reply._tag !== "Answer" || reply.hasUsage),
    "the answer names no usage"
  )

const firstOnly = { requests: { to: 1 } }

const cutAfterForty = { fault: { _tag: "Truncate", after: 40 } } as const
const overloaded = { fault: { _tag: "Overloaded", code: "overloaded" } } as const

const outage = 60

export const scenarios: ReadonlyArray<Scenario> = [
  {
    id: "S01",
    title: "429 with Retry-After: 2, then healthy",
    primary: "fb-s01-429-retry-after",
    fallback: "fb-ok",
    behaviour: (time) => ({ when: firstOnly, fault: { _tag: "RateLimit", retryAfter: time(2) } }),
    ideal: "answer",
    patience: 20,
    checks: (observation) => {
      const attempts = toPrimary(observation)
      const [first, second] = attempts
      const gap = first === undefined || second === undefined ? undefined : second.at - first.at
      return [
        required(within(attempts, 1.5) <= 2, "more than two attempts at the primary within 1.5 s"),
        advisory(gap !== undefined, "failed over at once instead of waiting as asked"),
        advisory(gap === undefined || gap >= 1.8, `came back after ${gap?.toFixed(1)} s, asked for 2 s`)
      ]
    }
  },
  {
    id: "S02",
    title: "429 for ever, without a hint",
    primary: "fb-s02-429-persistent",
    fallback: "fb-ok",
    behaviour: () => ({ fault: { _tag: "RateLimit" } }),
    ideal: "answer",
    patience: 40,
    checks: (observation) => [
      required(within(toPrimary(observation), 3) <= 4, "more than four attempts at the primary within 3 s"),
      atMost(observation, 6)
    ]
  },
  {
    id: "S03",
    title: "500 once, then healthy",
    primary: "fb-s03-500-then-200",
    fallback: "fb-ok",
    behaviour: () => ({ when: firstOnly, fault: { _tag: "ServerError" } }),
    ideal: "answer",
    patience: 20,
    checks: (observation) => [advisory(toPrimary(observation).length >= 2, "failed over without one retry")]
  },
  {
    id: "S04",
    title: "503 for ever",
    primary: "fb-s04-503-persistent",
    fallback: "fb-ok",
    behaviour: () => overloaded,
    ideal: "answer",
    patience: 40,
    checks: (observation) => [atMost(observation, 6)]
  },
  {
    id: "S05",
    title: "connection reset once, then healthy",
    primary: "fb-s05-reset",
    fallback: "fb-ok",
    behaviour: () => ({ when: firstOnly, fault: { _tag: "Reset" } }),
    ideal: "answer",
    patience: 20,
    checks: () => []
  },
  {
    id: "S06",
    title: "no response for 120 s",
    primary: "fb-s06-no-response",
    fallback: "fb-ok",
    behaviour: (time) => ({ fault: { _tag: "Hang", for: time(120) } }),
    ideal: "answer",
    patience: 130,
    checks: (observation) => [
      endsWithin(observation, 100),
      advisory(toPrimary(observation).length <= 1, "asked the silent primary again")
    ]
  },
  {
    id: "S07",
    title: "first content after 20 s",
    primary: "fb-s07-slow-ttft",
    fallback: "fb-ok",
    behaviour: (time) => ({ fault: { _tag: "SlowFirstByte", delay: time(20), before: "content" } }),
    ideal: "answer",
    patience: 60,
    checks: (observation) => [
      advisory(elapsed(observation) <= 15, `took ${elapsed(observation).toFixed(1)} s, more than 15 s`)
    ]
  },
  {
    id: "S08",
    title: "stream cut after 40 of 60 words",
    primary: "fb-s08-stream-cut",
    fallback: "fb-ok",
    behaviour: () => cutAfterForty,
    ideal: "answer",
    patience: 40,
    checks: () => []
  },
  {
    id: "S09",
    title: "stream stalls for 30 s after 20 words",
    primary: "fb-s09-stream-stall",
    fallback: "fb-ok",
    behaviour: (time) => ({ fault: { _tag: "Stall", after: 20, for: time(30) } }),
    ideal: "answer",
    patience: 70,
    checks: (observation) => [endsWithin(observation, 45), staysAlive(observation)]
  },
  {
    id: "S10",
    title: "one event of broken JSON",
    primary: "fb-s10-malformed-chunk",
    fallback: "fb-ok",
    behaviour: () => ({ fault: { _tag: "MalformedChunk", before: 11 } }),
    ideal: "answer",
    patience: 30,
    checks: (observation) => [staysAlive(observation)]
  },
  {
    id: "S11",
    title: "whole stream without [DONE]",
    primary: "fb-s11-no-done",
    fallback: "fb-ok",
    behaviour: () => ({ fault: { _tag: "NoDone" } }),
    ideal: "answer",
    patience: 30,
    checks: (observation) => [endsWithin(observation, 8), namesUsage(observation)]
  },
  {
    id: "S12",
    title: "400 context_length_exceeded",
    primary: "fb-s12-context-length",
    fallback: "fb-ok",
    behaviour: () => ({ fault: { _tag: "ContextLength" } }),
    ideal: "answer",
    patience: 20,
    checks: (observation) => {
      const [first, second] = toPrimary(observation)
      return [
        atMost(observation, 2),
        required(
          first === undefined || second === undefined || second.size < first.size,
          "sent the same prompt again, which cannot fit"
        )
      ]
    }
  },
  {
    id: "S13",
    title: "400 content_policy_violation",
    primary: "fb-s13-content-filter",
    fallback: "fb-ok",
    behaviour: () => ({ fault: { _tag: "ContentBlock" } }),
    ideal: "error",
    patience: 20,
    checks: (observation) => {
      const { length } = toPrimary(observation)
      return [
        required(length === 1, `${length} attempts at the primary, exactly one expected`),
        advisory(
          !observation.replies.some((reply) => reply._tag === "Answer"),
          "another model answered what was blocked"
        )
      ]
    }
  },
  {
    id: "S14",
    title: "stream cut; the fallback refuses prefill",
    primary: "fb-s14-stream-cut",
    fallback: "fb-ok-noprefill",
    behaviour: () => cutAfterForty,
    ideal: "answer",
    patience: 40,
    checks: ({ attempts, replies }) => [
      required(
        !(replies.some((reply) => reply._tag === "Failed") && attempts.some((attempt) => attempt.prefillRefused)),
        "gave up when the fallback refused the prefill"
      )
    ]
  },
  {
    id: "S15",
    title: "503 for 60 s, then healthy; 20 requests",
    primary: "fb-s15-flap",
    fallback: "fb-ok",
    behaviour: (time) => ({ when: { span: { for: time(outage) } }, ...overloaded }),
    ideal: "answer",
    sequence: { count: 20, every: 4 },
    patience: 30,
    checks: (observation) => {
      const lost = observation.replies.filter((reply) => reply.sentAt < outage && !isComplete(reply)).length
      const isBack = toPrimary(observation).some(
        ({ at, status }) => status === 200 && at >= outage && at <= outage + 30
      )
      return [
        required(lost === 0, `${lost} requests of the outage were not answered`),
        required(isBack, "the primary was not used again within 30 s of its recovery")
      ]
    }
  },
  {
    id: "S16",
    title: "503 for ever: which model answered?",
    primary: "fb-s16-503-persistent",
    fallback: "fb-ok",
    behaviour: () => overloaded,
    ideal: "answer",
    patience: 40,
    checks: (observation) => {
      const answers = observation.replies.filter((reply) => reply._tag === "Answer")
      const wrong = answers.find(({ model = "" }) => !model.slice(model.lastIndexOf("/") + 1).includes("fb-ok"))
      return [
        required(wrong === undefined, `the answer names the model ${wrong?.model ?? "not at all"}, not fb-ok`),
        atMost(observation, 6),
        namesUsage(observation)
      ]
    }
  }
]
