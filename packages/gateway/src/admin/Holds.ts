/**
 * Holds that people have put on circuits, with who and why, and a list of what people have done. They belong to this layer:
 * they end with the process, whose circuits start anew.
 */
import * as CircuitBreaker from "@holdfast/core/CircuitBreaker"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Routes from "../Routes.ts"
import type * as Model from "./Model.ts"

/** Actions that are remembered. */
const keptActions = 500

/** Who does something, and why. */
export interface Said {
  readonly by: string
  readonly reason: string
}

export class Holds extends Context.Service<
  Holds,
  {
    /** Puts a hold; `undefined` if there is no such circuit. */
    readonly put: (
      hold: Said & { readonly circuit: string; readonly mode: Model.HoldMode; readonly drain: boolean }
    ) => Effect.Effect<Model.Hold | undefined>
    /** Takes one away; `undefined` if there is none with this id. */
    readonly release: (id: string, said: Said) => Effect.Effect<Model.Hold | undefined>
    readonly list: Effect.Effect<ReadonlyArray<Model.Hold>>
    /** Writes down what somebody has done: here, and in the log. */
    readonly note: (action: Omit<Model.Action, "at">) => Effect.Effect<void>
    /** Latest first. */
    readonly actions: Effect.Effect<ReadonlyArray<Model.Action>>
  }
>()("@holdfast/gateway/admin/Holds") {}

export const make = Effect.gen(function* () {
  const breaker = yield* CircuitBreaker.CircuitBreaker
  const routes = yield* Routes.Routes
  const lanes = new Set(routes.lanes.map((lane) => lane.id))
  const held = new Map<string, { readonly hold: Model.Hold; readonly free: Effect.Effect<void> }>()
  const actions: Array<Model.Action> = []
  let sequence = 0

  const note = Effect.fnUntraced(function* (action: Omit<Model.Action, "at">) {
    actions.unshift({ ...action, at: yield* Clock.currentTimeMillis })
    actions.length = Math.min(actions.length, keptActions)
    yield* Effect.logWarning(`${action.by}: ${action.action} ${action.target} (${action.reason})`).pipe(
      Effect.annotateLogs({ logger: "admin", ...action })
    )
  })

  const isKnown = (circuit: string) =>
    Effect.map(breaker.list, (circuits) => lanes.has(circuit) || circuits.some((one) => one.circuit === circuit))

  return Holds.of({
    put: ({ by, circuit, drain, mode, reason }) =>
      Effect.uninterruptible(
        Effect.gen(function* () {
          if (!(yield* isKnown(circuit))) return undefined
          const since = yield* Clock.currentTimeMillis
          const free = yield* breaker.hold(circuit, mode, reason)
          sequence += 1
          const hold: Model.Hold = { id: `${since.toString(36)}-${sequence}`, circuit, mode, reason, by, since, drain }
          held.set(hold.id ?? "", { hold, free })
          yield* note({ by, action: drain ? "drain" : "hold", target: `${circuit} ${mode}`, reason })
          return hold
        })
      ),
    release: (id, { by, reason }) =>
      Effect.uninterruptible(
        Effect.gen(function* () {
          const found = held.get(id)
          if (found === undefined) return undefined
          held.delete(id)
          yield* found.free
          yield* note({ by, action: "release", target: `${found.hold.circuit} ${found.hold.mode}`, reason })
          return found.hold
        })
      ),
    list: Effect.sync(() => [...held.values()].map(({ hold }) => hold)),
    note,
    actions: Effect.sync(() => [...actions])
  })
})

export const layer: Layer.Layer<Holds, never, CircuitBreaker.CircuitBreaker | Routes.Routes> = Layer.effect(Holds, make)
