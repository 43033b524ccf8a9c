/** The health of a lane in one word, from its success rate. */
import * as Schema from "effect/Schema"

export const HealthStatus = Schema.Literals(["idle", "healthy", "degraded", "unhealthy"])
export type HealthStatus = typeof HealthStatus.Type

/** At or above this success rate a lane is healthy. */
export const healthyRate = 0.95

/** At or above this success rate, but below `healthyRate`, a lane is degraded. */
export const degradedRate = 0.8

/** The status of a lane with `calls` recent calls, `successes` of them good. No calls: idle, which is not unhealthy. */
export const of = (calls: number, successes: number): HealthStatus => {
  if (calls === 0) return "idle"
  const rate = successes / calls
  return rate >= healthyRate ? "healthy" : rate >= degradedRate ? "degraded" : "unhealthy"
}
