import { assert, describe, it } from "@effect/vitest"
import { type AlertRules, type AlertState, Notification, type Watch, Words } from "@holdfast/telemetry"

const at = Date.UTC(2026, 10, 24, 14, 2)
const answers: { readonly [route: string]: Watch.Answer } = {
  chat: { lane: "openai/gpt-4o-mini", at: at + 50_000 },
  same: { lane: "gemini/flash", at: at + 50_000 },
  quiet: { lane: "gemini/flash", at: at - 3 * 60_000 }
}
const present: Words.Present = { now: at + 60_000, answer: (route) => answers[route] }

const alert = (rule: AlertRules.Name, subject: string, more: Partial<AlertState.Alert> = {}): AlertState.Alert => ({
  key: `${rule}:${subject}`,
  rule,
  subject,
  severity: "warning",
  routes: ["chat"],
  detail: "because",
  since: at,
  ...more
})

const firing: ReadonlyArray<readonly [AlertState.Alert, string]> = [
  [
    alert("breakerOpen", "gemini/flash", {
      lane: "gemini/flash",
      routes: ["chat", "same", "quiet", "new"],
      detail: "5 failures in a row, the last one ServiceUnavailable"
    }),
    `The circuit of gemini/flash is open
Since 2026-11-24 14:02 UTC: 5 failures in a row, the last one ServiceUnavailable.
chat is answered by openai/gpt-4o-mini meanwhile. same is still answered by it. quiet was last answered 4m ago, by gemini/flash. new has not been answered yet. It is probed, and used again once it answers.
Nothing, if the provider's status page knows of it. Else look at the lane's errors.`
  ],
  [
    alert("breakerOpen", "model:gemini/flash", { routes: ["a", "b", "c", "d", "e", "f"] }),
    `The circuit of the model gemini/flash is open
Since 2026-11-24 14:02 UTC: because.
a has not been answered yet. b has not been answered yet. c has not been answered yet. d has not been answered yet. 2 more routes use it. It is probed, and used again once it answers.
Nothing, if the provider's status page knows of it. Else look at the lane's errors.`
  ],
  [
    alert("laneUnhealthy", "gemini/flash"),
    `gemini/flash is unhealthy
Since 2026-11-24 14:02 UTC: because.
chat is answered by openai/gpt-4o-mini meanwhile. Healthy lanes are asked before it.
Look at the lane's errors; hold its circuit open if its answers are worse than none.`
  ],
  [
    alert("quotaExhausted", "gemini/flash"),
    `The quota of gemini/flash is exhausted
Since 2026-11-24 14:02 UTC: because.
chat is answered by openai/gpt-4o-mini meanwhile. It is left alone until its reset.
Raise the quota or add money at the provider, or wait for its reset.`
  ],
  [
    alert("authenticationFailed", "credential:gemini"),
    `The credential gemini is refused
Since 2026-11-24 14:02 UTC: because.
chat is answered by openai/gpt-4o-mini meanwhile. Its lanes are not called; it is only probed.
Put a valid key into the environment and restart.`
  ],
  [
    alert("misconfigured", "gemini/flash", { detail: "ModelNotFound" }),
    `gemini/flash cannot be used as it is configured
Since 2026-11-24 14:02 UTC: ModelNotFound.
chat is answered by openai/gpt-4o-mini meanwhile.
Check the model's name, and whether the credential may use it.`
  ],
  [
    alert("routeDown", "quiet", { routes: ["quiet"] }),
    `Every lane of quiet is down
Since 2026-11-24 14:02 UTC: because.
quiet was last answered 4m ago, by gemini/flash. Its lanes are probed; the first that answers serves it again.
Add a lane of another provider, or check that the network reaches any of them.`
  ],
  [
    alert("routeDegraded", "chat"),
    `chat is not answered by its first lane
Since 2026-11-24 14:02 UTC: because.
chat is answered by openai/gpt-4o-mini meanwhile.
Look at the first lane's errors; put another lane first if it will take long.`
  ],
  [
    alert("sloBurn", "chat (fast)"),
    `chat uses up its error budget fast
Since 2026-11-24 14:02 UTC: because.
chat is answered by openai/gpt-4o-mini meanwhile.
Look at the route's errors by class: which lane, which rule, since which change.`
  ],
  [
    alert("budgetNearlySpent", "money", { detail: "$8.10 of $10.00 for 1d" }),
    `The budget is nearly spent
Since 2026-11-24 14:02 UTC: $8.10 of $10.00 for 1d.
Calls go on; this budget only warns.
Find out which route or tenant spends it; raise the budget, or put a cheaper lane first.`
  ],
  [
    alert("journalInUse", "journal"),
    `The database does not keep up, or is away
Since 2026-11-24 14:02 UTC: because.
Rows wait in the journal; calls do not notice.
Check the database and the disk. When the journal is full, the oldest rows are lost.`
  ],
  [
    alert("storeAway", "sharing"),
    `The store that instances share is away
Since 2026-11-24 14:02 UTC: because.
Calls go on without it.
Check the store and the way to it.`
  ],
  [
    alert("deliveryFailing", "ops"),
    `Alerts cannot be delivered by ops
Since 2026-11-24 14:02 UTC: because.
Messages for it are kept, and tried again.
Check its address and its secret with: holdfast alert test`
  ]
]

