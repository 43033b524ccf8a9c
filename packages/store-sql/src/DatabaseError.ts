/** Why the database cannot be used, in words for the person who must repair it. Never with a password in it. */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as SqlError from "effect/sql/SqlError"

/**
 * - `Invalid`: the connection URL cannot be read, or asks for what there is not.
 * - `InUse`: another process works in the data directory.
 * - `Unusable`: the data directory cannot be opened: damaged, of another version, or not ours to write.
 * - `Unreachable`: no connection, or no answer in time. Waiting may help.
 * - `Untrusted`: TLS is asked for, and the server has none, or a certificate that is not to be trusted. It was sent nothing.
 * - `Refused`: the server is there and does not do what we ask, such as a wrong password or a missing table.
 */
export const Reason = Schema.Literals(["Invalid", "InUse", "Unusable", "Unreachable", "Untrusted", "Refused"])
export type Reason = typeof Reason.Type

export class DatabaseError extends Schema.TaggedError<DatabaseError>()("DatabaseError", {
  reason: Reason,
  message: Schema.String,
  /** What the server calls it, by five characters (PostgreSQL manual, appendix A), or Node, where it has not answered. */
  code: Schema.optional(Schema.String),
  cause: Schema.optional(Schema.Defect())
}) {}

/** What the server or Node calls an error; see `DatabaseError`. */
export const codeOf = (error: SqlError.SqlError): string | undefined => {
  const { cause } = error.reason
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
}

/** Retells an error of the client: what passes by itself is `Unreachable`, what the server says to us is `Refused`. */
export const fromSqlError = (error: SqlError.SqlError): DatabaseError => {
  const { cause } = error.reason
  const code = codeOf(error)
  const distrust = distrustOf(error.message, code)
  const what = distrust ?? error.message.replace(/^Pg\w+: /, "")
  const why = cause instanceof Error && !what.includes(cause.message) ? `: ${cause.message}` : ""
  const isPassing = error.reason._tag === "ConnectionError" || passing.test(code ?? "")
  return new DatabaseError({
    reason: distrust !== undefined ? "Untrusted" : isPassing ? "Unreachable" : "Refused",
    message: `${what}${why}`,
    code,
    // Node hangs the certificate on its error, in a circle that no JSON takes.
    ...(distrust === undefined ? { cause: error } : {})
  })
}

/** No connection (class 08), no resources such as free connections (53), starting or stopping (57P), too slow (57014). */
const passing = /^(08|53|57P|57014)/

/** Why there is no TLS, if that is the problem: what Node calls the error (its manual, "X509 certificate error codes"). */
const distrustOf = (message: string, code = ""): string | undefined => {
  if (message.endsWith("Server refused TLS")) return "The database server has no TLS, which the URL asks for"
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return "The certificate of the database server is for another name than the host in the URL"
  }
  if (/^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY|CERT_UNTRUSTED|CERT_SIGNATURE)/.test(code)) {
    return "The certificate of the database server is of no authority that is trusted; sslrootcert in the URL names one"
  }
  if (/^(CERT_|CRL_|INVALID_|PATH_LENGTH_)/.test(code)) {
    return "The certificate of the database server is not valid"
  }
  return /^(EPROTO|ERR_SSL_|ERR_TLS_)/.test(code) ? "There is no agreement on TLS with the database server" : undefined
}
