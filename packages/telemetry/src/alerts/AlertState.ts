/**
 * All alerts as a pure machine: pending, firing, resolved, and what is said about them. No clock, no timer: what changes
 * with time changes in `advance`. Instants are milliseconds since the epoch. The state is plain data and survives a restart.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as AlertRules from "./AlertRules.ts"
import * as Silence from "./Silence.ts"

/** Something that is so, and that there is a rule about. */
export const Condition = Schema.Struct({
  /** `rule:subject`. */
  key: Schema.String,
  rule: AlertRules.Name,
  /** A circuit, a lane, a route, a credential, a store or a delivery. */
  subject: Schema.String,
  severity: AlertRules.Severity,
  provider: Schema.optionalKey(Schema.String),
  lane: Schema.optionalKey(Schema.String),
  /** The routes it matters to. */
  routes: Schema.Array(Schema.String),
  /** Why, in a few words. */
  detail: Schema.String
})
export type Condition = typeof Condition.Type

/** What the watch over the events has found out. */
export type Signal =
  | { readonly _tag: "Raised"; readonly condition: Condition }
  | { readonly _tag: "Cleared"; readonly key: string }

const optionalInstant = Schema.optionalKey(Schema.Finite)

/** An alert that is not over. */
export const Alert = Schema.Struct({
  ...Condition.fields,
  /** Since when it has been so. */
  since: Schema.Finite,
  /** Since when it fires; pending without it. */
  firingSince: optionalInstant,
  /** Since when it has no longer been so; it is over when that has lasted. */
  clearSince: optionalInstant,
  /** It is from before a restart, and is over by then unless it is seen again. */
  confirmBy: optionalInstant,
  /** When people were last told that it fires. */
  notifiedAt: optionalInstant
})
export type Alert = typeof Alert.Type

/** One that is over. */
export const Resolved = Schema.Struct({
  ...Alert.fields,
  resolvedAt: Schema.Finite,
  /** People were told that it fired, and have to be told that it is over. */
  owed: Schema.Boolean
})
export type Resolved = typeof Resolved.Type

export const State = Schema.Struct({
  /** By key, in the order in which they began. */
  alerts: Schema.Array(Alert),
  /** The last ones that are over, oldest first, and all that people have not been told of. */
  resolved: Schema.Array(Resolved),
  silences: Schema.Array(Silence.Silence)
})
export type State = typeof State.Type

export const initial: State = { alerts: [], resolved: [], silences: [] }

/** How many that are over are remembered. */
export const remembered = 100

/** What is said about one alert. */
export interface Change {
  readonly change: "firing" | "reminder" | "resolved"
  readonly alert: Alert | Resolved
}

/** What is said together. */
export interface Message {
  readonly group: string
  readonly at: number
  /** What is over comes first: the same alert may fire again in the same message. */
  readonly changes: ReadonlyArray<Change>
}

/** What happened in a step, for the log and the dashboard. */
export interface Transition {
  readonly to: "pending" | "firing" | "resolved" | "dropped"
  readonly alert: Alert | Resolved
  readonly at: number
}

export interface Step {
  readonly state: State
  readonly transitions: ReadonlyArray<Transition>
}

/** It is so, at that instant: a new alert is pending, one that is known is confirmed. */
export const raise = (state: State, condition: Condition, now: number, settings: AlertRules.Settings): Step => {
  if (settings.rules[condition.rule] === false) return { state, transitions: [] }
  const known = state.alerts.find(({ key }) => key === condition.key)
  if (known === undefined) {
    const alert: Alert = { ...condition, since: now }
    return {
      state: { ...state, alerts: [...state.alerts, alert] },
      transitions: [{ to: "pending", alert, at: now }]
    }
  }
  const alert: Alert = { ...Struct.omit(known, ["clearSince", "confirmBy"]), ...condition }
  return { state: { ...state, alerts: state.alerts.map((one) => (one === known ? alert : one)) }, transitions: [] }
}

/** It is no longer so. A pending alert is forgotten, a firing one is over when that has lasted. */
export const clear = (state: State, key: string, now: number): Step => {
  const known = state.alerts.find((alert) => alert.key === key)
  if (known === undefined || known.clearSince !== undefined) return { state, transitions: [] }
  if (known.firingSince === undefined) {
    return {
      state: { ...state, alerts: state.alerts.filter((alert) => alert !== known) },
      transitions: [{ to: "dropped", alert: known, at: now }]
    }
  }
  const alert: Alert = { ...Struct.omit(known, ["confirmBy"]), clearSince: now }
  return { state: { ...state, alerts: state.alerts.map((one) => (one === known ? alert : one)) }, transitions: [] }
}

/** What a signal does. */
export const signal = (state: State, what: Signal, now: number, settings: AlertRules.Settings): Step =>
  what._tag === "Raised" ? raise(state, what.condition, now, settings) : clear(state, what.key, now)

/**
 * Lets time pass: what was so for long enough fires, what has not been so for long enough is over, and what is due is said.
 * Transitions bear the instant at which they were due, however late this is called.
 */
