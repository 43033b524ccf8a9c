/**
 * One line of a corpus of labelled provider errors, and what a classifier makes of it: the form that `pnpm corpus` and
 * `holdfast classify` read and write. `id`, `note`, `source` and the labels never reach a classifier.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** The verdict a correct classifier gives. */
const Expected = Schema.Struct({
  category: Schema.String,
  retryable: Schema.Boolean,
  retryAfterMs: Schema.NullOr(Schema.Finite),
  failover: Schema.Boolean
})

export const Case = Schema.Struct({
  id: Schema.String,
  provider: Schema.String,
  kind: Schema.Literals(["http", "response-200", "stream", "sdk", "transport"]),
  status: Schema.optional(Schema.NullOr(Schema.Finite)),
  headers: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
  body: Schema.optional(Schema.Unknown),
  sdkError: Schema.optional(Schema.Unknown),
  event: Schema.optional(Schema.NullOr(Schema.String)),
  now: Schema.optional(Schema.NullOr(Schema.String)),
  expected: Schema.optional(Expected),
  ambiguousWith: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))),
  adversarial: Schema.optional(Schema.NullOr(Schema.Boolean)),
  observed: Schema.optional(Schema.NullOr(Schema.Boolean))
})
export type Case = typeof Case.Type

/** One line as text to a case. Fails with a `SchemaError` that names the field at fault. */
export const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Case))

/** What a classifier may see of a case; the shape of `Classifier.Evidence` of `@holdfast/providers`. */
export interface Evidence {
  readonly provider: string
  readonly kind: Case["kind"]
  readonly status: number | null | undefined
  readonly headers: { readonly [name: string]: unknown } | undefined
  readonly body: unknown
  readonly event: string | undefined
  readonly error: unknown
  readonly now: number | undefined
}

export const toEvidence = (line: Case): Evidence => ({
  provider: line.provider,
  kind: line.kind,
  status: line.status,
  headers: line.headers ?? undefined,
  body: line.body,
  event: line.event ?? undefined,
  error: line.sdkError,
  now: line.now === undefined || line.now === null ? undefined : instant(line.now)
})

const instant = (text: string): number | undefined =>
  Option.getOrUndefined(Option.map(DateTime.make(text), DateTime.toEpochMillis))

/** The answer to one case, one JSON object a line. */
export const Answer = Schema.Struct({
  id: Schema.String,
  category: Schema.String,
  retryable: Schema.Boolean,
  retryAfterMs: Schema.NullOr(Schema.Finite),
  failover: Schema.Boolean,
  rule: Schema.String
})
export type Answer = typeof Answer.Type
