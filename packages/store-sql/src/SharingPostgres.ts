/**
 * A store for `Sharing` in PostgreSQL: `LISTEN` and `NOTIFY` for notices, and two small unlogged tables for those that are
 * kept and for leases. Time is the server's. It has connections of its own, so that a busy writer keeps nobody waiting for
 * a lease. A pooler in between must keep sessions: `LISTEN` belongs to one.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { type Notice, type Session, SharingStore, StoreAway } from "@holdfast/core/SharingStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { type DatabaseError, fromSqlError } from "./DatabaseError.ts"
import * as ServerUrl from "./internal/ServerUrl.ts"
import * as Migrations from "./Migrations.ts"

export interface Options {
  /** Such as `postgres://user:password@host:5432/name`, with TLS as `Database.layerUrl` has it. Instances that use the same database share. */
  readonly url: Redacted.Redacted
}

/** Channels are the database's, whatever schema the tables are in. */
const channel = "holdfast_notices"

export const make = ({ url }: Options): SharingStore["Service"] =>
  SharingStore.of({
    connect: Effect.gen(function* () {
      const sql = yield* PgClient.make({
        ...(yield* ServerUrl.read(url)),
        applicationName: "holdfast sharing",
        // One listens, one is warm for the next lease.
        minConnections: 2,
        maxConnections: 4,
        keepAlive: "30 seconds"
      }).pipe(Effect.provideService(Reactivity.Reactivity, yield* Reactivity.make))
      yield* Effect.provideService(Migrations.run, SqlClient.SqlClient, sql)
      const received = yield* sql.listen(channel)
      return sessionOf(sql, Stream.fromQueue(received))
    }).pipe(Effect.mapError(awayOf))
  })

export const layer = (options: Options): Layer.Layer<SharingStore> => Layer.sync(SharingStore, () => make(options))

const sessionOf = (
  sql: PgClient.PgClient,
  received: Stream.Stream<{ readonly payload: string }, SqlError.SqlError>
): Session => {
  const publish = ({ keepMillis, subject, text }: Notice) => {
    if (keepMillis === undefined) return sql`SELECT pg_notify(${channel}, ${text})`
    if (keepMillis === 0) {
      return sql`
        WITH forgotten AS (DELETE FROM sharing_notices WHERE subject = ${subject})
        SELECT pg_notify(${channel}, ${text})`
    }
    return sql`
      WITH kept AS (
        INSERT INTO sharing_notices (subject, notice, expires_at)
        VALUES (${subject}, ${text}, clock_timestamp() + ${keepMillis}::float8 * interval '1 millisecond')
        ON CONFLICT (subject) DO UPDATE SET notice = excluded.notice, expires_at = excluded.expires_at
      )
      SELECT pg_notify(${channel}, ${text})`
  }

  const kept = Effect.andThen(
    sql`DELETE FROM sharing_leases WHERE expires_at <= clock_timestamp()`,
    sql<{ readonly text: string; readonly leftMillis: number }>`
      WITH over AS (DELETE FROM sharing_notices WHERE expires_at <= clock_timestamp())
      SELECT notice AS text, ${left(sql)} AS "leftMillis" FROM sharing_notices WHERE expires_at > clock_timestamp()`
  )

  const acquire = Effect.fnUntraced(function* (subject: string, token: string, millis: number) {
    const taken = yield* sql`
      INSERT INTO sharing_leases AS held (subject, token, expires_at)
      VALUES (${subject}, ${token}, clock_timestamp() + ${millis}::float8 * interval '1 millisecond')
      ON CONFLICT (subject) DO UPDATE SET token = excluded.token, expires_at = excluded.expires_at
      WHERE held.expires_at <= clock_timestamp()
      RETURNING 1`
    if (taken.length > 0) return 0
    const [holder] = yield* sql<{ readonly leftMillis: number }>`
      SELECT ${left(sql)} AS "leftMillis" FROM sharing_leases WHERE subject = ${subject}`
    // Given back in between, it is there for whoever asks next.
    return Math.max(1, holder?.leftMillis ?? 1)
  })

  return {
    publish: (notice) => Effect.asVoid(orAway(publish(notice))),
    kept: orAway(kept),
    notices: received.pipe(
      Stream.map(({ payload }) => payload),
      Stream.mapError(awayOf)
    ),
    acquire: (subject, token, millis) => orAway(acquire(subject, token, millis)),
    release: (subject, token) =>
      Effect.asVoid(orAway(sql`DELETE FROM sharing_leases WHERE subject = ${subject} AND token = ${token}`))
  }
}

const left = (sql: PgClient.PgClient) => sql`(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8`

const orAway = <A>(self: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, StoreAway> =>
  Effect.mapError(self, awayOf)

/** What kind of trouble it is, and its code; the message may name the address. */
const awayOf = (error: SqlError.SqlError | DatabaseError): StoreAway => {
  const { code, reason } = SqlError.isSqlError(error) ? fromSqlError(error) : error
  return new StoreAway({ reason: code === undefined ? reason : `${reason} (${code})` })
}
