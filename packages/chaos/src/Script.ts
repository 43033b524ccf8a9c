/**
 * Providers that do what a test tells them to, call by call, under the layers that production uses: each lane of a route
 * is replaced by its script when the route is built. Nothing is sent, no key is needed, and time is the test's clock. The
 * layer owns the place in each script and the record of the calls.
 *
 * ```ts
 * ask.pipe(Effect.provide(Chat), Effect.provide(Script.layer({
 *   "gemini/flash": [Script.times(5, Script.serviceUnavailable), Script.reply("hello again")],
 *   "openai/mini": [Script.always(Script.reply("hello"))]
 * })))
 * ```
 */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import * as Failure from "@holdfast/core/Failure"
import * as Lane from "@holdfast/core/Lane"
import type * as TextModel from "@holdfast/core/TextModel"
import type * as Response from "effect/ai/Response"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Vector from "./internal/Vector.ts"

/** The lane that plays a step. */
export interface Target {
  readonly provider: string
  readonly model: string
  readonly lane: string
}

/** What a lane does with one call, of whichever kind it is. A kind that is left out is a defect of the test. */
export interface Played {
  readonly generate?: TextModel.TextModel["generate"] | undefined
  readonly stream?: TextModel.TextModel["stream"] | undefined
  readonly embed?: EmbedModel.EmbedModel["embed"] | undefined
}

/** What a lane does with the next call, or with the next few. */
export interface Step {
  /** How many calls it is for. */
  readonly times: number
  readonly play: (target: Target) => Played
}

/** A step of your own, for one call. */
export const make = (play: (target: Target) => Played): Step => ({ times: 1, play })

/** The step for `n` calls, instead of one. Throws `RangeError` when `n` is not a whole number of at least 1. */
export const times = (n: number, step: Step): Step => {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`times must be a whole number of at least 1, got ${n}`)
  return { ...step, times: n }
}

/** The step for every call from now on. */
export const always = (step: Step): Step => ({ ...step, times: Number.POSITIVE_INFINITY })

/** Answers with the text: whole, or streamed word by word. */
export const reply = (text: string): Step =>
  make(() => ({
    generate: () => Effect.succeed([{ type: "text", text }, finish]),
    stream: () => Stream.fromIterable([...opening(text), { type: "text-end", id: "0" }, finish])
  }))

/**
 * Answers with vectors, which `of` makes. Default: as long as the lane's are known to be, else 64; texts that have words in
 * common are near one another, and lanes of one model agree.
 */
export const vectors = (of?: (text: string) => ReadonlyArray<number>): Step =>
  make(({ model }) => ({
    embed: ({ dimensions = 64, inputs }) =>
      Effect.succeed({ vectors: inputs.map(of ?? ((text) => Vector.embed(text, dimensions, model))), model })
  }))

/** What a failure says beside its class. */
export type Fields = Partial<Omit<Failure.Fields, keyof Target>>

/** Fails. Its scope is the provider, unless `fields` say otherwise. */
export const fail = (class_: Failure.Class, fields: Fields = {}): Step =>
  make((target) => {
    const error = failure(class_, target, fields)
    return { generate: () => Effect.fail(error), stream: () => Stream.fail(error), embed: () => Effect.fail(error) }
  })

/** 503. */
export const serviceUnavailable: Step = fail("ServiceUnavailable")

/** 429, with the wait that it asks for. */
export const rateLimit = (retryAfter?: Duration.Duration): Step =>
  fail("RateLimit", { scope: "credential", status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) })

/** Says nothing until the caller leaves. */
export const hang: Step = make(() => ({
  generate: () => Effect.never,
  stream: () => Stream.never,
  embed: () => Effect.never
}))

