/** How the alerts are in a few numbers, for whoever looks at something else; and when it is worth asking for all of them. */
import * as Alerts from "@holdfast/telemetry/alerts/Alerts"
import * as Effect from "effect/Effect"
import type * as Model from "./Model.ts"

/** The numbers now. `revision` is counted by this layer: it goes up when it is found that something is different. */
export const make: Effect.Effect<{ readonly now: Effect.Effect<Model.AlertSummary> }, never, Alerts.Alerts> =
  Alerts.Alerts.useSync((alerts) => {
    let seen = ""
    let revision = 0
    const now = Effect.gen(function* () {
      const [list, silences, deliveries] = yield* Effect.all([alerts.list, alerts.silences, alerts.deliveries])
      // Words say how long ago something was, and so are never the same.
      const text = JSON.stringify([list.map(({ words: _, ...alert }) => alert), silences, deliveries])
      if (text !== seen) revision += 1
      seen = text
      const firing = list.filter(({ phase }) => phase === "firing")
      const silenced = firing.filter(({ silence }) => silence !== undefined).length
      return {
        firing: firing.length - silenced,
        silenced,
        pending: list.filter(({ phase }) => phase === "pending").length,
        failing: deliveries.filter(({ failing }) => failing !== undefined).length,
        revision
      }
    })
    return { now }
  })
