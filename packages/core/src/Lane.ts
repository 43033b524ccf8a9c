/**
 * Where an attempt goes: provider, model and credential. Breaker, bulkhead and health belong to a lane; some failures
 * speak about something wider that several lanes share, such as the credential.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as EmbedModel from "./EmbedModel.ts"
import type * as Failure from "./Failure.ts"
import type { Usage } from "./Operation.ts"
import type * as TextModel from "./TextModel.ts"

/** What a lane can serve. An absent number or flag means "not known", and is not held against the lane. */
export interface Capabilities {
  /** Tokens of input and output together. */
  readonly contextWindow?: number | undefined
  readonly maxOutputTokens?: number | undefined
  readonly tools?: boolean | undefined
  readonly vision?: boolean | undefined
  readonly jsonSchema?: boolean | undefined
  readonly streaming?: boolean | undefined
  /** Goes on with an answer that the request begins. Where that is not known, it is told to in words. */
  readonly prefill?: boolean | undefined
  /** Length of the vectors it makes. */
  readonly dimensions?: number | undefined
  /** Vectors of different spaces cannot be compared. Defaults to the model's name and its dimensions. */
  readonly vectorSpace?: string | undefined
}

export interface Lane {
  /** `provider/model`, or `provider/model@credential` where a provider has several. Unique within a process. */
  readonly id: string
  readonly provider: string
  readonly model: string
  /** The name of the credential, never the credential. */
  readonly credential: string
  readonly capabilities: Capabilities
  readonly text?: TextModel.TextModel | undefined
  readonly embed?: EmbedModel.EmbedModel | undefined
  /** Asks the provider something free, such as its list of models. */
  readonly check?: Effect.Effect<void, Failure.Failure> | undefined
  /** About how many tokens a request takes here, as the provider counts them against its limits. */
  readonly estimateTokens?: ((request: TextModel.Request | EmbedModel.Request) => number) | undefined
  /**
   * The least that a request can take of the context window here, with the output it asks for: an estimate, less the most
   * it may be off. A lane whose known window is smaller is not asked while another one may hold the request.
   */
  readonly leastTokens?: ((request: TextModel.Request) => number) | undefined
  /** What tokens cost here, in US dollars; absent or `undefined` where the price is not known. */
  readonly cost?: ((usage: Usage) => number | undefined) | undefined
  /** Its client tells `Limits.Listener` what the headers of each response say is left. */
  readonly statesLimits?: boolean | undefined
  /** Its client tells `Adaptation.Listener` what it changes in the meaning of a request. */
  readonly adapts?: boolean | undefined
}

export interface Options {
  readonly provider: string
  readonly model: string
  /** Default: the provider's name. */
  readonly credential?: string | undefined
  /** Default: `provider/model`, with `@credential` when one is named. */
  readonly id?: string | undefined
  readonly capabilities?: Capabilities | undefined
  readonly text?: TextModel.TextModel | undefined
  readonly embed?: EmbedModel.EmbedModel | undefined
  readonly check?: Effect.Effect<void, Failure.Failure> | undefined
  readonly estimateTokens?: Lane["estimateTokens"]
  readonly leastTokens?: Lane["leastTokens"]
  readonly cost?: Lane["cost"]
  readonly statesLimits?: boolean | undefined
  readonly adapts?: boolean | undefined
}

export const make = (options: Options): Lane => ({
  id:
    options.id ??
    `${options.provider}/${options.model}${options.credential === undefined ? "" : `@${options.credential}`}`,
  provider: options.provider,
  model: options.model,
  credential: options.credential ?? options.provider,
  capabilities: options.capabilities ?? {},
  text: options.text,
  embed: options.embed,
  check: options.check,
  estimateTokens: options.estimateTokens,
  leastTokens: options.leastTokens,
  cost: options.cost,
  statesLimits: options.statesLimits,
  adapts: options.adapts
})

/**
 * The circuits an attempt on the lane has to pass: its own, and those it shares with other lanes of its credential and of
 * its model. Names of credentials are chosen per provider, so the same name at two providers is two credentials.
 */
export const circuits = ({
  credential,
  id,
  model,
  provider
}: Pick<Lane, "credential" | "id" | "model" | "provider">): {
  readonly lane: string
  readonly credential: string
  readonly model: string
} => ({
  lane: id,
  credential: `credential:${credential === provider ? provider : `${provider}/${credential}`}`,
  model: `model:${provider}/${model}`
})

/** The name of the space a lane's vectors live in. */
export const vectorSpace = (lane: Lane): string =>
  lane.capabilities.vectorSpace ??
  (lane.capabilities.dimensions === undefined ? lane.model : `${lane.model}@${lane.capabilities.dimensions}`)

/**
 * What every lane passes through when a route is built. Tests and chaos put their own behaviour here, production code
 * runs unchanged; the default changes nothing and costs nothing per call.
 */
export const Interceptor = Context.Reference<(lane: Lane) => Lane>("@holdfast/core/Lane/Interceptor", {
  defaultValue: () => (lane) => lane
})
