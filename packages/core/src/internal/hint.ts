/** The wait a provider named, where it can be kept: one without end is no answer to "when". */
import * as Duration from "effect/Duration"

/** The wait in milliseconds, or `undefined` when none was named that ends. */
export const hintMillis = (retryAfter: Duration.Duration | undefined): number | undefined =>
  retryAfter !== undefined && Duration.isFinite(retryAfter) ? Duration.toMillis(retryAfter) : undefined
