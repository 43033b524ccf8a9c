/** Has people not told of some alerts for a while: asks which ones, for how long and why. */
import { computed, signal } from "@preact/signals"
import type { Alert, Alerts } from "@holdfast/gateway/admin/Model"
import * as api from "./api.ts"
import { confirm } from "./confirm.tsx"
import { lanes, state } from "./feed.ts"
import { Lasting } from "./parts/Lasting.tsx"
import { plain, plural } from "./words.ts"

type Field = keyof api.Matcher

/** What is being put together; what is empty is not matched. */
const wish = signal<Record<Field, string>>({ rule: "", subject: "", provider: "", route: "", severity: "" })
const minutes = signal(60)
/** The alerts it is compared with. */
const among = signal<ReadonlyArray<Alert>>([])

const rules: Record<Alert["rule"], string> = {
  breakerOpen: "Breaker open",
  laneUnhealthy: "Lane unhealthy",
  quotaExhausted: "Quota exhausted",
  authenticationFailed: "Authentication failed",
  misconfigured: "Misconfigured",
  routeDown: "Route down",
  routeDegraded: "Route degraded",
  sloBurn: "Error budget burns",
  budgetNearlySpent: "Budget nearly spent",
  journalInUse: "Journal in use",
  storeAway: "Store away",
  deliveryFailing: "Delivery failing"
}

export const ruleWords = (rule: Alert["rule"]): string => rules[rule]

const isRule = (name: string): name is Alert["rule"] => Object.hasOwn(rules, name)

const isSeverity = (name: string): name is Alert["severity"] =>
  name === "info" || name === "warning" || name === "critical"

const matcher = computed((): api.Matcher => {
  const { provider, route, rule, severity, subject } = wish.value
  return {
    ...(isRule(rule) ? { rule } : {}),
    ...(subject.trim() === "" ? {} : { subject: subject.trim() }),
    ...(provider === "" ? {} : { provider }),
    ...(route === "" ? {} : { route }),
    ...(isSeverity(severity) ? { severity } : {})
  }
})

/** The rule of a silence, as the gateway applies it. */
const isMatched = (alert: Alert, { provider, route, rule, severity, subject }: api.Matcher): boolean =>
  (rule === undefined || rule === alert.rule) &&
  (subject === undefined || subject === alert.subject) &&
  (provider === undefined || provider === alert.provider) &&
  (route === undefined || alert.routes.includes(route)) &&
  (severity === undefined || severity === alert.severity)

/** What a silence is about. */
export const matcherWords = (of: api.Matcher): string =>
  [
    of.rule === undefined ? "Every alert" : ruleWords(of.rule),
    ...(of.subject === undefined ? [] : [`about ${of.subject}`]),
    ...(of.provider === undefined ? [] : [`of ${of.provider}`]),
    ...(of.route === undefined ? [] : [`on ${of.route}`]),
    ...(of.severity === undefined ? [] : [`that is ${of.severity}`])
  ].join(" ")

/** Asks for a silence, of that alert to begin with. */
export const silence = (all: Alerts | undefined, alert?: Alert): void => {
  among.value = all?.alerts.filter(({ phase }) => phase !== "resolved") ?? []
  wish.value = { rule: alert?.rule ?? "", subject: alert?.subject ?? "", provider: "", route: "", severity: "" }
  minutes.value = 60
  confirm({
    title: "Silence alerts",
    text: "Nobody is told of alerts for which all of this holds. They go on, and are told when the silence ends if they still fire.",
    verb: "Silence",
    Fields,
    act: async (said) => {
      if (Object.keys(matcher.value).length === 0) throw new Error("Choose at least one thing that has to hold")
      await api.silence({ matcher: matcher.value, minutes: minutes.value }, said)
      return `Silenced: ${matcherWords(matcher.value)}`
    }
  })
}

export const unsilence = (one: Alerts["silences"][number]): void => {
  confirm({
    title: "End a silence",
    text: `It keeps people from being told: ${matcherWords(one.matcher)} (${one.reason}). What still fires is told at once.`,
    verb: "End it",
    act: async (said) => {
      await api.unsilence(one.id, said)
      return `Told again: ${matcherWords(one.matcher)}`
    }
  })
}

const Choice = (props: {
  readonly field: Field
  readonly label: string
  readonly any: string
  readonly options: ReadonlyArray<readonly [value: string, label: string]>
}) => (
  <label>
    {props.label}
    <select
      value={wish.value[props.field]}
      onChange={(event) => {
        wish.value = { ...wish.value, [props.field]: event.currentTarget.value }
      }}
    >
      <option value="">{props.any}</option>
      {props.options.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </select>
  </label>
)

const named = (names: Iterable<string>) => [...new Set(names)].map((name) => [name, name] as const)

const Fields = () => {
  const matched = among.value.filter((alert) => isMatched(alert, matcher.value))
  return (
    <>
      <fieldset class="pair">
        <legend>Which alerts</legend>
        <Choice field="rule" label="Rule" any="Any rule" options={Object.entries(rules)} />
        <Choice
          field="severity"
          label="Severity"
          any="Any severity"
          options={(["critical", "warning", "info"] as const).map((one) => [one, plain(one)])}
        />
        <Choice
          field="provider"
          label="Provider"
          any="Any provider"
          options={named(lanes.value.map(({ provider }) => provider))}
        />
        <Choice
          field="route"
          label="Route"
          any="Any route"
          options={named(state.value?.routes.map(({ route }) => route) ?? [])}
        />
        <label class="whole">
          Subject <span class="dim">(exactly: a lane, a circuit, a route, a credential, a delivery)</span>
          <input
            value={wish.value.subject}
            placeholder="Any subject"
            onInput={(event) => {
              wish.value = { ...wish.value, subject: event.currentTarget.value }
            }}
          />
        </label>
      </fieldset>
      <p class="dim" aria-live="polite">
        {Object.keys(matcher.value).length === 0
          ? "At least one of these has to be chosen."
          : matched.length === 0
            ? "No alert is like that now; one that comes will not be told."
            : `${plural(matched.length, "alert")} now: ${matched
                .slice(0, 3)
                .map(({ words }) => words.title)
                .join("; ")}${matched.length > 3 ? "; …" : ""}`}
      </p>
      <Lasting label="For" minutes={minutes} />
    </>
  )
}
