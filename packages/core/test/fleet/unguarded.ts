/** No guards but three retries at once, as a client is written in a hurry. The same clocks as everybody else. */
import { Effect } from "effect"
import { Policy } from "@holdfast/core"
import type { Guard } from "./Fleet.ts"

const { plainAttempt, total } = Policy.standard.clocks

export const unguarded: Guard = {
  name: "no guards, 3 retries at once",
  client: (client, [provider]) =>
    Effect.succeed(
      provider!
        .call(client, false)
        .pipe(
          Effect.timeout(plainAttempt),
          Effect.retry({ times: 3 }),
          Effect.timeout(total),
          Effect.as(provider!.name)
        )
    )
}
