/** What one operation asks for, and the request that carries it through the pipeline. */
import type * as TextModel from "@holdfast/core/TextModel"
import * as Prompt from "effect/ai/Prompt"
import type * as Scenario from "../Scenario.ts"
import type { Chance } from "./Chance.ts"

export interface Job {
  /** From 1 in the order in which they are first asked for. */
  readonly number: number
  readonly isStream: boolean
  readonly isUrgent: boolean
  readonly isPoisoned: boolean
  readonly inputTokens: number
  readonly outputTokens: number
}

/** What a request asks for that goes on behind a stream that broke off: it is not the one that was made, but like it. */
export const rest: Job = {
  number: 0,
  isStream: true,
  isUrgent: false,
  isPoisoned: false,
  inputTokens: 700,
  outputTokens: 100
}

/** A request with what the simulated provider has to know about it: a copy of the request carries it along. */
export interface Request extends TextModel.Request {
  readonly job: Job
}

export const isRequest = (request: TextModel.Request): request is Request => "job" in request

/** Popular requests, where some are identical. */
const popular = 100

/** Draws what the next operation asks for. */
export const drawing = (workload: Scenario.Workload, chance: Chance): (() => Request) => {
  const { identical = 0, poisoned, streams = 0, tokens, urgent = 0 } = workload
  const draw = (tokens: Scenario.Tokens): number =>
    typeof tokens === "number" ? tokens : Math.max(1, Math.round(chance.logNormal(tokens.p50, tokens.p99)))
  let number = 0
  const drawJob = (): Job => ({
    number: (number += 1),
    isStream: chance.happens(streams),
    isUrgent: chance.happens(urgent),
    isPoisoned: chance.happens(poisoned?.share ?? 0),
    inputTokens: draw(tokens?.in ?? 500),
    outputTokens: draw(tokens?.out ?? 200)
  })
  const known: Array<Request> = []
  return () => {
    if (chance.happens(identical)) {
      const index = Math.floor(chance.next() * popular)
      return (known[index] ??= requestOf(drawJob(), `popular ${index}`))
    }
    const job = drawJob()
    // Only a cache reads what is asked.
    return requestOf(job, identical === 0 ? undefined : `request ${job.number}`)
  }
}

const plain = Prompt.make("?")

const requestOf = (job: Job, text: string | undefined): Request => ({
  prompt: text === undefined ? plain : Prompt.make(text),
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {},
  job
})
