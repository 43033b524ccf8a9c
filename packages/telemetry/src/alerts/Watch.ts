/**
 * Finds in the events what there are rules about: which conditions hold, and when they end. It has no clock but the events'
 * and `look`'s. It is updated in place and owned by one service, and costs an event a few look-ups.
 */
import type * as Event from "@holdfast/core/Event"
import * as Lane from "@holdfast/core/Lane"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as AlertRules from "./AlertRules.ts"
import type * as AlertState from "./AlertState.ts"
import * as BurnRate from "./BurnRate.ts"
import * as Spending from "./Spending.ts"

/** A route and where it goes, most preferred first. */
export interface Route {
  readonly name: string
  readonly lanes: ReadonlyArray<Pick<Lane.Lane, "credential" | "id" | "model" | "provider">>
}

/** Who answered a route last. */
export interface Answer {
  readonly lane: string
  readonly at: number
}

/** What has to survive a restart, since it cannot be seen again: windows of days, and the money of a period. */
export const Memory = Schema.Struct({
  burns: Schema.Record(
    Schema.String,
    Schema.Record(Schema.String, Schema.Struct({ newest: Schema.Finite, cells: Schema.Array(Schema.Int) }))
  ),
  spending: Schema.Struct({ period: Schema.Finite, micros: Schema.Finite })
})
export type Memory = typeof Memory.Type

/** Ends of operations that are the caller's doing or wish, and say nothing about the service. */
const callersOwn: ReadonlySet<Event.Result> = new Set<Event.Result>([
  "Cancelled",
  "InvalidRequest",
  "ContextLengthExceeded",
  "ContentPolicy",
  "NoCapableLane"
])

/** What of a lane is known, as far as its routes are concerned. */
interface Standing {
  readonly lane: Route["lanes"][number]
  readonly circuits: ReadonlyArray<string>
  coolsUntil: number
}

interface Tracked {
  readonly route: Route
  readonly lanes: ReadonlyArray<Standing>
  readonly burn: BurnRate.BurnRate
  answer: Answer | undefined
}

export class Watch {
  readonly #settings: AlertRules.Settings
  readonly #routes = new Map<string, Tracked>()
  readonly #lanes = new Map<string, Standing>()
  /** Routes by the circuits that an attempt for them may have to pass. */
  readonly #routesOf = new Map<string, Set<string>>()
  /** Circuits that are not closed, and refuse. */
  readonly #open = new Set<string>()
  readonly #raised = new Map<string, AlertState.Condition>()
  #spending = Spending.none
  #signals: Array<AlertState.Signal> = []

