import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import type { Event } from "@holdfast/core"
import { AlertRules, type AlertState, Watch } from "@holdfast/telemetry"
import {
  attempt,
  cacheStore,
  circuit,
  cooling,
  delivery,
  health,
  journal,
  operation,
  route,
  sharing
} from "./Events.ts"

const settings = AlertRules.make({ rules: { budgetNearlySpent: { usd: 10, per: Duration.days(1), at: 0.8 } } })
const routes = [route("chat", "acme/a", "zeta/c"), route("mini", "acme/b", "zeta/c"), route("embed", "acme/e")]

const words = (signals: ReadonlyArray<AlertState.Signal>) =>
  signals.map((signal) => (signal._tag === "Raised" ? `+ ${signal.condition.key}` : `- ${signal.key}`))

/** What a watch says to each of the events, or instants to look at. */
const hear = (watch: Watch.Watch, ...script: ReadonlyArray<Event.Event | number>) =>
  script.flatMap((one) => words(typeof one === "number" ? watch.look(one) : watch.observe(one)))

const cases: ReadonlyArray<
  readonly [what: string, script: ReadonlyArray<Event.Event | number>, says: ReadonlyArray<string>]
> = [
  [
    "a circuit from its opening, over its probes, until it closes",
    [
      circuit(1, "acme/a", "open"),
      circuit(2, "acme/a", "half-open"),
      circuit(3, "acme/a", "open", { from: "half-open" }),
      circuit(4, "acme/a", "half-open"),
      circuit(5, "acme/a", "closed")
    ],
    ["+ breakerOpen:acme/a", "- breakerOpen:acme/a"]
  ],
  [
    "no circuit that is only observed, or only advised by another instance",
    [circuit(1, "acme/a", "open", { observed: true }), circuit(2, "acme/b", "open", { advisedBy: "other" })],
    []
  ],
  [
    "no circuit that a refused credential or an exhausted quota has opened: they have rules of their own",
    [
      attempt(1, "acme/a", "Authentication"),
      circuit(2, "credential:acme", "open", { reason: "Authentication" }),
      attempt(3, "zeta/c", "QuotaExceeded"),
      circuit(4, "credential:zeta", "open", { reason: "QuotaExceeded" })
    ],
    [
      "+ authenticationFailed:credential:acme",
      "+ routeDown:embed",
      "+ quotaExhausted:zeta/c",
      "+ routeDown:chat",
      "+ routeDown:mini"
    ]
  ],
  [
    "a circuit that was advised, once it opens by what happens here",
    [
      circuit(1, "acme/a", "open", { advisedBy: "other" }),
      circuit(2, "acme/a", "half-open"),
      circuit(3, "acme/a", "open", { from: "half-open" })
    ],
    ["+ breakerOpen:acme/a"]
  ],
  [
    "a lane while it is unhealthy",
    [health(1, "acme/a", "degraded"), health(2, "acme/a", "unhealthy"), health(3, "acme/a", "degraded")],
    ["+ laneUnhealthy:acme/a", "- laneUnhealthy:acme/a"]
  ],
  [
    "a quota until the lane answers, and that another one answers changes nothing",
    [
      attempt(1, "acme/a", "QuotaExceeded"),
      attempt(2, "acme/a", "QuotaExceeded"),
      attempt(3, "acme/b", "Success"),
      attempt(4, "acme/a", "Success")
    ],
    ["+ quotaExhausted:acme/a", "- quotaExhausted:acme/a"]
  ],
  [
    "a credential once, whichever of its lanes is refused, until one of them answers",
    [
      attempt(1, "acme/a", "Authentication"),
      attempt(2, "acme/b", "Authentication"),
      attempt(3, "zeta/c", "Success"),
      attempt(4, "acme/b", "Success")
    ],
    ["+ authenticationFailed:credential:acme", "- authenticationFailed:credential:acme"]
  ],
  [
    "a model that is not there, or not for this credential",
    [attempt(1, "acme/a", "ModelNotFound"), attempt(2, "acme/b", "PermissionDenied"), attempt(3, "acme/a", "Success")],
    ["+ misconfigured:acme/a", "+ misconfigured:acme/b", "- misconfigured:acme/a"]
  ],
  [
    "a route whose lanes are all open or cooling, and only while they are",
    [
      circuit(1, "zeta/c", "open"),
      cooling(2, "acme/a", 50),
      49,
      50,
      circuit(60, "acme/b", "open"),
      circuit(70, "acme/b", "half-open"),
      circuit(80, "acme/b", "closed")
    ],
    [
      "+ breakerOpen:zeta/c",
      "+ routeDown:chat",
      "- routeDown:chat",
      "+ breakerOpen:acme/b",
      "+ routeDown:mini",
      "- breakerOpen:acme/b",
      "- routeDown:mini"
    ]
  ],
  [
    "all routes whose lanes share an open credential",
    [circuit(1, "credential:acme", "open"), circuit(2, "zeta/c", "open")],
    [
      "+ breakerOpen:credential:acme",
      "+ routeDown:embed",
      "+ breakerOpen:zeta/c",
      "+ routeDown:chat",
      "+ routeDown:mini"
    ]
  ],
  [
    "a route that is answered by another lane than its first, or by its last resort; the cache says nothing",
    [
      operation(1, "chat", "Success", { lane: "zeta/c", degraded: true }),
      operation(2, "chat", "AllLanesFailed"),
      operation(3, "chat", "Success", { source: "cache", degraded: false }),
      operation(4, "chat", "Success", { source: "last-resort", degraded: true }),
      operation(5, "chat", "Success", { lane: "acme/a" })
    ],
    ["+ routeDegraded:chat", "+ routeDegraded:chat", "- routeDegraded:chat"]
  ],
  [
    "errors that use up the budget, until they do no longer; what callers got wrong is not counted",
    [
      ...Array.from({ length: 20 }, (_, n) => operation(n, "chat", "InvalidRequest")),
      ...Array.from({ length: 10 }, (_, n) => operation(100 + n, "chat", "AllLanesFailed")),
      4 * 60_000,
      6 * 60_000,
      3_600_000 * 7
    ],
    // Over five minutes nothing fails any more, over half an hour it does: the next condition holds.
    ["+ sloBurn:chat (fast)", "+ sloBurn:chat (fast)", "- sloBurn:chat (fast)"]
  ],
  [
    "money that is nearly spent, until the next day",
    [
      attempt(1, "acme/a", "Success", { usd: 7.99 }),
      attempt(2, "acme/a", "Success", { usd: 0.01 }),
      attempt(3, "acme/a", "Success", { usd: 0.001 }),
      86_400_000
    ],
    ["+ budgetNearlySpent:money", "- budgetNearlySpent:money"]
  ],
  [
    "stores that are away",
    [sharing(1, "local"), sharing(2, "shared"), cacheStore(3, false), cacheStore(4, true)],
    ["+ storeAway:sharing", "- storeAway:sharing", "+ storeAway:cache", "- storeAway:cache"]
  ],
  [
    "a journal that fills",
    [journal(1, "behind"), journal(2, "full"), journal(3, "current")],
    ["+ journalInUse:journal", "+ journalInUse:journal", "- journalInUse:journal"]
  ],
  ["a delivery that fails", [delivery(1, false), delivery(2, true)], ["+ deliveryFailing:ops", "- deliveryFailing:ops"]]
]

