/** A behaviour as data, and the verdict on a library that is put through it. */
import { Data, Effect, Random, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { CannotExpress, Subject } from "./Subject.ts"

/** Whose documentation or tests a behaviour was read from. */
export const sources = {
  AW: "AWS SDK for JavaScript",
  CK: "cockatiel",
  EF: "effect",
  EN: "Envoy",
  FG: "failsafe-go",
  FI: "Finagle",
  GR: "gRPC proposal A6",
  PO: "Polly",
  R4: "resilience4j"
} as const

/** What the library did instead. */
export class Deviates extends Data.TaggedError("Deviates")<{ readonly reason: string }> {}

export interface Behaviour {
  readonly number: number
  readonly given: string
  readonly when: string
  readonly then: string
  readonly sources: ReadonlyArray<keyof typeof sources>
  readonly run: (subject: Subject) => Effect.Effect<void, Deviates | CannotExpress, Scope.Scope>
}

export type Verdict =
  | { readonly result: "pass" }
  | { readonly result: "fail"; readonly reason: string }
  | { readonly result: "cannot express"; readonly reason: string }

/** Goes on if the claim holds; `otherwise` says what was seen instead. */
export const check = (claim: boolean, otherwise: string): Effect.Effect<void, Deviates> =>
  claim ? Effect.void : Effect.fail(new Deviates({ reason: otherwise }))

/** Runs something on a library: on virtual time of its own, and with the same chance each time. */
export const onVirtualTime = <A, E>(
  subject: Subject,
  run: (subject: Subject) => Effect.Effect<A, E, Scope.Scope>
): Effect.Effect<A, E> =>
  subject.install.pipe(
    Effect.andThen(Effect.suspend(() => run(subject))),
    Effect.scoped,
    Random.withSeed("conformance"),
    Effect.provide(TestClock.layer(), { local: true })
  )

export const judge = (subject: Subject, behaviour: Behaviour): Effect.Effect<Verdict> =>
  onVirtualTime(subject, behaviour.run).pipe(
    Effect.as<Verdict>({ result: "pass" }),
    Effect.catchTags({
      CannotExpress: ({ reason }): Effect.Effect<Verdict> => Effect.succeed({ result: "cannot express", reason }),
      Deviates: ({ reason }): Effect.Effect<Verdict> => Effect.succeed({ result: "fail", reason })
    })
  )
