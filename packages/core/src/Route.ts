/**
 * A name a caller uses, the lanes that may serve it, and the policy to use: a model that is already resilient. It has the
 * same shape as a lane's model, or is a Layer for `effect/ai` like any other.
 */
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import * as AiModels from "./AiModels.ts"
import * as Cache from "./Cache.ts"
import * as ConnectClock from "./ConnectClock.ts"
import type * as EmbedModel from "./EmbedModel.ts"
import * as EventBus from "./EventBus.ts"
import type * as Failure from "./Failure.ts"
import * as FallbackPlan from "./FallbackPlan.ts"
import { Flights, StreamFlights } from "./internal/Flights.ts"
import * as embedFront from "./internal/embedFront.ts"
import * as front from "./internal/front.ts"
import * as requestSize from "./internal/requestSize.ts"
import * as textAnswer from "./internal/textAnswer.ts"
import { TextContinuation } from "./internal/TextContinuation.ts"
import * as Lane from "./Lane.ts"
import type * as Operation from "./Operation.ts"
import * as Policy from "./Policy.ts"
import type * as Refusal from "./Refusal.ts"
import * as Resilience from "./Resilience.ts"
import type * as TextModel from "./TextModel.ts"
import * as VectorSpace from "./VectorSpace.ts"

export interface Options<E = never, R = never> {
  /** Most preferred first, each as a provider's constructor gives it: `OpenAi.lane("gpt-mini")`, `Effect.succeed(lane)`. */
  readonly lanes: ReadonlyArray<Effect.Effect<Lane.Lane, E, R>>
  /** Default `Policy.standard`. */
  readonly policy?: Policy.Policy | undefined
  /** What each of its lanes must offer, whatever a request needs: one that is known not to makes the route invalid. */
  readonly needs?: FallbackPlan.Requirements | undefined
}

type Errors = Failure.Failure | Refusal.Refusal

export interface TextOptions<E = never, R = never> extends Options<E, R> {
  /**
   * What a caller gets when every lane has failed for reasons that are not the caller's, and nothing stale is there: a
   * text, or what computes one. Before the first content of a stream only; the provenance names no lane.
   *
   * **Details**
   *
   * A fixed text answers requests for text; where JSON or a tool call is asked for, only a computed one does, and one
   * that gives `undefined` leaves the error as it is. So does one that takes longer than 5 seconds, or breaks.
   */
  readonly degraded?:
    | string
    | ((request: TextModel.Request, error: Errors) => Effect.Effect<string | undefined>)
    | undefined
}

/** The answer begins anew, on another lane or the same one: what came before is void. */
export interface Restarted {
  readonly type: "restarted"
  /** The lane that failed. */
  readonly from: string
  readonly reason: Failure.Class
}

/** A resilient text model, and a stream for callers who can begin anew. */
export interface Text extends TextModel.TextModel<Errors> {
  /**
   * As `stream`, for a caller who knows `Restarted`: where the policy says `restart`, a failure in the middle is followed by
   * that part and a new answer. It is asked of the lanes each time: neither cached nor shared.
   */
  readonly streamRestarting: (
    request: TextModel.Request
  ) => Stream.Stream<Response.StreamPartEncoded | Restarted, Errors>
}

/** A resilient embedding model, and where its vectors belong. */
export interface Embed extends EmbedModel.EmbedModel<Errors> {
  /** See `VectorSpace`: to be kept beside every vector that is stored. */
  readonly space: string
}

/** What routes need around them; `Resilience.layer` has it. */
export type Around = Resilience.Resilience | Cache.Cache | EventBus.EventBus

/**
 * A resilient text model. Fails with `InvalidRoute` when a lane does not generate text or lacks what the route `needs`, or
 * when one is in it twice.
 */
