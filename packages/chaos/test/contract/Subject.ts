/** The lanes that the contract holds for: every provider, with every choice that changes what goes over the wire. */
import type { Lane } from "@holdfast/core"
import { Anthropic, Gemini, OpenAi, OpenAiCompatible } from "@holdfast/providers"
import { type Config, type Effect, Redacted } from "effect"
import type { HttpClient } from "effect/http"

export interface Subject {
  readonly name: string
  /** Whose wire format it speaks. */
  readonly format: "openai" | "gemini" | "anthropic"
  /** A lane to the server at this origin. Default: with the key that the servers here accept. */
  readonly lane: (origin: string, key?: string) => Effect.Effect<Lane.Lane, Config.ConfigError, HttpClient.HttpClient>
  readonly embeds: boolean
}

/** A name that the catalogue does not know: the lane then takes texts and embeddings alike. */
export const model = "kelp-1"

export const account = { organization: "org-contract", project: "proj-contract" }

export const goodKey = "sk-contract-1a2b3c4d5e"

const openAi = (name: string, options: OpenAi.Options): Subject => ({
  name,
  format: "openai",
  lane: (origin, key = goodKey) =>
    OpenAi.lane(model, { ...options, apiKey: Redacted.make(key), baseUrl: `${origin}/v1` }),
  embeds: true
})

const gemini = (apiVersion: "v1" | "v1beta"): Subject => ({
  name: `Gemini ${apiVersion}`,
  format: "gemini",
  lane: (origin, key = goodKey) => Gemini.lane(model, { apiVersion, apiKey: Redacted.make(key), baseUrl: origin }),
  embeds: true
})

const anthropic = (name: string, options: Anthropic.Options): Subject => ({
  name,
  format: "anthropic",
  lane: (origin, key = goodKey) => Anthropic.lane(model, { ...options, apiKey: Redacted.make(key), baseUrl: origin }),
  embeds: false
})

export const subjects = {
  chat: openAi("OpenAI chat", account),
  responses: openAi("OpenAI responses", {
    ...account,
    api: "responses",
    responses: { reasons: true, summary: "auto" }
  }),
  compatible: {
    name: "OpenAI-compatible",
    format: "openai",
    lane: (origin, key = goodKey) =>
      OpenAiCompatible.lane({ provider: "local", model, baseUrl: `${origin}/v1`, apiKey: Redacted.make(key) }),
    embeds: true
  },
  v1beta: gemini("v1beta"),
  v1: gemini("v1"),
  bearer: anthropic("Anthropic, bearer", {}),
  older: anthropic("Anthropic, x-api-key", { auth: "x-api-key", version: "2023-06-01" })
} as const satisfies { readonly [name: string]: Subject }

export type SubjectName = keyof typeof subjects