const over: ReadonlyArray<readonly [AlertRules.Name, subject: string, title: string]> = [
  ["breakerOpen", "credential:gemini", "The circuit of the credential gemini is closed again"],
  ["laneUnhealthy", "gemini/flash", "gemini/flash is well again"],
  ["quotaExhausted", "gemini/flash", "gemini/flash has quota again"],
  ["authenticationFailed", "credential:openai/second", "The credential openai/second is accepted again"],
  ["misconfigured", "gemini/flash", "gemini/flash can be used again"],
  ["routeDown", "chat", "chat is up again"],
  ["routeDegraded", "chat", "chat is answered by its first lane again"],
  ["sloBurn", "chat (slow)", "chat no longer uses up its error budget slowly"],
  ["budgetNearlySpent", "money", "The budget is no longer nearly spent"],
  ["journalInUse", "journal", "The database has everything again"],
  ["storeAway", "cache", "The cache's store is back"],
  ["deliveryFailing", "ops", "Alerts are delivered by ops again"]
]

describe("what a person reads", () => {
  for (const [what, says] of firing) {
    it(`when ${what.key} fires`, () => {
      const { meanwhile, title, todo, what: happened } = Words.of(what, present)
      assert.strictEqual([title, happened, meanwhile, todo].join("\n"), says)
    })
  }
  for (const [rule, subject, title] of over) {
    it(`when ${rule}:${subject} is over`, () => {
      const resolved = { ...alert(rule, subject), resolvedAt: at + 3_725_000, owed: true }
      assert.deepStrictEqual(Words.of(resolved, present), {
        title,
        what: "It lasted 1h 2m, since 2026-11-24 14:02 UTC."
      })
    })
  }
})

describe("a notification in words", () => {
  const item = (change: Notification.Item["change"], severity: AlertRules.Severity): Notification.Item => ({
    change,
    alert: "breakerOpen:gemini/flash",
    episode: "holdfast/breakerOpen:gemini/flash/0",
    rule: "breakerOpen",
    subject: "gemini/flash",
    severity,
    routes: ["chat"],
    since: at,
    title: "The circuit of gemini/flash is open",
    what: "Since then: because."
  })
  const about = (first: Notification.Item, ...rest: ReadonlyArray<Notification.Item>): Notification.Notification => ({
    id: "n",
    at,
    group: "provider gemini",
    instance: "gateway-1",
    url: "https://holdfast.example.com",
    items: [first, ...rest]
  })

  it("says one alert, or how many", () => {
    assert.strictEqual(
      Notification.headline(about(item("firing", "warning"))),
      "Firing: The circuit of gemini/flash is open"
    )
    const several = about(item("resolved", "info"), item("firing", "critical"), item("firing", "warning"))
    assert.strictEqual(Notification.headline(several), "2 firing, 1 resolved (provider gemini)")
    assert.strictEqual(Notification.severity(several), "critical")
  })

  it("as text", () => {
    assert.strictEqual(
      Notification.text(about(item("reminder", "warning"))),
      `Still firing (warning): The circuit of gemini/flash is open
Since then: because.

https://holdfast.example.com
Holdfast, gateway-1`
    )
  })
})
