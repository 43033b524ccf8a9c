/**
 * The front of a route that makes vectors. What is kept is the vector of one text in one vector space, whichever request
 * asked for it: a request whose texts are known in part asks the lanes for the others alone, and for each of them once.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Cache from "../Cache.ts"
import * as Disposition from "../Disposition.ts"
import type * as EmbedModel from "../EmbedModel.ts"
import type * as Failure from "../Failure.ts"
import type { Desk } from "../Operation.ts"
import * as Provenance from "../Provenance.ts"
import type * as Refusal from "../Refusal.ts"
import type { Caller, Errand } from "./Caller.ts"
import type { Flights } from "./Flights.ts"
import * as front from "./front.ts"

type Errors = Failure.Failure | Refusal.Refusal
type Vector = ReadonlyArray<number>

export interface Asked {
  readonly request: EmbedModel.Request
  /** The vector space of the route's lanes. */
  readonly space: string
  readonly run: (request: EmbedModel.Request, desk: Desk) => Effect.Effect<EmbedModel.Response, Errors>
  /** Where identical requests meet, if they share. */
  readonly flights: Flights<EmbedModel.Response> | undefined
}

/** The vectors from the cache, from the lanes, or, where these fail, from what the cache still has. */
export const embed = (before: front.Front, asked: Asked): Effect.Effect<EmbedModel.Response, Errors> =>
  Effect.withFiber((fiber) => {
    const caller = front.callerOf(before, "embed", fiber)
    const { request } = asked
    return caller.toTheEnd(
      Effect.gen(function* () {
        const known = yield* lookUp(before, asked, fiber)
        const ttlMillis = Duration.toMillis(before.policy.cache.ttl)
        const keptMillis = ttlMillis + Duration.toMillis(before.policy.cache.staleIfError)
        const isWithin = (millis: number, { entry }: Known) => entry !== undefined && caller.now - entry.at < millis
        const missing = [...known.values()].filter((one) => !isWithin(ttlMillis, one))
        if (missing.length === 0 && known.size > 0) return answerFrom(caller, request, known, undefined)

        const inputs = missing.map(({ input }) => input)
        const run = (errand: Errand) =>
          asked.run({ ...request, inputs }, errand).pipe(
            Effect.provideService(Provenance.Sink, errand.collector),
            Effect.tap((response) => keep(before, errand, missing, response))
          )
        const key = yield* sharedKey(before, asked, fiber, inputs)
        return yield* front.share(asked.flights, key, fiber, caller, run).pipe(
          Effect.map((response): EmbedModel.Response => {
            if (inputs.length === request.inputs.length) return response
            const made = new Map(inputs.map((input, index) => [input, response.vectors[index] ?? []]))
            const vectors = request.inputs.map((input) => made.get(input) ?? known.get(input)?.vector ?? [])
            return { ...response, vectors }
          }),
          Effect.catch((error) => {
            const isKept = [...known.values()].every((one) => isWithin(keptMillis, one))
            return isKept && !Disposition.blamesCaller(error)
              ? Effect.succeed(answerFrom(caller, request, known, error))
              : Effect.fail(error)
          })
        )
      })
    )
  })

/** One text, and what is known of its vector. */
interface Known {
  readonly input: string
  /** Absent where nothing is kept. */
  readonly key: string | undefined
  readonly entry: Cache.Entry | undefined
  readonly vector: Vector | undefined
}

/** Every text of the request once. */
const lookUp = Effect.fnUntraced(function* (
  { cache, policy }: front.Front,
  { request, space }: Asked,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.fn.Return<ReadonlyMap<string, Known>> {
  const { dimensions, inputs, task } = request
  const texts = [...new Set(inputs)]
  const bypass = fiber.getRef(Cache.Bypass)
  const isKept = Cache.isOn(policy.cache) && bypass !== "no-store"
  const keys: Array<string | undefined> = []
  for (const input of texts) {
    const decides = ["vector", fiber.getRef(Cache.Tenant), space, dimensions, task, input]
    keys.push(isKept ? yield* cache.key(decides) : undefined)
  }
  const asked = bypass === undefined ? keys.filter((key) => key !== undefined) : []
  const entries = yield* cache.read(asked)
  const found = new Map(asked.map((key, index) => [key, entries[index]]))
  return new Map(
    texts.map((input, index) => {
      const key = keys[index]
      const entry = key === undefined ? undefined : found.get(key)
      const vector = entry !== undefined && isVector(entry.answer) ? entry.answer : undefined
      return [input, { input, key, entry: vector === undefined ? undefined : entry, vector }]
    })
  )
})

/** The name under which identical requests meet; absent where this one shares with none. */
const sharedKey = (
  { cache, lanes, route }: front.Front,
  { flights, request }: Asked,
  fiber: Fiber.Fiber<unknown, unknown>,
  inputs: ReadonlyArray<string>
): Effect.Effect<string | undefined> =>
  flights === undefined || fiber.getRef(Cache.Bypass) !== undefined
    ? Effect.undefined
    : cache.key(["embed", fiber.getRef(Cache.Tenant), route, lanes, { ...request, inputs }])

/** Keeps the vector of each text that was asked for. */
const keep = (
  { cache, policy }: front.Front,
  errand: Errand,
  missing: ReadonlyArray<Known>,
  { model, vectors }: EmbedModel.Response
): Effect.Effect<void> =>
  Effect.flatMap(Clock.currentTimeMillis, (at) => {
    const { degraded = false, lane } = errand.collector.provenance ?? {}
    const entries = missing.flatMap(({ key }, index) => {
      const answer = vectors[index]
      if (key === undefined || answer === undefined) return []
      return [[key, { at, degraded, model, ...(lane === undefined ? {} : { lane }), answer }] as const]
    })
    const { maxEntryBytes, staleIfError, ttl } = policy.cache
    return cache.write(entries, Duration.sum(ttl, staleIfError), maxEntryBytes)
  })

/** An answer of kept vectors alone. It is as old as the oldest of them. */
const answerFrom = (
  caller: Caller,
  { inputs }: EmbedModel.Request,
  known: ReadonlyMap<string, Known>,
  instead: Errors | undefined
): EmbedModel.Response => {
  const entries = [...known.values()].flatMap(({ entry }) => (entry === undefined ? [] : [entry]))
  const entry = entries.reduce((oldest, one) => (one.at < oldest.at ? one : oldest))
  const ageMillis = Math.max(0, caller.now - entry.at)
  caller.answerFrom(
    instead === undefined ? { source: "cache", entry, ageMillis } : { source: "stale", entry, ageMillis, instead }
  )
  return {
    vectors: inputs.map((input) => known.get(input)?.vector ?? []),
    model: entry.model ?? "unknown",
    inputTokens: 0
  }
}

const isVector = (kept: unknown): kept is Vector =>
  Array.isArray(kept) && kept.length > 0 && kept.every((one) => typeof one === "number")
