/** What is told at once, as every delivery gets it: each alert with its words. It is plain data and survives a restart. */
import * as Schema from "effect/Schema"
import * as AlertRules from "./AlertRules.ts"

/** What is told about one alert. */
export const Item = Schema.Struct({
  change: Schema.Literals(["firing", "reminder", "resolved", "test"]),
  /** `rule:subject`. */
  alert: Schema.String,
  /** The same from the moment an alert fires until it is over, and for no other time that it does. */
  episode: Schema.String,
  rule: Schema.Union([AlertRules.Name, Schema.Literal("test")]),
  subject: Schema.String,
  severity: AlertRules.Severity,
  /** The routes it matters to. */
  routes: Schema.Array(Schema.String),
  /** Milliseconds since the epoch. */
  since: Schema.Finite,
  resolvedAt: Schema.optionalKey(Schema.Finite),
  /** What is the matter, in half a line. */
  title: Schema.String,
  /** What happened, and since when. */
  what: Schema.String,
  /** Whom it matters to, and what Holdfast does about it now. */
  meanwhile: Schema.optionalKey(Schema.String),
  /** What a person can do. */
  todo: Schema.optionalKey(Schema.String)
})
export type Item = typeof Item.Type

export const Notification = Schema.Struct({
  id: Schema.String,
  /** Milliseconds since the epoch. */
  at: Schema.Finite,
  /** What its alerts have in common. */
  group: Schema.String,
  /** Who tells. */
  instance: Schema.String,
  /** The dashboard. */
  url: Schema.optionalKey(Schema.String),
  items: Schema.NonEmptyArray(Item)
})
export type Notification = typeof Notification.Type

/** The most serious of what is told. */
export const severity = ({ items }: Notification): AlertRules.Severity =>
  items.reduce<AlertRules.Severity>(
    (worst, item) => (AlertRules.isAtLeast(item.severity, worst) ? item.severity : worst),
    "info"
  )

/** All of it in one line. */
export const headline = ({ group, items }: Notification): string => {
  const [first] = items
  if (items.length === 1) return `${labels[first.change]}: ${first.title}`
  const counts = (["firing", "reminder", "resolved"] as const).flatMap((change) => {
    const count = items.filter((item) => item.change === change).length
    return count === 0 ? [] : [`${count} ${words[change]}`]
  })
  return `${counts.join(", ")} (${group})`
}

const labels = { firing: "Firing", reminder: "Still firing", resolved: "Resolved", test: "Test" } as const
const words = { firing: "firing", reminder: "still firing", resolved: "resolved" } as const

/** What is said about one alert, a line each. */
export const lines = ({ meanwhile, todo, what }: Item): ReadonlyArray<string> =>
  [what, meanwhile, todo].filter((line) => line !== undefined)

/** All of it as plain text. */
export const text = (notification: Notification): string =>
  [
    ...notification.items.map((item) =>
      [`${labels[item.change]} (${item.severity}): ${item.title}`, ...lines(item)].join("\n")
    ),
    [...(notification.url === undefined ? [] : [notification.url]), `Holdfast, ${notification.instance}`].join("\n")
  ].join("\n\n")

/** Does it look as it should at the other end? */
export const test = (options: {
  readonly id: string
  readonly at: number
  readonly instance: string
  readonly url?: string | undefined
}): Notification => ({
  id: options.id,
  at: options.at,
  group: "test",
  instance: options.instance,
  ...(options.url === undefined ? {} : { url: options.url }),
  items: [
    {
      change: "test",
      alert: "test",
      episode: `${options.instance}/test/${options.id}`,
      rule: "test",
      subject: "test",
      severity: "info",
      routes: [],
      since: options.at,
      title: "This is a test of Holdfast's alerts",
      what: "Nothing has happened. Whoever reads this will also read the real ones."
    }
  ]
})
