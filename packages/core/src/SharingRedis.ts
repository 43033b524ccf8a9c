/**
 * A store for `Sharing` in Redis, over the `Redis` of `effect/persistence`: a channel for notices, a hash of those that are
 * kept, and a key per lease. Everything is measured by the clock of the server, in scripts that touch one key each. Works
 * with Redis 5 and later, and with what speaks its language.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Notice, type Session, SharingStore, StoreAway } from "./SharingStore.ts"

export interface Options {
  /**
   * Opens a connection for as long as its scope is open. It is done anew when one is lost, so it need not reconnect by
   * itself, and closing it must not wait for a server that does not answer.
   */
  readonly connect: Effect.Effect<Redis.Redis["Service"], Redis.RedisError, Scope.Scope>
  /** In front of every key and of the channel: instances with the same one share. Default `holdfast`. */
  readonly prefix?: string | undefined
}

export const make = (options: Options): SharingStore["Service"] => {
  const prefix = options.prefix ?? "holdfast"
  const [channel, keptKey] = [`${prefix}:notices`, `${prefix}:kept`]
  return SharingStore.of({
    connect: Effect.gen(function* () {
      const redis = yield* options.connect
      const received = yield* redis.subscribe(channel)
      const acquire = redis.eval(acquireScript)
      const session: Session = {
        publish: ({ keepMillis = -1, subject, text }: Notice) =>
          orAway(redis.eval(publishScript)(keptKey, channel, subject, text, keepMillis)),
        kept: orAway(redis.eval(keptScript)(keptKey)).pipe(
          Effect.flatMap(decodeKept),
          Effect.catchTag("SchemaError", () => Effect.fail(new StoreAway({ reason: "its answer makes no sense" })))
        ),
        notices: Stream.fromQueue(received).pipe(
          Stream.map(({ message }) => message),
          Stream.mapError(awayOf)
        ),
        acquire: (subject, token, millis) =>
          orAway(acquire(`${prefix}:lease:${subject}`, token, millis)).pipe(Effect.map(Number)),
        release: (subject, token) => orAway(redis.eval(releaseScript)(`${prefix}:lease:${subject}`, token))
      }
      return session
    }).pipe(orAway)
  })
}

export const layer = (options: Options): Layer.Layer<SharingStore> => Layer.sync(SharingStore, () => make(options))

const now = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)`

/** The hash lives as long as the notice that is kept longest. */
const publishScript = Redis.script(
  (kept: string, channel: string, subject: string, text: string, keepMillis: number) => [
    kept,
    channel,
    subject,
    text,
    keepMillis
  ],
  {
    numberOfKeys: 1,
    lua: `${now}
local keep = tonumber(ARGV[4])
if keep == 0 then
  redis.call('HDEL', KEYS[1], ARGV[2])
elseif keep > 0 then
  redis.call('HSET', KEYS[1], ARGV[2], string.format('%.0f', now + keep) .. ' ' .. ARGV[3])
  if redis.call('PTTL', KEYS[1]) < keep then redis.call('PEXPIRE', KEYS[1], keep) end
end
redis.call('PUBLISH', ARGV[1], ARGV[3])`
  }
)

const keptScript = Redis.script((kept: string) => [kept], {
  numberOfKeys: 1,
  lua: `${now}
local all = redis.call('HGETALL', KEYS[1])
local found = {}
for i = 1, #all, 2 do
  local cut = string.find(all[i + 1], ' ', 1, true)
  local left = tonumber(string.sub(all[i + 1], 1, cut - 1)) - now
  if left > 0 then
    found[#found + 1] = { string.sub(all[i + 1], cut + 1), left }
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return found`
}).withReturnType<unknown>()

const acquireScript = Redis.script((lease: string, token: string, millis: number) => [lease, token, millis], {
  numberOfKeys: 1,
  lua: `
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 0 end
return math.max(1, redis.call('PTTL', KEYS[1]))`
}).withReturnType<unknown>()

const releaseScript = Redis.script((lease: string, token: string) => [lease, token], {
  numberOfKeys: 1,
  lua: `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`
})

const decodePairs = Schema.decodeUnknownEffect(Schema.Array(Schema.Tuple([Schema.String, Schema.Finite])))
const decodeKept = (answer: unknown) =>
  Effect.map(decodePairs(answer), (pairs) => pairs.map(([text, leftMillis]) => ({ text, leftMillis })))

const orAway = <A, R>(self: Effect.Effect<A, Redis.RedisError, R>): Effect.Effect<A, StoreAway, R> =>
  Effect.mapError(self, awayOf)

/** The code of the system or of the server; nothing else of what a client says, since that may hold the address. */
const awayOf = ({ cause }: Redis.RedisError): StoreAway => {
  if (!Predicate.hasProperty(cause, "message") || typeof cause.message !== "string") {
    return new StoreAway({ reason: "the connection was lost" })
  }
  const code = Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
  return new StoreAway({ reason: code ?? /^[A-Z]{3,}/.exec(cause.message)?.[0] ?? "the connection was lost" })
}
