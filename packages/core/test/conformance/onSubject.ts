/** Runs a scenario of the regression tests on a library; where the library cannot express it, the test is skipped. */
import { Effect, type Scope } from "effect"
import { type Deviates, onVirtualTime } from "./Behaviour.ts"
import type { CannotExpress, Subject } from "./Subject.ts"

/** The part of Vitest's test context that is used here. */
interface TestContext {
  readonly skip: (note?: string) => never
}

export const onSubject = <A>(
  context: TestContext,
  subject: Subject,
  scenario: (subject: Subject) => Effect.Effect<A, Deviates | CannotExpress, Scope.Scope>
): Effect.Effect<A, Deviates> =>
  onVirtualTime(subject, scenario).pipe(
    Effect.catchTag("CannotExpress", ({ reason }) => Effect.sync(() => context.skip(reason)))
  )
