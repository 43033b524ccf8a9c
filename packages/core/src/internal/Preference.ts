/**
 * Which lane an operation asks first: the healthiest, but for every now and then the route's own first one, so that a lane
 * that is ranked low for its past can show that it is well again. Synchronous, owned by one service.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as FallbackPlan from "../FallbackPlan.ts"
import type * as HealthStatus from "../HealthStatus.ts"
import type * as Lane from "../Lane.ts"

type Lanes = NonEmptyReadonlyArray<Lane.Lane>

/** Operations that pass the preferred lane by before one asks it all the same. */
const passedBy = 19

/** It is asked again after this time in any case, in milliseconds: where there is little traffic the twentieth is far. */
const passedMillis = 10_000

export class Preference {
  readonly #standing: (lane: Lane.Lane, now: number) => HealthStatus.HealthStatus
  /** By the preferred lane: since when, and by how many operations, it has been passed by. */
  readonly #passed = new WeakMap<Lane.Lane, { since: number; count: number }>()

  constructor(standing: (lane: Lane.Lane, now: number) => HealthStatus.HealthStatus) {
    this.#standing = standing
  }

  /** The lanes in the order of their health, the given order kept within each status. */
  byHealth(lanes: Lanes, now: number): Lanes {
    const [first, ...rest] = FallbackPlan.order(lanes, (lane) => this.#standing(lane, now))
    return first === undefined ? lanes : [first, ...rest]
  }

  /** The lanes in the order in which an operation should ask them. */
  order(lanes: Lanes, now: number): Lanes {
    const ordered = this.byHealth(lanes, now)
    const [preferred] = lanes
    if (ordered[0] === preferred) return ordered
    const passed = this.#passed.get(preferred)
    if (passed === undefined) {
      this.#passed.set(preferred, { since: now, count: 1 })
      return ordered
    }
    // A clock that was set back must not keep it waiting.
    if (passed.count < passedBy && Math.abs(now - passed.since) < passedMillis) {
      passed.count += 1
      return ordered
    }
    passed.since = now
    passed.count = 0
    return lanes
  }
}