export const advance = (
  state: State,
  now: number,
  settings: AlertRules.Settings
): Step & { readonly messages: ReadonlyArray<Message> } => {
  const transitions: Array<Transition> = []
  const alerts: Array<Alert> = []
  const resolved = [...state.resolved]
  for (const one of state.alerts) {
    const rule = settings.rules[one.rule]
    const gone = overAt(one, rule, now)
    let alert = one
    if (rule !== false && alert.firingSince === undefined && gone > now) {
      const due = alert.since + Duration.toMillis(rule.for)
      if (now >= due) {
        alert = { ...alert, firingSince: due }
        transitions.push({ to: "firing", alert, at: due })
      }
    }
    if (gone > now) {
      alerts.push(alert)
      continue
    }
    if (alert.firingSince === undefined) {
      transitions.push({ to: "dropped", alert, at: gone })
      continue
    }
    const over: Resolved = { ...alert, resolvedAt: gone, owed: alert.notifiedAt !== undefined }
    transitions.push({ to: "resolved", alert: over, at: gone })
    resolved.push(over)
  }
  const silences = state.silences.some(({ until }) => until <= now)
    ? state.silences.filter(({ until }) => until > now)
    : state.silences
  const isSame = transitions.length === 0 && silences === state.silences
  return tell(isSame ? state : { alerts, resolved: bounded(resolved), silences }, now, settings, transitions)
}

/** When an alert is over, if nothing else happens; infinite while it is so, and now where its rule was turned off. */
const overAt = (alert: Alert, rule: AlertRules.Rule | false, now: number): number => {
  if (rule === false) return now
  if (alert.clearSince !== undefined) return alert.clearSince + Duration.toMillis(rule.clear)
  return alert.confirmBy ?? Number.POSITIVE_INFINITY
}

/** Says what is due, with everything else of its group that can be said. */
const tell = (
  state: State,
  now: number,
  settings: AlertRules.Settings,
  transitions: ReadonlyArray<Transition>
): Step & { readonly messages: ReadonlyArray<Message> } => {
  const wait = Duration.toMillis(settings.groupWait)
  const repeat = Duration.toMillis(settings.repeat)
  const groups = new Map<string, { isDue: boolean; readonly changes: Array<Change> }>()
  const add = (change: Change["change"], alert: Alert | Resolved, due: number): void => {
    const name = groupOf(alert, settings.groupBy)
    const group = groups.get(name) ?? { isDue: false, changes: [] }
    groups.set(name, group)
    group.changes.push({ change, alert })
    if (now >= due) group.isDue = true
  }
  for (const over of state.resolved) {
    // That something is over is said through a silence too: whoever was told that it fires is waiting for it.
    if (over.owed) add("resolved", over, over.resolvedAt + wait)
  }
  for (const alert of state.alerts) {
    if (alert.firingSince === undefined || alert.clearSince !== undefined) continue
    if (Silence.of(state.silences, alert, now) !== undefined) continue
    if (alert.notifiedAt === undefined) add("firing", alert, alert.firingSince + wait)
    // What only a restart keeps alive is not said again before it has been seen again.
    else if (alert.confirmBy === undefined && now >= alert.notifiedAt + repeat) add("reminder", alert, now)
  }
  const messages: Array<Message> = []
  const told = new Set<Alert | Resolved>()
  for (const [group, { changes, isDue }] of groups) {
    if (!isDue) continue
    messages.push({ group, at: now, changes })
    for (const { alert } of changes) told.add(alert)
  }
  if (messages.length === 0) return { state, transitions, messages }
  return {
    state: {
      ...state,
      alerts: state.alerts.map((alert) => (told.has(alert) ? { ...alert, notifiedAt: now } : alert)),
      resolved: bounded(state.resolved.map((over) => (told.has(over) ? { ...over, owed: false } : over)))
    },
    transitions,
    messages
  }
}

/** What is told together with others. */
export const groupOf = (alert: Condition, by: AlertRules.GroupBy): string => {
  if (by === "alert") return alert.key
  if (by === "lane" && alert.lane !== undefined) return `lane ${alert.lane}`
  if (by === "provider" && alert.provider !== undefined) return `provider ${alert.provider}`
  return alert.routes.length > 0 ? `route ${alert.routes.join(", ")}` : alert.subject
}

/** The last ones, and all that people have not been told of. */
const bounded = (resolved: ReadonlyArray<Resolved>): ReadonlyArray<Resolved> =>
  resolved.length <= remembered
    ? resolved
    : resolved.filter(({ owed }, index) => owed || index >= resolved.length - remembered)

/** Adds a silence; one with the same id is replaced. */
export const silence = (state: State, added: Silence.Silence): State => ({
  ...state,
  silences: [...state.silences.filter(({ id }) => id !== added.id), added]
})

/** Takes a silence away. */
export const unsilence = (state: State, id: string): State => ({
  ...state,
  silences: state.silences.filter((one) => one.id !== id)
})

/**
 * The state in a new process, which has seen nothing yet: an alert from before holds until it is seen again or it is plain
 * that it will not be. Pending ones begin anew.
 */
export const resume = (state: State, now: number, settings: AlertRules.Settings): State => ({
  ...state,
  alerts: state.alerts.flatMap((alert) =>
    alert.firingSince === undefined
      ? []
      : alert.clearSince === undefined
        ? [{ ...alert, confirmBy: now + Duration.toMillis(settings.restartGrace) }]
        : [alert]
  )
})
