/** The scenes that the contract is played in, the servers that set them, and what is said in them. */
import type { Lane, TextModel } from "@holdfast/core"
import { Duration, type Effect, type Scope } from "effect"
import { Prompt } from "effect/ai"
import type { HttpClient } from "effect/http"
import type { Relay } from "./Relay.ts"
import type { Subject } from "./Subject.ts"

/**
 * What a server is asked to be for one behaviour. `healthy` answers the `prompts`; `slow` does so word by word over a
 * second or longer; `silent` never answers; `limited` refuses with the `wait`; `cut` closes the socket early.
 */
export type Scene = "healthy" | "slow" | "silent" | "limited" | "cut"

export interface Host {
  readonly name: string
  /** The port of a new server that takes no key but `goodKey`. */
  readonly open: (scene: Scene) => Effect.Effect<number, never, Scope.Scope>
}

/** What a server understands of a request, by its last user message. */
export const prompts = {
  /** Answered with `sixtyWords`. */
  question: "What holds a kelp to its rock?",
  /** Answered with the same, after a `thought` where an effort is named. */
  think: "Think, then say what holds a kelp to its rock.",
  /** Cut after two words; the request says so as well. */
  brief: "Say it briefly.",
  /** Answered with a call of `weather`, for `city`. */
  tool: "Use the tool, please.",
  /** Answered with a call of each tool, that of `weather` first. */
  tools: "Use the tools, both of them.",
  /** Answered with `city` as JSON; the request has the schema of `weather`. */
  json: "Say it as JSON.",
  /** Answered with `sixtyWords`, whatever it shows. */
  image: "What is in the picture?"
} as const

export const thought = "The question is about kelp, so the answer is too."

export const wait = Duration.seconds(7)

export const weather: TextModel.Tool = {
  name: "weather",
  description: "The weather of a city",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false
  }
}

/** The arguments of any call of `weather`. */
export const city = { city: "sample" }

export const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0

/** What is there when a behaviour is shown: a lane to a server in its scene, with a relay between them. */
export interface Stage {
  readonly subject: Subject
  readonly lane: Lane.Lane
  readonly text: TextModel.TextModel
  readonly relay: Relay
}

export interface Behaviour {
  readonly scene: Scene
  readonly prove: (stage: Stage) => Effect.Effect<void, unknown, HttpClient.HttpClient | Scope.Scope>
}

export const request = (prompt: Prompt.RawInput, more: Partial<TextModel.Request> = {}): TextModel.Request => ({
  tools: [],
  toolChoice: "auto",
  responseFormat: { type: "text" },
  sampling: {},
  ...more,
  prompt: Prompt.make(prompt)
})

/** The plainest of requests. */
export const ask = request(prompts.question)