describe("the watch", () => {
  for (const [what, script, says] of cases) {
    it(`tells of ${what}`, () => {
      assert.deepStrictEqual(hear(new Watch.Watch(routes, settings), ...script), says)
    })
  }

  it("tells who it matters to, and why", () => {
    const watch = new Watch.Watch(routes, settings)
    assert.deepStrictEqual(watch.observe(circuit(1, "zeta/c", "open")), [
      {
        _tag: "Raised",
        condition: {
          key: "breakerOpen:zeta/c",
          rule: "breakerOpen",
          subject: "zeta/c",
          severity: "warning",
          provider: "zeta",
          lane: "zeta/c",
          routes: ["chat", "mini"],
          detail: "5 failures in a row, the last one ServiceUnavailable"
        }
      }
    ])
    watch.observe(operation(7, "chat", "Success", { lane: "zeta/c", degraded: true }))
    assert.deepStrictEqual(watch.answer("chat"), { lane: "zeta/c", at: 7 })
    assert.strictEqual(watch.preferred("chat"), "acme/a")
  })

  it("tells nothing by a rule that is off", () => {
    const off = AlertRules.make({ rules: { breakerOpen: false, routeDegraded: false, sloBurn: false } })
    const watch = new Watch.Watch(routes, off)
    assert.deepStrictEqual(
      hear(watch, circuit(1, "acme/a", "open"), operation(2, "chat", "Success", { lane: "zeta/c", degraded: true })),
      []
    )
  })
})

describe("after a restart the watch", () => {
  const firing = (condition: AlertState.Signal | undefined): AlertState.Alert =>
    condition?._tag === "Raised" ? { ...condition.condition, since: 0, firingSince: 1 } : assert.fail()

  it("takes an answer of the lane as the end of what its circuit was, and a new opening as the same going on", () => {
    const before = new Watch.Watch(routes, settings)
    const alerts = ["acme/a", "acme/b"].map((lane) => firing(before.observe(circuit(1, lane, "open"))[0]))
    const after = new Watch.Watch(routes, settings)
    after.resume(alerts, before.memory())
    assert.deepStrictEqual(
      hear(after, attempt(2, "acme/a", "Success"), circuit(3, "acme/b", "open"), attempt(4, "acme/b", "Success")),
      ["- breakerOpen:acme/a", "+ breakerOpen:acme/b"]
    )
  })

  it("ends a route's being down when it is answered, not because no circuit has opened yet", () => {
    const before = new Watch.Watch(routes, settings)
    before.observe(circuit(1, "acme/e", "open"))
    const down = firing({
      _tag: "Raised",
      condition: {
        key: "routeDown:embed",
        rule: "routeDown",
        subject: "embed",
        severity: "critical",
        routes: ["embed"],
        detail: "all"
      }
    })
    const after = new Watch.Watch(routes, settings)
    after.resume([down], before.memory())
    assert.deepStrictEqual(
      hear(after, 10, operation(11, "embed", "AllLanesFailed"), operation(12, "embed", "Success", { lane: "acme/e" })),
      ["- routeDown:embed"]
    )
  })

  it("still knows what was spent and what has burned", () => {
    const before = new Watch.Watch(routes, settings)
    hear(before, attempt(1, "acme/a", "Success", { usd: 7 }))
    for (let n = 0; n < 9; n++) before.observe(operation(n, "chat", "AllLanesFailed"))
    const after = new Watch.Watch(routes, settings)
    after.resume([], JSON.parse(JSON.stringify(before.memory())))
    assert.deepStrictEqual(
      hear(after, attempt(2, "acme/a", "Success", { usd: 1 }), operation(3, "chat", "AllLanesFailed")),
      ["+ budgetNearlySpent:money", "+ sloBurn:chat (fast)"]
    )
  })
})
