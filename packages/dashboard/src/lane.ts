/** What is to be said about a lane, and how urgent it is. */
import type { Circuit, Lane } from "@holdfast/gateway/admin/Model"
import type { Tone } from "./parts/Status.tsx"

const circuitsOf = (lane: Lane): ReadonlyArray<Circuit> => [lane.circuit, ...lane.wider]

const holdsOf = (lane: Lane) => circuitsOf(lane).flatMap((circuit) => circuit.holds)

/** The circuit that keeps calls away from it, if one does. */
const openCircuit = (lane: Lane): Circuit | undefined => circuitsOf(lane).find(({ state }) => state === "open")

export const toneOf = (lane: Lane): Tone => {
  if (holdsOf(lane).length > 0) return "held"
  if (openCircuit(lane) !== undefined) return "down"
  if (lane.coolingUntil !== undefined || circuitsOf(lane).some(({ state }) => state === "half-open")) return "degraded"
  return lane.status === "healthy" ? "well" : lane.status === "unhealthy" ? "down" : lane.status
}

export const wordOf = (lane: Lane): string => {
  const holds = holdsOf(lane)
  if (holds.some(({ drain }) => drain)) return lane.running > 0 ? `Draining, ${lane.running} left` : "Drained"
  if (holds.some(({ mode }) => mode === "force-open")) return "Held open"
  if (holds.some(({ mode }) => mode === "force-closed")) return "Held closed"
  if (holds.length > 0) return "Observed"
  if (openCircuit(lane) !== undefined) return "Open"
  if (lane.coolingUntil !== undefined) return "Rate-limited"
  if (circuitsOf(lane).some(({ state }) => state === "half-open")) return "Probing"
  return { idle: "Idle", healthy: "Healthy", degraded: "Degraded", unhealthy: "Unhealthy" }[lane.status]
}

const urgency: Record<Tone, number> = { down: 0, held: 1, degraded: 2, well: 3, idle: 4 }

/** What needs a look first; else as they are configured. */
export const byUrgency = (lanes: ReadonlyArray<Lane>): ReadonlyArray<Lane> =>
  lanes.toSorted((a, b) => urgency[toneOf(a)] - urgency[toneOf(b)])

/** What the card says about the breaker, with `until` for a countdown. */
export const breakerOf = (lane: Lane): { readonly text: string; readonly until?: number | undefined } => {
  const open = openCircuit(lane)
  const name = open === undefined || open.circuit === lane.lane ? "" : ` (${open.circuit.split(":", 1)[0] ?? ""})`
  const holds = holdsOf(lane)
  const [hold] = holds
  if (hold !== undefined) return { text: `${holdWords[hold.mode]} by ${hold.by ?? "a person"}: ${hold.reason}` }
  if (open !== undefined) return { text: `open${name}, next probe`, until: open.probeAt }
  if (circuitsOf(lane).some(({ state }) => state === "half-open")) return { text: "half-open, a probe is out" }
  if (lane.coolingUntil !== undefined) return { text: "closed; cooling, calls again", until: lane.coolingUntil }
  return { text: lane.circuit.failures > 0 ? `closed, ${lane.circuit.failures} failed in a row` : "closed" }
}

export const holdWords = {
  "force-open": "held open",
  "force-closed": "held closed",
  observe: "only observed"
} as const
