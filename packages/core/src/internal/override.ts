/** Options laid over settings: durations in any form, absent ones left alone, impossible ones refused by name. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** Settings as a caller writes them: any of them, with durations such as `"2 seconds"`. */
export type Options<Settings> = {
  readonly [Key in keyof Settings]?:
    | (NonNullable<Settings[Key]> extends Duration.Duration ? Duration.Input : Settings[Key])
    | undefined
}

/** The settings with the options in place. Throws a `RangeError` that names the option and what is wrong with it. */
export const override = <Settings extends object>(
  name: string,
  schema: Schema.Codec<Settings, unknown>,
  settings: Settings,
  options: { readonly [Key in keyof Settings]?: unknown }
): Settings => {
  const merged: Record<string, unknown> = Object.fromEntries(Object.entries(settings))
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue
    // A setting without a default is told to be a duration by how it is written.
    const isDuration = Duration.isDuration(merged[key]) || (merged[key] === undefined && typeof value === "string")
    merged[key] = isDuration ? durationOf(name, key, value) : value
  }
  return validate(name, schema, merged)
}

/** The value, if it satisfies the schema. Throws a `RangeError` that names the option and what is wrong with it. */
export const validate = <Settings>(name: string, schema: Schema.Codec<Settings, unknown>, value: unknown): Settings => {
  const result = Schema.decodeUnknownResult(Schema.toType(schema), { onExcessProperty: "error", reportInput: true })(
    value
  )
  if (Result.isSuccess(result)) return result.success
  throw new RangeError(`${name}: ${result.failure.message}`)
}

const isInput = (value: unknown): value is Duration.Input =>
  typeof value === "string" ||
  typeof value === "number" ||
  typeof value === "bigint" ||
  (typeof value === "object" && value !== null)

const durationOf = (name: string, key: string, value: unknown): Duration.Duration => {
  const duration = isInput(value) ? Option.getOrUndefined(Duration.fromInput(value)) : undefined
  if (duration === undefined) throw new RangeError(`${name}: ${key} is not a duration: ${String(value)}`)
  return duration
}
