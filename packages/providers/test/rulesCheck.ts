/** One row of a table of payloads: what is sent, and the verdict it must give. */
import type * as Failure from "@holdfast/core/Failure"
import * as Classifier from "@holdfast/providers/Classifier"
import { assert, it } from "@effect/vitest"

/** The class, then only what the row is about besides. */
export interface Expected {
  readonly class: Failure.Class
  readonly retryable?: boolean
  readonly failover?: boolean
}

export const check = (title: string, evidence: Classifier.Evidence, expected: Expected): void =>
  it(`${title}: ${expected.class}`, () => {
    const verdict = Classifier.classify(evidence)
    const got: Expected = {
      class: verdict.class,
      ...(expected.retryable === undefined ? {} : { retryable: verdict.retryable }),
      ...(expected.failover === undefined ? {} : { failover: verdict.failover })
    }
    assert.deepStrictEqual(got, expected, `decided by ${verdict.rule}`)
  })

/** An answer that is not 2xx. */
export const http = (
  provider: string,
  status: number,
  body?: unknown,
  headers?: { readonly [name: string]: string }
): Classifier.Evidence => ({ provider, kind: "http", status, body, headers })
