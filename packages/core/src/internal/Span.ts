/** A finite duration of zero or more; written as text such as `"30 seconds"` in configuration. */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

export const Span = Schema.DurationFromString.check(
  Schema.makeFilter((duration: Duration.Duration) => {
    const millis = Duration.toMillis(duration)
    return (
      (millis >= 0 && Number.isFinite(millis)) ||
      `expected a duration of zero or more, got ${Duration.format(duration)}`
    )
  })
)
