/**
 * The connection: a PostgreSQL server by URL, or PGlite in this process with its data in a directory. Both speak the same
 * protocol through `@effect/sql-pg`, so what is built on top does not know which it has. Connections belong to the layer.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import { type DatabaseError, fromSqlError } from "./DatabaseError.ts"
import * as Embedded from "./internal/Embedded.ts"
import * as ServerUrl from "./internal/ServerUrl.ts"

/** What the layers provide. */
export type Database = PgClient.PgClient | SqlClient.SqlClient

export interface EmbeddedOptions {
  /** Where the data is kept; made if it is not there. In memory without one, and gone when the layer closes. */
  readonly directory?: string | undefined
}

/**
 * PGlite in a thread of this process. It serves one statement at a time over one connection: a transaction, a stream or a
 * listener keeps everyone else waiting. Closing the layer closes the database cleanly.
 *
 * Fails with `InUse` while another process has the directory, and with `Unusable` if it cannot be opened.
 */
export const layerEmbedded = (
  options: EmbeddedOptions = {}
): Layer.Layer<Database, DatabaseError, FileSystem.FileSystem> =>
  PgClient.layerFrom(
    Effect.flatMap(Embedded.start(options.directory), (path) =>
      Effect.mapError(
        PgClient.make({
          path,
          username: "postgres",
          database: "postgres",
          applicationName,
          maxConnections: 1,
          // Every connection reaches the same session, where names of statements would pile up.
          prepare: false
        }),
        fromSqlError
      )
    )
  )

export interface UrlOptions {
  /** Default 5. */
  readonly maxConnections?: number | undefined
  /** Default: what the URL says (`connect_timeout`), else 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** A statement that takes longer is ended by the server; migrations may take their time. Default 30 seconds. */
  readonly statementTimeout?: Duration.Input | undefined
}

/**
 * A server, by a URL such as `postgres://user:password@host:5432/name?sslmode=require`. Connects when it is first used:
 * a server that is away, or is not trusted, fails statements, not this layer. Fails with `Invalid` if the URL cannot be read
 * or used.
 *
 * **Details**
 *
 * TLS is what `sslmode` says, `disable` without one. `require` and `verify-full` ask for a certificate of an authority that
 * is known, for the name of the host; `verify-ca` does not look at the name. `sslrootcert` names a file with the only
 * authorities to trust, `sslcert` and `sslkey` a certificate of our own; files are read once, by this layer. No TLS, or a
 * certificate that is not trusted, is `Untrusted`: nothing is ever sent without, neither is a password.
 */
export const layerUrl = (url: Redacted.Redacted, options: UrlOptions = {}): Layer.Layer<Database, DatabaseError> =>
  PgClient.layerFrom(
    Effect.gen(function* () {
      const server = yield* ServerUrl.read(url)
      return yield* Effect.mapError(
        PgClient.make({
          ...server,
          applicationName,
          maxConnections: options.maxConnections ?? 5,
          connectTimeout: options.connectTimeout,
          startupParameters: {
            statement_timeout: String(Duration.toMillis(options.statementTimeout ?? "30 seconds"))
          },
          keepAlive: "30 seconds"
        }),
        fromSqlError
      )
    })
  )

export interface Options extends UrlOptions {
  /** A server. Without it the database is embedded. */
  readonly url?: Redacted.Redacted | undefined
  /** Where this program keeps its data; the embedded database is in `postgres` below it. */
  readonly dataDirectory: string
}

/** The server if there is a URL, else the embedded database. */
export const layer = (options: Options): Layer.Layer<Database, DatabaseError, FileSystem.FileSystem> =>
  options.url === undefined
    ? layerEmbedded({ directory: `${options.dataDirectory}/postgres` })
    : layerUrl(options.url, options)

/** Asks the database for an answer: succeeds if it gives one, else says in plain words what is wrong. */
export const check: Effect.Effect<void, DatabaseError, SqlClient.SqlClient> = SqlClient.SqlClient.use((sql) =>
  sql`SELECT 1`.pipe(Effect.asVoid, Effect.mapError(fromSqlError))
)

const applicationName = "holdfast"