/** Breaks off behind the text. Where the answer is not streamed, nothing of it is seen. */
export const cut = (text: string, class_: Failure.Class = "StreamTruncated"): Step =>
  make((target) => {
    const error = failure(class_, target, {})
    return {
      generate: () => Effect.fail(error),
      stream: () => Stream.concat(Stream.fromIterable(opening(text)), Stream.fail(error))
    }
  })

/** The step, so much later. */
export const after = (delay: Duration.Input, step: Step): Step => ({
  times: step.times,
  play: (target) => {
    const { embed, generate, stream } = step.play(target)
    return {
      generate: generate && ((request) => Effect.delay(generate(request), delay)),
      stream: stream && ((request) => Stream.unwrap(Effect.as(Effect.sleep(delay), stream(request)))),
      embed: embed && ((request) => Effect.delay(embed(request), delay))
    }
  }
})

/** One call that a lane was asked for. */
export type Call =
  | { readonly kind: "generate" | "stream"; readonly at: number; readonly request: TextModel.Request }
  | { readonly kind: "embed"; readonly at: number; readonly request: EmbedModel.Request }

/** What the lanes were asked. */
export class Script extends Context.Service<
  Script,
  {
    /** The calls of a lane so far, in order, each with its instant in milliseconds. */
    readonly calls: (lane: string) => Effect.Effect<ReadonlyArray<Call>>
    /** How many of them are under way. */
    readonly open: (lane: string) => Effect.Effect<number>
  }
>()("@holdfast/chaos/Script") {}

/** The calls of a lane so far. */
export const calls = (lane: string): Effect.Effect<ReadonlyArray<Call>, never, Script> =>
  Script.use((script) => script.calls(lane))

export interface InTimeOptions {
  /** How far the clock goes at once. Default 100 milliseconds. */
  readonly step?: Duration.Input | undefined
  /** How long it may take. Default 5 minutes. */
  readonly within?: Duration.Input | undefined
}

/**
 * Runs the effect while the test's clock goes on, step by step, until it is over: retries, waits and clocks take the time
 * they take, the test takes none. Dies when it is not over in time.
 */
export const inTime = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  { step = "100 millis", within = "5 minutes" }: InTimeOptions = {}
): Effect.Effect<A, E, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkScoped(self)
      const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(within)
      while (fiber.pollUnsafe() === undefined) {
        if ((yield* Clock.currentTimeMillis) >= deadline) {
          return yield* Effect.die(new Error(`not over within ${Duration.format(Duration.fromInputUnsafe(within))}`))
        }
        yield* TestClock.adjust(step)
      }
      return yield* Fiber.join(fiber)
    })
  )

/** Steps by the id of their lane, such as `openai/gpt-mini`. */
export type Scripts = { readonly [lane: string]: ReadonlyArray<Step> }

/**
 * Replaces every lane of the routes that are built with it.
 *
 * **Details**
 *
 * What a lane can do, and what it costs, stays as it is. Where the configuration has no `…_API_KEY`, one that opens nothing
 * stands in, and the `HttpClient` sends nothing.
 *
 * **Gotchas**
 *
 * A call behind the end of a script, a call to a lane without one, a step that has no such answer and a request over HTTP
 * are defects: a test that meets one fails, and names it.
 */
export const layer = (scripts: Scripts): Layer.Layer<Script | HttpClient.HttpClient> =>
  Layer.mergeAll(
    Layer.effectContext(
      Effect.sync(() => {
        const lanes = new Map<string, Playing>()
        const playing = (lane: Target): Playing => {
          const known = lanes.get(lane.lane)
          if (known !== undefined) return known
          const made = new Playing(lane, scripts[lane.lane])
          lanes.set(lane.lane, made)
          return made
        }
        const script = Script.of({
          calls: (lane) => Effect.sync(() => [...(lanes.get(lane)?.calls ?? [])]),
          open: (lane) => Effect.sync(() => lanes.get(lane)?.open ?? 0)
        })
        const intercept = (lane: Lane.Lane) =>
          scripted(lane, playing({ provider: lane.provider, model: lane.model, lane: lane.id }))
        return Context.make(Script, script).pipe(Context.add(Lane.Interceptor, intercept))
      })
    ),
    Layer.succeed(
      HttpClient.HttpClient,
      HttpClient.make((request) => Effect.die(new Error(`nothing is sent here: ${request.method} ${request.url}`)))
    ),
    ConfigProvider.layerAdd(anyKey)
  )

