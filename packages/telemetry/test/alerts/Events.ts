/** Events as the pipeline publishes them, with what a test does not care about filled in. */
import type { Event } from "@holdfast/core"
import type { Watch } from "@holdfast/telemetry"

const lane = (id: string) => {
  const [provider = "", model = ""] = id.split("/")
  return { lane: id, provider, model, credential: provider }
}

export const route = (name: string, ...lanes: ReadonlyArray<string>): Watch.Route => ({
  name,
  lanes: lanes.map((id) => ({ id, ...lane(id) }))
})

let id = 0
const base = (at: number) => ({ id: `e${(id += 1)}`, at })

export const attempt = (
  at: number,
  of: string,
  result: Event.Result,
  more: { readonly usd?: number; readonly rule?: string } = {}
): Event.Event => ({
  _tag: "AttemptEnded",
  ...base(at),
  operation: "o",
  route: "chat",
  ...lane(of),
  kind: "text",
  attempt: 1,
  startedAt: at,
  durationMillis: 0,
  result,
  ...more
})

export const operation = (
  at: number,
  route: string,
  result: Event.Result,
  more: Partial<typeof Event.OperationEnded.Type> = {}
): Event.Event => ({
  _tag: "OperationEnded",
  ...base(at),
  operation: "o",
  route,
  kind: "text",
  result,
  attempts: 1,
  durationMillis: 0,
  degraded: false,
  ...more
})

export const circuit = (
  at: number,
  circuit: string,
  to: "open" | "half-open" | "closed",
  more: Partial<typeof Event.CircuitChanged.Type> = {}
): Event.Event => ({
  _tag: "CircuitChanged",
  ...base(at),
  circuit,
  from: to === "open" ? "closed" : to === "half-open" ? "open" : "half-open",
  to,
  reason: "ServiceUnavailable",
  failures: 5,
  ...more
})

export const cooling = (at: number, of: string, untilMillis: number): Event.Event => ({
  _tag: "LaneCooling",
  ...base(at),
  ...lane(of),
  reason: "RateLimit",
  untilMillis
})

export const health = (at: number, of: string, to: "healthy" | "degraded" | "unhealthy"): Event.Event => ({
  _tag: "HealthChanged",
  ...base(at),
  ...lane(of),
  from: "idle",
  to,
  successRate: 0.5
})

export const sharing = (at: number, to: "local" | "shared"): Event.Event => ({
  _tag: "SharingChanged",
  ...base(at),
  to,
  reason: "test"
})

export const cacheStore = (at: number, available: boolean): Event.Event => ({
  _tag: "CacheStoreChanged",
  ...base(at),
  available,
  reason: "test"
})

export const journal = (at: number, to: "current" | "behind" | "full" | "failing"): Event.Event => ({
  _tag: "JournalChanged",
  ...base(at),
  to,
  records: 7,
  bytes: 700,
  dropped: 0,
  reason: "test"
})

export const delivery = (at: number, works: boolean): Event.Event => ({
  _tag: "AlertDeliveryChanged",
  ...base(at),
  delivery: "ops",
  works,
  reason: "503",
  waiting: 1
})
