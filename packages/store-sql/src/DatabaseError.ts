/** Why the database cannot be used, in words for the person who must repair it. Never with a password in it. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as SqlError from "effect/sql/SqlError"

/**
 * - `Invalid`: the connection URL cannot be read.
 * - `InUse`: another process works in the data directory.
 * - `Unusable`: the data directory cannot be opened: damaged, of another version, or not ours to write.
 * - `Unreachable`: no connection, or no answer in time. Waiting may help.
 * - `Refused`: the server is there and does not do what we ask, such as a wrong password or a missing table.
 */
export const Reason = Schema.Literals(["Invalid", "InUse", "Unusable", "Unreachable", "Refused"])
export type Reason = typeof Reason.Type

export class DatabaseError extends Schema.TaggedError<DatabaseError>()("DatabaseError", {
  reason: Reason,
  message: Schema.String,
  /** The server's own code, where it answered. */
  sqlState: Schema.optional(Schema.String),
  cause: Schema.optional(Schema.Defect())
}) {}

/** The five characters with which PostgreSQL names an error (PostgreSQL manual, appendix A). */
export const sqlStateOf = (error: SqlError.SqlError): string | undefined => {
  const { cause } = error.reason
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
}

/** Retells an error of the client: what passes by itself is `Unreachable`, what the server says to us is `Refused`. */
export const fromSqlError = (error: SqlError.SqlError): DatabaseError => {
  const { cause } = error.reason
  const sqlState = sqlStateOf(error)
  const what = error.message.replace(/^Pg\w+: /, "")
  const why = cause instanceof Error && !what.includes(cause.message) ? `: ${cause.message}` : ""
  return new DatabaseError({
    reason: error.reason._tag === "ConnectionError" || isPassing(sqlState) ? "Unreachable" : "Refused",
    message: `${what}${why}`,
    sqlState,
    cause: error
  })
}

/** No connection (class 08), no resources such as free connections (53), starting or stopping (57P). */
const isPassing = (sqlState: string | undefined): boolean => /^(08|53|57P)/.test(sqlState ?? "")
