/** What every lane does with a server of its wire format, whoever wrote the server. */
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Failure } from "@holdfast/core"
import { Cause, Effect, Exit } from "effect"
import { answers } from "./answers.ts"
import { refusals } from "./refusals.ts"
import * as Relay from "./Relay.ts"
import type { Behaviour, Host } from "./Scene.ts"
import type { Subject } from "./Subject.ts"

const behaviours = { ...answers, ...refusals } as const satisfies { readonly [name: string]: Behaviour }

type BehaviourName = keyof typeof behaviours

/** Behaviours that a server cannot show, and why. */
export type Gaps = { readonly [Name in BehaviourName]?: string }

/**
 * Holds the lane to the contract. A gap is run as well and must show, so that a server that has learned better gets its
 * line taken out of the list.
 */
export const holds = (subject: Subject, host: Host, gaps: Gaps): void => {
  describe(`${subject.name} at ${host.name}`, () => {
    for (const [name, behaviour] of Object.entries<Behaviour>(behaviours)) {
      const gap = Object.entries(gaps).find(([of]) => of === name)?.[1]
      const play = Effect.gen(function* () {
        const relay = yield* Relay.make(yield* host.open(behaviour.scene))
        const lane = yield* subject.lane(relay.origin)
        yield* behaviour.prove({ subject, lane, text: lane.text!, relay })
      }).pipe(Effect.scoped, Effect.provide(NodeHttpClient.layerUndici), Effect.timeout("5 seconds"))
      if (gap === undefined) it.live(name, () => play)
      else {
        it.live(`${name}: not here, because ${gap}`, () =>
          Effect.map(Effect.exit(play), (exit) =>
            assert.isTrue(isGap(exit), "the gap is closed, or something else broke")
          )
        )
      }
    }
  })
}

/** The answer was not as it should be, or there was none: a claim failed, or the lane did. */
const isGap = (exit: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const error = Cause.squash(exit.cause)
  return Failure.isFailure(error) || (error instanceof Error && error.name === "AssertionError")
}