export const text = Effect.fnUntraced(function* <E, R>(
  route: string,
  options: TextOptions<E, R>
): Effect.fn.Return<Text, E | FallbackPlan.InvalidRoute, R | Around> {
  const { before, lanes, policy, resilience } = yield* build(route, options)
  const { lanes: able, missing } = FallbackPlan.capable(lanes, { ...options.needs, text: true })
  if (missing.length > 0) return yield* new FallbackPlan.InvalidRoute({ route, problem: missing.join("; ") })
  const { degraded } = options
  const isSized = able.length > 1 && able.some((lane) => lane.capabilities.contextWindow !== undefined)
  const sizeOf = (request: TextModel.Request) => (isSized ? { leastTokens: leastOf(request) } : {})
  const generate = (request: TextModel.Request, desk?: Operation.Desk) =>
    resilience.run({
      route,
      kind: "text",
      policy,
      lanes: able,
      needs: needsOf(request),
      estimateTokens: tokensOf(request),
      ...sizeOf(request),
      call: (lane) => textOf(lane).generate(request).pipe(connecting(policy)),
      usageOf: (parts) => parts.reduce<Operation.Usage>((usage, part) => usageOf(part) ?? usage, {}),
      desk
    })
  const planOf = (request: TextModel.Request) => ({
    route,
    policy,
    lanes: able,
    needs: { ...needsOf(request), streaming: true },
    estimateTokens: tokensOf(request),
    ...sizeOf(request)
  })
  const stream = (request: TextModel.Request, desk?: Operation.Desk) =>
    resilience.runStream({
      ...planOf(request),
      call: (lane) => textOf(lane).stream(request),
      commits: textAnswer.commits,
      usageOf,
      continuation: () => new TextContinuation(request, able, textOf),
      desk
    })
  const streamRestarting = (request: TextModel.Request, desk?: Operation.Desk) =>
    resilience.runStream<Response.StreamPartEncoded | Restarted, never>({
      ...planOf(request),
      call: (lane) => textOf(lane).stream(request),
      commits: (part) => part.type !== "restarted" && textAnswer.commits(part),
      usageOf: (part) => (part.type === "restarted" ? undefined : usageOf(part)),
      restart: (failure) => ({ type: "restarted", from: failure.lane, reason: failure._tag }),
      desk
    })
  if (degraded === undefined && !front.isNeeded(policy)) return { generate, stream, streamRestarting }

  const { enabled, maxBytes } = policy.coalesce
  const flights = enabled ? new Flights<ReadonlyArray<Response.PartEncoded>>() : undefined
  const streamFlights = enabled ? new StreamFlights<Response.StreamPartEncoded>(maxBytes) : undefined
  const bare = front.without(before)
  const lastResort =
    <Part>(request: TextModel.Request, answer: (text: string) => ReadonlyArray<Part>) =>
    (error: Errors): Effect.Effect<ReadonlyArray<Part> | undefined> => {
      if (typeof degraded === "function") {
        return Effect.map(degraded(request, error), (text) => (text === undefined ? undefined : answer(text)))
      }
      return Effect.succeed(degraded === undefined || !textAnswer.isEnough(request) ? undefined : answer(degraded))
    }
  return {
    generate: (request) =>
      front.plain(before, {
        kind: "text",
        request,
        run: (desk) => generate(request, desk),
        flights,
        isWhole: textAnswer.isWhole,
        isAnswer: textAnswer.isPlain,
        lastResort: lastResort(request, textAnswer.plain)
      }),
    stream: (request) =>
      front.stream(before, {
        kind: "stream",
        request,
        run: (desk) => stream(request, desk),
        flights: streamFlights,
        isWhole: textAnswer.isWhole,
        isAnswer: textAnswer.isStreamed,
        lastResort: lastResort(request, textAnswer.stream)
      }),
    streamRestarting: (request) =>
      front.stream<Response.StreamPartEncoded | Restarted>(bare, {
        kind: "stream",
        request,
        run: (desk) => streamRestarting(request, desk),
        flights: undefined,
        isWhole: () => false,
        isAnswer: textAnswer.isStreamed,
        lastResort: lastResort<Response.StreamPartEncoded | Restarted>(request, textAnswer.stream)
      })
  }
})

/**
 * A resilient embedding model. Fails with `InvalidRoute` when a lane does not embed or lacks what the route `needs`, or when its lanes make vectors of
 * different spaces: those cannot be compared, so an answer from the second would silently spoil an index.
 */
export const embed = Effect.fnUntraced(function* <E, R>(
  route: string,
  options: Options<E, R>
): Effect.fn.Return<Embed, E | FallbackPlan.InvalidRoute, R | Around> {
  const { before, lanes, policy, resilience } = yield* build(route, options)
  const { missing } = FallbackPlan.capable(lanes, { ...options.needs, embed: true })
  const problem = missing.length > 0 ? missing.join("; ") : FallbackPlan.vectorProblemOf(lanes)
  if (problem !== undefined) return yield* new FallbackPlan.InvalidRoute({ route, problem })
  const embed = (request: EmbedModel.Request, desk?: Operation.Desk) =>
    resilience.run({
      route,
      kind: "embed",
      policy,
      lanes,
      needs: { embed: true, dimensions: request.dimensions },
      estimateTokens: tokensOf(request),
      call: (lane) => embedOf(lane).embed(request).pipe(connecting(policy)),
      usageOf: (response) => ({ inputTokens: response.inputTokens }),
      desk
    })
  const [first] = lanes
  if (first === undefined) return yield* Effect.die(`${route} was found to have a lane`)
  const space = Lane.vectorSpace(first)
  if (!front.isNeeded(policy)) return { space, embed }

  const flights = policy.coalesce.enabled ? new Flights<EmbedModel.Response>() : undefined
  return { space, embed: (request) => embedFront.embed(before, { request, space, run: embed, flights }) }
})

