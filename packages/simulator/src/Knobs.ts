/** The numbers of a policy that decide most in a storm, with values that are worth a try. Pure. */
import * as Policy from "@holdfast/core/Policy"

/** Numbers to put in place of a policy's, as a configuration writes them: `{ "retry.maxRetries": 2 }`. */
export type Changes = Readonly<Record<string, number | string | boolean>>

export interface Knob {
  /** As a configuration writes it. */
  readonly path: string
  readonly values: ReadonlyArray<number | string | boolean>
  readonly apply: (value: never) => (policy: Policy.Policy) => Policy.Policy
}

const seconds = (count: number) => `${count} seconds` as const

const knob = <Value extends number | string | boolean>(
  path: string,
  values: ReadonlyArray<Value>,
  apply: (value: Value) => (policy: Policy.Policy) => Policy.Policy
): Knob => ({ path, values, apply })

/** All of them, in the order of a policy's parts. */
export const all: ReadonlyArray<Knob> = [
  knob("retry.maxRetries", [0, 1, 2, 3, 5], (maxRetries: number) => Policy.retry({ maxRetries })),
  knob("retry.base", ["250 millis", "500 millis", "1 second", "2 seconds"] as const, (base) => Policy.retry({ base })),
  knob("retry.maxDelay", [4, 8, 20, 60].map(seconds), (maxDelay) => Policy.retry({ maxDelay })),
  knob("retry.patience", [2, 5, 15, 60].map(seconds), (patience) => Policy.retry({ patience })),
  knob("budget.maxAttempts", [2, 4, 6, 10], (maxAttempts: number) => Policy.budget({ maxAttempts })),
  knob("breaker.consecutiveFailures", [3, 5, 10, 20], (consecutiveFailures: number) =>
    Policy.breaker({ consecutiveFailures })
  ),
  knob("breaker.open", [5, 10, 30, 60].map(seconds), (open) => Policy.breaker({ open })),
  knob("breaker.openMax", [15, 30, 60, 120].map(seconds), (openMax) => Policy.breaker({ openMax })),
  knob("bulkhead.maxConcurrent", [16, 32, 64, 128, 256], (maxConcurrent: number) => Policy.bulkhead({ maxConcurrent })),
  knob("bulkhead.queueTimeout", [1, 2, 5, 15].map(seconds), (queueTimeout) => Policy.bulkhead({ queueTimeout })),
  knob("clocks.firstContent", [4, 7, 10, 20, 30].map(seconds), (firstContent) => Policy.clocks({ firstContent })),
  knob("clocks.plainAttempt", [8, 15, 30, 45, 60].map(seconds), (plainAttempt) => Policy.clocks({ plainAttempt })),
  knob("hedge.enabled", [true, false], (enabled: boolean) => Policy.hedge({ enabled })),
  knob("throttle.enabled", [true, false], (enabled: boolean) => Policy.throttle({ enabled })),
  knob("stream.onFailure", ["surface", "continue"] as const, (onFailure) => Policy.stream({ onFailure }))
]

/** The policy with the changes; `undefined` where they are impossible together. */
export const applied = (policy: Policy.Policy, changes: Changes): Policy.Policy | undefined => {
  try {
    return all.reduce((changed, { apply, path }) => {
      const value = changes[path]
      // Values come from the knob's own list.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return value === undefined ? changed : apply(value as never)(changed)
    }, policy)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
