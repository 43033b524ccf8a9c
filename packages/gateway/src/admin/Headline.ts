/** The state of everything in one sentence: what is wrong first, until when, and who answers meanwhile. Pure. */
import type * as Model from "./Model.ts"

export interface Input {
  readonly lanes: ReadonlyArray<
    Pick<
      Model.Lane,
      "lane" | "provider" | "status" | "calls" | "successRate" | "errors" | "circuit" | "wider" | "coolingUntil"
    >
  >
  readonly routes: ReadonlyArray<
    Pick<Model.Route, "route" | "lanes" | "operations" | "results" | "answers" | "degraded">
  >
  readonly store: Pick<Model.Store, "status" | "pending">
}

type Parts = Array<Model.Headline["parts"][number]>
type Lane = Input["lanes"][number]

export const of = (input: Input): Model.Headline => {
  const troubles = input.lanes.filter(isTroubled).toSorted((a, b) => weight(b) - weight(a))
  const dead = input.routes.filter(
    (route) => route.lanes.length > 0 && route.lanes.every((id) => isShut(input.lanes.find(({ lane }) => lane === id)))
  )
  const operations = sum(input.routes.map((route) => route.operations))
  const store = storeOf(input.store)
  const [worst, second, ...others] = troubles

  if (dead.length > 0) {
    const reopening = earliest(input.lanes.filter(({ lane }) => dead.some((route) => route.lanes.includes(lane))))
    const all = dead.length === input.routes.length
    return {
      tone: "down",
      parts: [
        `Down: no lane of ${all && dead.length > 1 ? "any route" : list(dead.map(({ route }) => route))} can be called`,
        ...(reopening === undefined ? [] : ["; the next probe is at ", { at: reopening }]),
        ...whyOf(troubles),
        ...store,
        "."
      ]
    }
  }
  const failing = failingRoute(input.routes)
  if (worst !== undefined || failing !== undefined || store.length > 0) {
    const parts: Parts = ["Degraded: "]
    if (worst !== undefined) parts.push(...troubleOf(worst, input))
    else if (failing !== undefined) parts.push(failing)
    else parts.push("every lane is well")
    if (second !== undefined && others.length === 0) parts.push("; ", ...troubleOf(second, input))
    else if (others.length > 0) parts.push(`; ${others.length + 1} more lanes are not well`)
    const cover = worst === undefined ? undefined : coverOf(worst, input)
    if (cover !== undefined) parts.push(`; ${cover}`)
    if (worst !== undefined && failing !== undefined) parts.push(`; ${failing}`)
    return { tone: "degraded", parts: [...parts, ...store, "."] }
  }
  const lanes = `${input.lanes.length} ${plural(input.lanes.length, "lane")}`
  if (operations === 0)
    return { tone: "idle", parts: [`Idle: nothing was asked in the last 5 minutes; ${lanes} ready.`] }
  const ok = sum(input.routes.map((route) => route.results["Success"] ?? 0))
  const counted = operations - sum(input.routes.map((route) => route.results["Cancelled"] ?? 0))
  const elsewhere = sum(input.routes.map((route) => route.degraded))
  return {
    tone: "well",
    parts: [
      `All well: ${percent(ok, counted)} of ${number(operations)} ${plural(operations, "operation")} in the last 5 minutes answered`,
      ...(elsewhere === 0 ? [] : [`, ${percent(elsewhere, ok)} of them by a fallback`]),
      `; ${lanes} ready.`
    ]
  }
}

/** The sentence as text, with instants written by `format`. */
export const toText = (headline: Model.Headline, format: (at: number) => string): string =>
  headline.parts.map((part) => (typeof part === "string" ? part : format(part.at))).join("")

const circuits = (lane: Lane): ReadonlyArray<Model.Circuit> => [lane.circuit, ...lane.wider]

const heldBy = (lane: Lane): Model.Hold | undefined => {
  const holds = circuits(lane).flatMap(({ holds }) => holds)
  return holds.find(({ mode }) => mode === "force-open") ?? holds.find(({ mode }) => mode === "force-closed")
}

/** No call goes there now. A hold that forces a circuit closed lets calls through whatever its state. */
const isShut = (lane: Lane | undefined): boolean => {
  if (lane === undefined) return false
  if (lane.coolingUntil !== undefined) return true
  return circuits(lane).some(({ holds, state }) => {
    if (holds.some(({ mode }) => mode === "force-open")) return true
    return state === "open" && holds.length === 0
  })
}

/** Few calls say too little. */
const minimumCalls = 20

const isTroubled = (lane: Lane): boolean =>
  isShut(lane) ||
  heldBy(lane) !== undefined ||
  circuits(lane).some(({ state }) => state !== "closed") ||
  (lane.calls >= minimumCalls && (lane.status === "degraded" || lane.status === "unhealthy"))

/** What a person has decided first, then what nobody can call, then what is merely poor. */
const weight = (lane: Lane): number =>
  (heldBy(lane) === undefined ? 0 : 8) +
  (isShut(lane) ? 4 : 0) +
  (circuits(lane).some(({ state }) => state !== "closed") ? 2 : 0) +
  (lane.status === "unhealthy" ? 1 : 0)

const troubleOf = (lane: Lane, input: Input): Parts => {
  const name = nameOf(lane, input)
  const hold = heldBy(lane)
  if (hold !== undefined) {
    const by = hold.by ?? "a person"
    if (hold.drain) return [`${name} is drained by ${by} (${hold.reason})`]
    return [`${name} is held ${hold.mode === "force-open" ? "open" : "closed"} by ${by} (${hold.reason})`]
  }
  if (lane.coolingUntil !== undefined) return [`${name} is rate-limited until `, { at: lane.coolingUntil }]
  const open = circuits(lane).find(({ state }) => state === "open")
  if (open !== undefined) {
    const until = open.probeAt === undefined ? [] : [", next probe at ", { at: open.probeAt }]
    return [`${name} is ${ailment(open, lane)}`, ...until]
  }
  if (circuits(lane).some(({ state }) => state === "half-open")) return [`${name} is being probed`]
  return [`${name} fails ${percent(lane.calls * (1 - lane.successRate), lane.calls)} of its calls${mostly(lane)}`]
}