  constructor(routes: ReadonlyArray<Route>, settings: AlertRules.Settings) {
    this.#settings = settings
    for (const route of routes) {
      const lanes = route.lanes.map((lane) => this.#standing(lane))
      this.#routes.set(route.name, { route, lanes, burn: BurnRate.make(), answer: undefined })
      for (const { circuits } of lanes) {
        for (const circuit of circuits) {
          const names = this.#routesOf.get(circuit) ?? new Set()
          this.#routesOf.set(circuit, names.add(route.name))
        }
      }
    }
  }

  /** Who answered the route last. */
  answer(route: string): Answer | undefined {
    return this.#routes.get(route)?.answer
  }

  /** The lane that a route would rather be answered by. */
  preferred(route: string): string | undefined {
    return this.#routes.get(route)?.route.lanes[0]?.id
  }

  /** What an event says. */
  observe(event: Event.Event): ReadonlyArray<AlertState.Signal> {
    switch (event._tag) {
      case "AttemptEnded":
        this.#attempt(event)
        break
      case "OperationEnded":
        this.#operation(event)
        break
      case "CircuitChanged":
        this.#circuit(event)
        break
      case "HealthChanged":
        this.#set(event.to === "unhealthy", "laneUnhealthy", event.lane, {
          ...this.#aboutLane(event),
          detail: `${percent(event.successRate)} of its recent calls succeed`
        })
        break
      case "LaneCooling": {
        const standing = this.#lanes.get(event.lane)
        // What one lane is told holds for all with its credential and model.
        if (standing !== undefined) {
          for (const other of this.#lanes.values()) {
            const { credential, model, provider } = other.lane
            if (credential === event.credential && model === event.model && provider === event.provider) {
              other.coolsUntil = Math.max(other.coolsUntil, event.untilMillis)
            }
          }
          this.#down(this.#routesThrough(event.lane), event.at)
        }
        break
      }
      case "SharingChanged":
        this.#store(event.to === "local", "sharing", event.reason)
        break
      case "CacheStoreChanged":
        this.#store(!event.available, "cache", event.reason)
        break
      case "JournalChanged":
        this.#set(event.to !== "current", "journalInUse", "journal", {
          routes: [],
          detail: `${event.to}: ${event.records} rows wait, ${event.dropped} were dropped (${event.reason})`
        })
        break
      case "AlertDeliveryChanged":
        this.#set(!event.works, "deliveryFailing", event.delivery, { routes: [], detail: event.reason })
        break
      default:
        break
    }
    return this.#taken()
  }

  /** What only time says: a wait is over, failures are forgotten, a period has ended. */
  look(now: number): ReadonlyArray<AlertState.Signal> {
    this.#down(this.#routes.keys(), now)
    for (const tracked of this.#routes.values()) this.#burning(tracked, now)
    this.#spent(now)
    return this.#taken()
  }

  /** Takes over from the process before: what it said and what it counted. */
  resume(alerts: ReadonlyArray<AlertState.Alert>, memory: Memory): void {
    for (const alert of alerts) this.#raised.set(alert.key, alert)
    for (const [route, held] of Object.entries(memory.burns)) {
      const tracked = this.#routes.get(route)
      if (tracked !== undefined) BurnRate.restore(tracked.burn, held)
    }
    this.#spending = memory.spending
  }

  memory(): Memory {
    const burns: Record<string, BurnRate.Snapshot> = {}
    for (const [name, { burn }] of this.#routes) {
      const held = BurnRate.snapshot(burn)
      if (Object.keys(held).length > 0) burns[name] = held
    }
    return { burns, spending: this.#spending }
  }

  #attempt(event: typeof Event.AttemptEnded.Type): void {
    const { at, credential, lane, model, provider, result } = event
    if (event.usd !== undefined) this.#spend(event.usd, at)
    if (result === "Success") {
      if (this.#raised.size === 0) return
      const circuits = Lane.circuits({ id: lane, credential, model, provider })
      for (const rule of ["quotaExhausted", "misconfigured"] as const) this.#clear(rule, lane)
      this.#clear("authenticationFailed", circuits.credential)
      // Nothing of this process has opened them: they are from before a restart, and this speaks against them.
      for (const circuit of Object.values(circuits)) {
        if (!this.#open.has(circuit)) this.#clear("breakerOpen", circuit)
      }
      return
    }
    const about = { ...this.#aboutLane(event), detail: event.rule ?? result }
    if (result === "QuotaExceeded") this.#set(true, "quotaExhausted", lane, about)
    else if (result === "PermissionDenied" || result === "ModelNotFound") {
      this.#set(true, "misconfigured", lane, { ...about, detail: result })
    } else if (result === "Authentication") {
      const circuit = Lane.circuits({ id: lane, credential, model, provider }).credential
      this.#set(true, "authenticationFailed", circuit, {
        provider,
        routes: this.#routesThrough(circuit),
        detail: event.rule ?? result
      })
    }
  }

  #operation(event: typeof Event.OperationEnded.Type): void {
    const tracked = this.#routes.get(event.route)
    if (tracked === undefined) return
    const { at, degraded, lane, result, source } = event
    if (result === "Success" && source === undefined && lane !== undefined) tracked.answer = { lane, at }
    if (result === "Success" && source !== "cache" && source !== "shared") {
      this.#set(degraded, "routeDegraded", event.route, {
        routes: [event.route],
        detail: lane === undefined ? `it is answered by its ${source ?? "last resort"}` : `it is answered by ${lane}`
      })
      if (source === undefined) this.#clear("routeDown", event.route)
    }
    if (callersOwn.has(result)) return
    const isGood = result === "Success" && source !== "last-resort"
    BurnRate.record(tracked.burn, isGood, at)
    // Successes alone make nothing burn; that it no longer does is found by looking.
    if (!isGood) this.#burning(tracked, at)
  }

  #circuit(event: typeof Event.CircuitChanged.Type): void {
    const { at, circuit, failures, reason, to } = event
    const refuses = to !== "closed" && event.observed !== true
    if (refuses) this.#open.add(circuit)
    else this.#open.delete(circuit)
    const routes = this.#routesThrough(circuit)
    if (to === "closed") this.#clear("breakerOpen", circuit)
    // What another instance advises is that one's to tell.
    else if (to === "open" && refuses && event.advisedBy === undefined && !this.#isToldAsItself(reason)) {
      const standing = this.#lanes.get(circuit)
      const provider = standing?.lane.provider ?? /^(?:credential|model):([^/]+)/.exec(circuit)?.[1]
      this.#set(true, "breakerOpen", circuit, {
        ...(provider === undefined ? {} : { provider }),
        ...(standing === undefined ? {} : { lane: circuit }),
        routes,
        detail: failures > 1 ? `${failures} failures in a row, the last one ${reason}` : reason
      })
    }
    this.#down(routes, at)
  }

  /** Whether what opened a circuit has a rule of its own: one matter is one alert. */
  #isToldAsItself(reason: string): boolean {
    const { authenticationFailed, quotaExhausted } = this.#settings.rules
    return (
      (reason === "Authentication" && authenticationFailed !== false) ||
      (reason === "QuotaExceeded" && quotaExhausted !== false)
    )
  }

  #store(isAway: boolean, store: string, reason: string): void {
    this.#set(isAway, "storeAway", store, { routes: [], detail: reason })
  }

  #down(routes: Iterable<string>, now: number): void {
    for (const name of routes) {
      const tracked = this.#routes.get(name)
      if (tracked === undefined) continue
      const why = tracked.lanes.map(({ circuits, coolsUntil }) =>
        circuits.some((circuit) => this.#open.has(circuit)) ? "open" : coolsUntil > now ? "cooling" : undefined
      )
      const isDown = why.length > 0 && why.every((one) => one !== undefined)
      const open = why.filter((one) => one === "open").length
      // What a restart has left is ended by an answer, not by circuits that this process has yet to open.
      if (isDown) {
        this.#set(true, "routeDown", name, {
          routes: [name],
          detail: `${open} of its ${why.length} lanes ${open === 1 ? "is" : "are"} open, ${why.length - open} cooling`
        })
      } else if (this.#seen.has(name)) this.#clear("routeDown", name)
      if (isDown) this.#seen.add(name)
      else this.#seen.delete(name)
    }
  }
  /** Routes that this process has found to be down. */
  readonly #seen = new Set<string>()

  #burning({ burn, route }: Tracked, now: number): void {
    const { sloBurn } = this.#settings.rules
    if (sloBurn === false) return
    const objective = sloBurn.objectives[route.name] ?? sloBurn.objective
    const burning = BurnRate.evaluate(burn, { objective, minimumFailures: sloBurn.minimumFailures }, now)
    for (const level of ["fast", "slow"] as const) {
      this.#set(burning?.burn.level === level, "sloBurn", `${route.name} (${level})`, {
        severity: level === "slow" && sloBurn.severity === "critical" ? "warning" : sloBurn.severity,
        routes: [route.name],
        detail:
          burning === undefined
            ? ""
            : `${burning.failures} of ${burning.operations} operations failed in ${hours(burning.burn.longMillis)}, ` +
              `${burning.rate.toFixed(1)} times what ${percent(objective)} allows`
      })
    }
  }

  #spend(cost: number, now: number): void {
    const { budgetNearlySpent } = this.#settings.rules
    if (budgetNearlySpent === false || budgetNearlySpent.usd === undefined) return
    this.#spending = Spending.add(this.#spending, cost, now, Duration.toMillis(budgetNearlySpent.per))
    this.#spent(now)
  }

  #spent(now: number): void {
    const { budgetNearlySpent } = this.#settings.rules
    if (budgetNearlySpent === false || budgetNearlySpent.usd === undefined) return
    const { at, per, usd } = budgetNearlySpent
    this.#spending = Spending.at(this.#spending, now, Duration.toMillis(per))
    const spent = Spending.usd(this.#spending)
    this.#set(spent >= at * usd, "budgetNearlySpent", "money", {
      routes: [...this.#routes.keys()],
      detail: `$${spent.toFixed(2)} of $${usd.toFixed(2)} for ${Duration.format(per)}`
    })
  }

  /** Makes a condition hold or end. One that holds already is only said again where what is said has changed. */
  #set(
    holds: boolean,
    name: AlertRules.Name,
    subject: string,
    about: Pick<AlertState.Condition, "provider" | "lane" | "routes" | "detail"> & {
      readonly severity?: AlertRules.Severity
    }
  ): void {
    if (!holds) return this.#clear(name, subject)
    const rule = this.#settings.rules[name]
    if (rule === false) return
    const condition: AlertState.Condition = {
      key: `${name}:${subject}`,
      rule: name,
      subject,
      severity: rule.severity,
      ...about
    }
    const known = this.#raised.get(condition.key)
    if (known !== undefined && known.detail === condition.detail && !("since" in known)) return
    this.#raised.set(condition.key, condition)
    this.#signals.push({ _tag: "Raised", condition })
  }

  #clear(name: AlertRules.Name, subject: string): void {
    const key = `${name}:${subject}`
    if (this.#raised.delete(key)) this.#signals.push({ _tag: "Cleared", key })
  }

  #taken(): ReadonlyArray<AlertState.Signal> {
    if (this.#signals.length === 0) return nothing
    const taken = this.#signals
    this.#signals = []
    return taken
  }

  #standing(lane: Route["lanes"][number]): Standing {
    const known = this.#lanes.get(lane.id)
    if (known !== undefined) return known
    const made: Standing = { lane, circuits: Object.values(Lane.circuits(lane)), coolsUntil: 0 }
    this.#lanes.set(lane.id, made)
    return made
  }

  #routesThrough(circuit: string): ReadonlyArray<string> {
    return [...(this.#routesOf.get(circuit) ?? [])]
  }

  #aboutLane({ lane, provider }: { readonly lane: string; readonly provider: string }) {
    return { lane, provider, routes: this.#routesThrough(lane) }
  }
}

const nothing: ReadonlyArray<AlertState.Signal> = []

/** Rounded down, so that what is not all is not called all. */
const percent = (part: number): string => `${Math.floor(part * 1000) / 10} %`

const hours = (millis: number): string => {
  const whole = millis / 3_600_000
  return whole === 1 ? "an hour" : whole < 48 ? `${whole} hours` : `${whole / 24} days`
}
