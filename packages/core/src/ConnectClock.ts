/**
 * The clock of the connection. Only a client knows when it has one, so the client keeps this clock: routes tell it how long
 * it may take, for each call, and it fails with what the classifier reads as a `Timeout` of the phase `connect`.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

/** How long a connection to a provider may take, with its TLS. Default 10 seconds. */
export const Limit = Context.Reference<Duration.Duration>("@holdfast/core/ConnectClock/Limit", {
  defaultValue: () => Duration.seconds(10)
})