/** Why a circuit is open, in a person's words. */
const ailment = (circuit: Model.Circuit, lane: Lane): string => {
  if (circuit.circuit.startsWith("credential:")) return "refused with its key"
  if (circuit.reason === "slow") return "too slow"
  // What opens no circuit is not why this one is open.
  const worst = classesOf(lane).find((name) => ailments[name] !== undefined)
  return worst === undefined ? "failing" : (ailments[worst] ?? "failing")
}

const ailments: { readonly [className: string]: string | undefined } = {
  ModelOverloaded: "overloaded",
  ServiceUnavailable: "unavailable",
  Timeout: "not answering",
  Network: "out of reach",
  QuotaExceeded: "out of quota",
  Authentication: "refused with its key",
  PermissionDenied: "refused with its key",
  StreamTruncated: "cutting streams"
}

const classesOf = (lane: Lane): ReadonlyArray<string> =>
  Object.entries(lane.errors)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name]) => name)

const mostly = (lane: Lane): string => {
  const [worst] = classesOf(lane)
  return worst === undefined ? "" : `, mostly with ${worst.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase()}`
}

/** Who answers in its place, on the route where it is preferred and most is asked. */
const coverOf = (lane: Lane, { lanes, routes }: Input): string | undefined => {
  const busiest = routes
    .filter((route) => route.lanes[0] === lane.lane && route.operations > 0)
    .toSorted((a, b) => b.operations - a.operations)[0]
  if (busiest === undefined) return undefined
  const answers = Object.entries(busiest.answers).toSorted(([, a], [, b]) => b - a)
  const total = sum(answers.map(([, count]) => count))
  const other = answers.find(([source]) => source !== lane.lane)
  if (other === undefined) return undefined
  const [source, count] = other
  const by = lanes.find((one) => one.lane === source)
  return `${percent(count, total)} of ${busiest.route} is answered by ${by === undefined ? (sources[source] ?? source) : nameOf(by, { lanes: lanes.filter((one) => busiest.lanes.includes(one.lane)) })}`
}

const sources: { readonly [source: string]: string | undefined } = {
  cache: "the cache",
  stale: "old answers",
  shared: "shared answers",
  "last-resort": "the last resort"
}

/** The route whose operations fail most, where that is more than one in a hundred. */
const failingRoute = (routes: Input["routes"]): string | undefined => {
  const [worst] = routes
    .map((route) => {
      const counted = route.operations - (route.results["Cancelled"] ?? 0)
      return { route: route.route, counted, failed: counted - (route.results["Success"] ?? 0) }
    })
    .filter(({ counted, failed }) => counted >= minimumCalls && failed / counted > 0.01)
    .toSorted((a, b) => b.failed / b.counted - a.failed / a.counted)
  return worst === undefined ? undefined : `${percent(worst.failed, worst.counted)} of ${worst.route} fails`
}

const whyOf = (troubles: ReadonlyArray<Lane>): Parts => {
  const [worst] = troubles
  const hold = worst === undefined ? undefined : heldBy(worst)
  if (worst === undefined || hold === undefined) return []
  return [`; ${worst.lane} is ${hold.drain ? "drained" : "held"} by ${hold.by ?? "a person"} (${hold.reason})`]
}

const storeOf = ({ pending, status }: Input["store"]): Parts =>
  status === "ok"
    ? []
    : [`; the store is away, ${number(pending)} ${plural(pending, "row")} ${pending === 1 ? "waits" : "wait"}`]

const earliest = (lanes: ReadonlyArray<Lane>): number | undefined => {
  const instants = lanes.flatMap((lane) => [
    ...(lane.coolingUntil === undefined ? [] : [lane.coolingUntil]),
    ...circuits(lane).flatMap(({ holds, probeAt }) => (probeAt === undefined || holds.length > 0 ? [] : [probeAt]))
  ])
  return instants.length === 0 ? undefined : Math.min(...instants)
}

/** The provider's name, where it has one lane only; else the lane's own. */
const nameOf = (lane: Lane, { lanes }: Pick<Input, "lanes">): string =>
  lanes.filter(({ provider }) => provider === lane.provider).length > 1
    ? lane.lane
    : (providers[lane.provider] ?? lane.provider)

const providers: { readonly [provider: string]: string | undefined } = {
  gemini: "Gemini",
  openai: "OpenAI",
  anthropic: "Anthropic"
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, one) => total + one, 0)

const plural = (count: number, word: string): string => (count === 1 ? word : `${word}s`)

/** At most two names. */
const list = (names: ReadonlyArray<string>): string =>
  names.length > 2 ? `${names.slice(0, 2).join(", ")} and ${names.length - 2} more` : names.join(" and ")

const number = (count: number): string => count.toLocaleString("en-US")

/** Never a hundred percent of something that is not all of it, nor none of something that is. */
const percent = (part: number, whole: number): string => {
  if (whole <= 0) return "0 %"
  const exact = (part / whole) * 100
  if (exact > 0 && exact < 0.1) return "under 0.1 %"
  const shown = exact >= 10 && exact <= 99 ? Math.round(exact) : Math.round(exact * 10) / 10
  return `${exact < 100 ? Math.min(99.9, shown) : shown} %`
}