const anyKey = ConfigProvider.make((path) =>
  Effect.succeed(
    typeof path.at(-1) === "string" && String(path.at(-1)).endsWith("_API_KEY")
      ? ConfigProvider.makeValue("scripted")
      : undefined
  )
)

/** One lane's place in its script. */
class Playing {
  readonly #target: Target
  readonly #steps: ReadonlyArray<Step> | undefined
  readonly calls: Array<Call> = []
  open = 0

  constructor(target: Target, steps: ReadonlyArray<Step> | undefined) {
    this.#target = target
    this.#steps = steps
  }

  /** Notes the call and plays the step that is its turn. */
  take(call: Call): Played {
    const { lane } = this.#target
    this.calls.push(call)
    if (this.#steps === undefined) throw new Error(`no script for ${lane}`)
    let left = this.calls.length
    for (const step of this.#steps) {
      if (left <= step.times) return step.play(this.#target)
      left -= step.times
    }
    throw new Error(`the script of ${lane} is over, and call ${this.calls.length} is more`)
  }

  /** What the step has for this kind of call. */
  only<F>(kind: Call["kind"], f: F | undefined): F {
    if (f === undefined) throw new Error(`step ${this.calls.length} of ${this.#target.lane} cannot answer ${kind}`)
    return f
  }

  enter(): void {
    this.open += 1
  }

  leave(): void {
    this.open -= 1
  }
}

const scripted = (lane: Lane.Lane, playing: Playing): Lane.Lane => {
  const entering = Effect.acquireRelease(
    Effect.sync(() => playing.enter()),
    () => Effect.sync(() => playing.leave())
  )
  const text: TextModel.TextModel = {
    generate: (request) =>
      Effect.scoped(
        Effect.flatMap(Effect.andThen(entering, Clock.currentTimeMillis), (at) =>
          playing.only("generate", playing.take({ kind: "generate", at, request }).generate)(request)
        )
      ),
    stream: (request) =>
      Stream.unwrap(
        Effect.map(Effect.andThen(entering, Clock.currentTimeMillis), (at) =>
          playing.only("stream", playing.take({ kind: "stream", at, request }).stream)(request)
        )
      )
  }
  const embed: EmbedModel.EmbedModel = {
    embed: (request) =>
      Effect.scoped(
        Effect.flatMap(Effect.andThen(entering, Clock.currentTimeMillis), (at) =>
          playing.only(
            "embed",
            playing.take({ kind: "embed", at, request }).embed
          )({
            ...request,
            dimensions: request.dimensions ?? lane.capabilities.dimensions
          })
        )
      )
  }
  return { ...lane, text: lane.text && text, embed: lane.embed && embed, check: lane.check && Effect.void }
}

const failure = (class_: Failure.Class, target: Target, fields: Fields): Failure.Failure =>
  Failure.make(class_, { ...target, scope: "provider", rule: "script", ...fields })

/** The beginning of a streamed text, without its end. */
const opening = (text: string): ReadonlyArray<Response.StreamPartEncoded> => [
  { type: "text-start", id: "0" },
  ...(text.match(/\s*\S+\s*$|\s*\S+/g) ?? []).map((delta) => ({ type: "text-delta", id: "0", delta }) as const)
]

const finish: Response.FinishPartEncoded = {
  type: "finish",
  reason: "stop",
  usage: {
    inputTokens: { uncached: 3, total: 3, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 2, text: 2, reasoning: 0 }
  },
  response: undefined
}