/**
 * A resilient `LanguageModel` as a Layer. What lanes share comes along (`Resilience.layer`), and all routes of one layer
 * build share it.
 */
export const languageModel = <E, R>(
  route: string,
  options: TextOptions<E, R>
): Layer.Layer<
  LanguageModel.LanguageModel | Layer.Success<typeof Resilience.layer>,
  E | FallbackPlan.InvalidRoute,
  R
> =>
  Layer.effect(LanguageModel.LanguageModel, Effect.flatMap(text(route, options), AiModels.languageModel)).pipe(
    Layer.provideMerge(Resilience.layer)
  )

/** A resilient `EmbeddingModel` as a Layer, with the space of its vectors and what lanes share. */
export const embeddingModel = <E, R>(
  route: string,
  options: Options<E, R>
): Layer.Layer<
  EmbeddingModel.EmbeddingModel | VectorSpace.VectorSpace | Layer.Success<typeof Resilience.layer>,
  E | FallbackPlan.InvalidRoute,
  R
> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const made = yield* embed(route, options)
      return Context.make(VectorSpace.VectorSpace, made.space).pipe(
        Context.add(EmbeddingModel.EmbeddingModel, yield* AiModels.embeddingModel(made))
      )
    })
  ).pipe(Layer.provideMerge(Resilience.layer))

const build = Effect.fnUntraced(function* <E, R>(route: string, options: Options<E, R>) {
  const resilience = yield* Resilience.Resilience
  const intercept = yield* Lane.Interceptor
  const lanes: Array<Lane.Lane> = []
  for (const lane of options.lanes) lanes.push(intercept(yield* lane))
  const problem = FallbackPlan.problemOf(lanes)
  if (problem !== undefined) return yield* new FallbackPlan.InvalidRoute({ route, problem })
  const policy = options.policy ?? Policy.standard
  const priceless = lanes.filter((lane) => lane.cost?.({ inputTokens: 1, outputTokens: 1 }) === undefined)
  if (policy.budget.maxUsd !== undefined && priceless.length > 0) {
    const problem = `budget.maxUsd needs the price of ${priceless.map(({ id }) => id).join(", ")}`
    return yield* new FallbackPlan.InvalidRoute({ route, problem })
  }
  for (const lane of lanes) yield* resilience.register(lane)
  const before: front.Front = {
    route,
    policy,
    cache: yield* Cache.Cache,
    bus: yield* EventBus.EventBus,
    lanes: lanes.map((lane) => lane.id)
  }
  return { before, lanes, policy, resilience }
})

/** A call whose client keeps the policy's connect clock. */
const connecting = (policy: Policy.Policy) => Effect.provideService(ConnectClock.Limit, policy.clocks.connect)

const unable = (lane: Lane.Lane, what: string): never => {
  throw new Error(`${lane.id} was planned for ${what} it does not offer`)
}
const textOf = (lane: Lane.Lane): TextModel.TextModel => lane.text ?? unable(lane, "text")
const embedOf = (lane: Lane.Lane): EmbedModel.EmbedModel => lane.embed ?? unable(lane, "embedding")

const tokensOf =
  (request: TextModel.Request | EmbedModel.Request) =>
  (lane: Lane.Lane): number =>
    lane.estimateTokens?.(request) ?? 0

/** Nearly every request is so small that nothing has to be estimated: no lane would be too small for its very letters. */
const leastOf = (request: TextModel.Request): ((lane: Lane.Lane) => number) => {
  let most: number | undefined
  return (lane) => {
    const { contextWindow = Number.POSITIVE_INFINITY } = lane.capabilities
    most ??= requestSize.mostTokens(request)
    return most <= contextWindow ? 0 : (lane.leastTokens?.(request) ?? 0)
  }
}

const needsOf = (request: TextModel.Request): FallbackPlan.Requirements => ({
  text: true,
  tools: request.tools.length > 0,
  vision: request.prompt.content.some(hasImage),
  jsonSchema: request.responseFormat.type === "json",
  maxOutputTokens: request.sampling.maxOutputTokens
})

const hasImage = (message: Prompt.Message): boolean =>
  message.role === "user" && message.content.some((part) => part.type === "file" && part.mediaType.startsWith("image/"))

const usageOf = (part: Response.PartEncoded | Response.StreamPartEncoded): Operation.Usage | undefined =>
  part.type === "finish" ? textAnswer.usageOf(part) : undefined
