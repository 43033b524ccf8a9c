/**
 * What is known of each library: the behaviours it fails, and those it has nothing for. A test fails when a run says
 * otherwise, for better or worse; then this list and `docs/conformance.md` are due.
 */
import type { Subject } from "./Subject.ts"

interface Known {
  readonly fails: ReadonlyArray<number>
  readonly lacks: ReadonlyArray<number>
}

export const expected: { readonly [Name in Subject["name"]]: Known } = {
  holdfast: {
    fails: [],
    lacks: []
  },
  cockatiel: {
    fails: [3, 4, 6, 10, 12, 13, 18, 19, 20, 21, 28, 30, 31, 32],
    lacks: [7, 8, 9, 26, 27, 29, 33, 34, 35, 36, 37, 39]
  },
  opossum: {
    fails: [3, 10, 18, 19, 20, 21, 22, 30],
    lacks: [1, 7, 8, 9, 12, 13, 14, 15, 16, 17, 24, 25, 26, 27, 28, 29, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]
  },
  effect: {
    fails: [20, 30, 33, 37],
    lacks: [4, 5, 6, 7, 8, 9, 12, 13, 14, 24, 25, 26, 28, 31, 34, 35, 36, 39]
  }
}
