/**
 * What a person reads about an alert: what happened and since when, whom it matters to, what Holdfast does about it now, and
 * what there is to do. No prompt, answer or key is in any of it, since none is in the events it comes from.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type * as AlertRules from "./AlertRules.ts"
import type * as AlertState from "./AlertState.ts"
import type { Answer } from "./Watch.ts"

/** What is known of the present. */
export interface Present {
  readonly now: number
  /** Who answered a route last. */
  readonly answer: (route: string) => Answer | undefined
}

export interface Words {
  readonly title: string
  readonly what: string
  readonly meanwhile?: string
  readonly todo?: string
}

interface RuleWords {
  /** What the matter is, and what is so when it no longer is. */
  readonly title: readonly [bad: (subject: string) => string, good: (subject: string) => string]
  /** What Holdfast does about it by itself. */
  readonly does?: string
  readonly todo: string
}

const table: { readonly [Rule in AlertRules.Name]: RuleWords } = {
  breakerOpen: {
    title: [
      (subject) => `The circuit of ${circuit(subject)} is open`,
      (subject) => `The circuit of ${circuit(subject)} is closed again`
    ],
    does: "It is probed, and used again once it answers.",
    todo: "Nothing, if the provider's status page knows of it. Else look at the lane's errors."
  },
  laneUnhealthy: {
    title: [(subject) => `${subject} is unhealthy`, (subject) => `${subject} is well again`],
    does: "Healthy lanes are asked before it.",
    todo: "Look at the lane's errors; hold its circuit open if its answers are worse than none."
  },
  quotaExhausted: {
    title: [(subject) => `The quota of ${subject} is exhausted`, (subject) => `${subject} has quota again`],
    does: "It is left alone until its reset.",
    todo: "Raise the quota or add money at the provider, or wait for its reset."
  },
  authenticationFailed: {
    title: [
      (subject) => `The credential ${credential(subject)} is refused`,
      (subject) => `The credential ${credential(subject)} is accepted again`
    ],
    does: "Its lanes are not called; it is only probed.",
    todo: "Put a valid key into the environment and restart."
  },
  misconfigured: {
    title: [(subject) => `${subject} cannot be used as it is configured`, (subject) => `${subject} can be used again`],
    todo: "Check the model's name, and whether the credential may use it."
  },
  routeDown: {
    title: [(subject) => `Every lane of ${subject} is down`, (subject) => `${subject} is up again`],
    does: "Its lanes are probed; the first that answers serves it again.",
    todo: "Add a lane of another provider, or check that the network reaches any of them."
  },
  routeDegraded: {
    title: [
      (subject) => `${subject} is not answered by its first lane`,
      (subject) => `${subject} is answered by its first lane again`
    ],
    todo: "Look at the first lane's errors; put another lane first if it will take long."
  },
  sloBurn: {
    title: [
      (subject) => `${burning(subject)[0]} uses up its error budget ${burning(subject)[1]}`,
      (subject) => `${burning(subject)[0]} no longer uses up its error budget ${burning(subject)[1]}`
    ],
    todo: "Look at the route's errors by class: which lane, which rule, since which change."
  },
  budgetNearlySpent: {
    title: [() => "The budget is nearly spent", () => "The budget is no longer nearly spent"],
    does: "Calls go on; this budget only warns.",
    todo: "Find out which route or tenant spends it; raise the budget, or put a cheaper lane first."
  },
  journalInUse: {
    title: [() => "The database does not keep up, or is away", () => "The database has everything again"],
    does: "Rows wait in the journal; calls do not notice.",
    todo: "Check the database and the disk. When the journal is full, the oldest rows are lost."
  },
  storeAway: {
    title: [
      (subject) => stores[subject]?.bad ?? `The store ${subject} is away`,
      (subject) => stores[subject]?.good ?? `The store ${subject} is back`
    ],
    does: "Calls go on without it.",
    todo: "Check the store and the way to it."
  },
  deliveryFailing: {
    title: [
      (subject) => `Alerts cannot be delivered by ${subject}`,
      (subject) => `Alerts are delivered by ${subject} again`
    ],
    does: "Messages for it are kept, and tried again.",
    todo: "Check its address and its secret with: holdfast alert test"
  }
}

const stores: { readonly [subject: string]: { readonly bad: string; readonly good: string } } = {
  sharing: { bad: "The store that instances share is away", good: "The store that instances share is back" },
  cache: { bad: "The cache's store is away", good: "The cache's store is back" }
}

/** The words about an alert as it is now. */
export const of = (alert: AlertState.Alert | AlertState.Resolved, present: Present): Words => {
  const { does, title, todo } = table[alert.rule]
  if ("resolvedAt" in alert) {
    const lasted = duration(alert.resolvedAt - alert.since)
    return { title: title[1](alert.subject), what: `It lasted ${lasted}, since ${instant(alert.since)}.` }
  }
  const routes = alert.routes.slice(0, shown).map((route) => routeWords(route, alert, present))
  if (alert.routes.length > shown) routes.push(`${alert.routes.length - shown} more routes use it.`)
  const meanwhile = [...(needsRoutes.has(alert.rule) ? routes : []), ...(does === undefined ? [] : [does])]
  return {
    title: title[0](alert.subject),
    what: `Since ${instant(alert.since)}: ${alert.detail}.`,
    ...(meanwhile.length === 0 ? {} : { meanwhile: meanwhile.join(" ") }),
    todo
  }
}

/** Routes that are named, so that a message stays short. */
const shown = 4

/** Rules about something that answers. */
const needsRoutes: ReadonlySet<AlertRules.Name> = new Set<AlertRules.Name>([
  "breakerOpen",
  "laneUnhealthy",
  "quotaExhausted",
  "authenticationFailed",
  "misconfigured",
  "routeDown",
  "routeDegraded",
  "sloBurn"
])

/** What became of a route since then. */
const routeWords = (route: string, { lane, since }: AlertState.Alert, { answer, now }: Present): string => {
  const last = answer(route)
  if (last === undefined) return `${route} has not been answered yet.`
  if (last.at < since) return `${route} was last answered ${duration(now - last.at)} ago, by ${last.lane}.`
  return last.lane === lane ? `${route} is still answered by it.` : `${route} is answered by ${last.lane} meanwhile.`
}

/** A circuit by what it is about. */
const circuit = (subject: string): string => {
  const [, reach, name] = /^(credential|model):(.*)$/.exec(subject) ?? []
  return reach === undefined || name === undefined ? subject : `the ${reach} ${name}`
}

/** Which route, and how. */
const burning = (subject: string): readonly [route: string, how: string] => [
  subject.replace(/ \((fast|slow)\)$/, ""),
  subject.endsWith("(fast)") ? "fast" : "slowly"
]

const credential = (subject: string): string => subject.replace(/^credential:/, "")

/** `2026-11-24 14:02 UTC`. */
const instant = (millis: number): string =>
  `${DateTime.formatIso(DateTime.makeUnsafe(millis)).slice(0, 16).replace("T", " ")} UTC`

/** To two units, such as `3h 20m`; less than a second is `0s`. */
const duration = (millis: number): string => {
  const words = Duration.format(Duration.seconds(Math.floor(Math.max(0, millis) / 1000))).split(" ")
  return words.slice(0, 2).join(" ")
}
