/** Reading a request body that may be anything. */
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

/** Undefined for text that is not JSON. */
export const parse = (text: string): unknown =>
  Option.getOrUndefined(Schema.decodeOption(Schema.fromJsonString(Schema.Unknown))(text))

export const field = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

export const text = (value: unknown, name: string): string | undefined => {
  const found = field(value, name)
  return typeof found === "string" ? found : undefined
}

export const list = (value: unknown, name: string): ReadonlyArray<unknown> => {
  const found = field(value, name)
  return Array.isArray(found) ? found : []
}

/** Why a body does not fit, and the path of the field that does not. Neither repeats what the field held. */
export interface Misfit {
  readonly message: string
  readonly param: string | undefined
}

const misfits = SchemaIssue.makeFormatterStandardSchemaV1()

export const decode = <S extends Schema.Codec<unknown, unknown>>(
  schema: S,
  body: unknown
): Result.Result<S["Type"], Misfit> =>
  Result.mapError(Schema.decodeUnknownResult(schema)(body), (error) => {
    const first = misfits(error.issue).issues[0]
    const param = first?.path?.map(String).join(".")
    return { message: `Invalid request: ${first?.message ?? "unreadable"}`, param: param === "" ? undefined : param }
  })
