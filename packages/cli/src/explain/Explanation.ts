/** A route in words and numbers: what it sends where, what guards it, and what it does about each failure. Pure. */
import * as Disposition from "@holdfast/core/Disposition"
import * as Failure from "@holdfast/core/Failure"
import type * as Lane from "@holdfast/core/Lane"
import type * as Policy from "@holdfast/core/Policy"
import * as RetryPolicy from "@holdfast/core/RetryPolicy"
import type { Route } from "@holdfast/gateway/Routes"
import * as Duration from "effect/Duration"

/** Of a route: its lanes, its guards and what happens when something fails. */
export const of = (route: Route, degraded: string | undefined): string => {
  const { lanes, name, policy } = route
  const kind = route.embed === undefined ? "text" : "vectors"
  return [
    `Route ${name}: ${kind}, over ${count(lanes.length, "lane")}`,
    "",
    lanes.length === 1 ? "The lane" : "The lanes, most preferred first (the healthiest of them is asked)",
    ...lanes.map((lane, index) => `  ${index + 1}. ${laneOf(lane)}`),
    "",
    "What one operation may take",
    ...bullets(budget(policy)),
    "",
    "What guards each lane",
    ...bullets(guards(policy)),
    "",
    "What happens when an attempt fails",
    ...failures(policy, lanes),
    "",
    "What happens otherwise",
    ...bullets(otherwise(policy, lanes, kind, degraded)),
    ""
  ].join("\n")
}

const bullets = (lines: ReadonlyArray<string | false>): ReadonlyArray<string> =>
  lines.filter((line) => line !== false).map((line) => `  - ${line}`)

const span = (duration: Duration.Duration): string => Duration.format(duration)
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`
const percent = (part: number): string => `${Number((part * 100).toFixed(1))} %`

const laneOf = (lane: Lane.Lane): string => {
  const { contextWindow, dimensions, jsonSchema, maxOutputTokens, prefill, streaming, tools, vision } =
    lane.capabilities
  const known = [
    contextWindow !== undefined && `window ${contextWindow} tokens`,
    maxOutputTokens !== undefined && `writes up to ${maxOutputTokens}`,
    dimensions !== undefined && `vectors of ${dimensions}`,
    ability("tools", tools),
    ability("images", vision),
    ability("JSON schema", jsonSchema),
    ability("streams", streaming),
    prefill === true && "goes on with a begun answer"
  ].filter((one) => one !== false)
  return `${lane.id}: ${known.length === 0 ? "nothing is known of what it can do" : known.join(", ")}; ${priceOf(lane)}`
}

const ability = (what: string, can: boolean | undefined): string | false =>
  can === undefined ? false : can ? what : `no ${what}`

/** Of small requests: long ones cost more with some models. */
const priceOf = ({ cost }: Lane.Lane): string => {
  const input = cost?.({ inputTokens: 1000, outputTokens: 0 })
  const output = cost?.({ inputTokens: 0, outputTokens: 1000 })
  if (input === undefined || output === undefined) return "its price is not known"
  return `a million tokens cost ${usd(input * 1000)} in${output === 0 ? "" : `, ${usd(output * 1000)} out`}`
}

const usd = (dollars: number): string => `$${Number(dollars.toPrecision(6))}`

const budget = ({ budget, clocks }: Policy.Policy): ReadonlyArray<string | false> => [
  `${span(clocks.total)} in all, waits and retries included`,
  `${count(budget.maxAttempts, "request")} to providers, over retries, lanes and hedges`,
  budget.maxTokens !== undefined && `${budget.maxTokens} tokens, reserved before each request`,
  budget.maxUsd !== undefined && `$${budget.maxUsd} at list prices, reserved before each request`
]

const guards = ({
  breaker,
  bulkhead,
  clocks,
  hedge,
  limits,
  retryBudget,
  retryQuota,
  throttle
}: Policy.Policy): ReadonlyArray<string | false> => [
  `Its circuit opens ${opensAfter(breaker)}; it stays open for ${openFor(breaker)}, ` +
    `then ${count(breaker.probes, "probe")} may go, and ${breaker.probeSuccesses === 1 ? "one that succeeds closes" : `${breaker.probeSuccesses} that succeed close`} it`,
  `${bulkhead.maxConcurrent} calls run at once${bulkhead.adaptive === undefined ? "" : " at most; how many, it finds out"}, ` +
    `${bulkhead.maxQueue} wait, for ${span(bulkhead.queueTimeout)} at most`,
  (limits.requestsPerMinute !== undefined || limits.tokensPerMinute !== undefined) &&
    `At most ${[
      limits.requestsPerMinute !== undefined && `${limits.requestsPerMinute} requests`,
      limits.tokensPerMinute !== undefined && `${limits.tokensPerMinute} tokens`
    ]
      .filter((one) => one !== false)
      .join(" and ")} a minute for each credential and model`,
  "What its provider says is left, and how long to wait, is heeded for everybody",
  `A connection may take ${span(clocks.connect)}; an answer ${span(clocks.plainAttempt)}; ` +
    `of a stream the first content ${span(clocks.firstContent)}, each gap ${span(clocks.chunkGap)}, all of it ${span(clocks.attempt)}`,
  `Retries are at most ${percent(retryBudget.ratio)} of its calls, and ${retryBudget.reservePerSecond} a second more`,
  retryQuota.enabled &&
    `They are paid from a quota of ${retryQuota.capacity} as well, ${retryQuota.cost} each (${retryQuota.throttledCost} where it throttles), which only answers fill`,
  throttle.enabled && `Of what it does not take, a part is refused here (k = ${throttle.k})`,
  hedge.enabled &&
    `An attempt slower than ${hedge.delay === undefined ? `${percent(hedge.quantile)} of its answers` : span(hedge.delay)} gets one more beside it`
]

const opensAfter = ({ consecutiveFailures, minimumCalls, rate, slowCall, slowRate, window, windowCalls }: Breaker) => {
  const over = windowCalls === undefined ? span(window) : `the last ${windowCalls}`
  const reasons = [
    consecutiveFailures > 0 && `after ${count(consecutiveFailures, "failure")} in a row`,
    rate > 0 && `when ${percent(rate)} of ${minimumCalls} calls or more in ${over} have failed`,
    slowRate > 0 &&
      slowCall !== undefined &&
      `when ${percent(slowRate)} of ${minimumCalls} calls or more in ${over} took longer than ${span(slowCall)}`
  ].filter((one) => one !== false)
  return reasons.length === 0 ? "only for a refused key" : reasons.join(", or ")
}

type Breaker = Policy.Policy["breaker"]

const openFor = ({ open, openGrowth, openMax, openTimes }: Breaker): string => {
  if (openTimes !== undefined) return openTimes.map(span).join(", ")
  return openGrowth === 1 || Duration.equals(open, openMax)
    ? span(open)
    : `${span(open)}, each time in a row ${openGrowth} times as long, up to ${span(openMax)}`
}

/** Classes about which the same is done share a line. */
const failures = (policy: Policy.Policy, lanes: ReadonlyArray<Lane.Lane>): ReadonlyArray<string> => {
  const lines = new Map<string, Array<Failure.Class>>()
  for (const class_ of Failure.Class.literals) {
    const what = reaction(class_, policy, lanes)
    const known = lines.get(what)
    if (known === undefined) lines.set(what, [class_])
    else known.push(class_)
  }
  return [...lines].map(([what, classes]) => `  - ${classes.join(", ")}: ${what}`)
}

const reaction = (class_: Failure.Class, policy: Policy.Policy, lanes: ReadonlyArray<Lane.Lane>): string => {
  const line = Disposition.table[class_]
  const retries = Math.min(line.maxRetries, policy.retry.maxRetries)
  const delays = Array.from({ length: Math.min(retries, 8) }, (_, index) =>
    span(
      Duration.millis(
        RetryPolicy.delayMillis({ ...policy.retry, jitter: "none-unsafe" }, index + 1, line.baseFactor, 0, 0)
      )
    )
  )
  const again =
    retries === 0
      ? "not asked again"
      : `asked again ${retries === 1 ? "once" : `up to ${retries} times`}, after ${delays.join(", ")}${retries > delays.length ? ", …" : ""}`
  return [
    again,
    elsewhere(line.failover, policy, lanes),
    learns(line),
    ...(line.alert ? ["a person is told"] : [])
  ].join("; ")
}

const elsewhere = (
  failover: Disposition.Disposition["failover"],
  { fallback }: Policy.Policy,
  lanes: ReadonlyArray<Lane.Lane>
): string => {
  const isAllowed = failover === "yes" || (failover === "opt-in" && fallback.onContentPolicy)
  if (failover === "no" || (failover === "opt-in" && !isAllowed)) return "it is the caller's"
  if (lanes.length === 1) return "there is no other lane"
  return isAllowed ? "then the next lane" : "then a lane with a larger window, if there is one"
}

const learns = ({ circuit, outcome }: Disposition.Disposition): string => {
  switch (outcome) {
    case "failure":
      return `counts against the ${circuit}`
    case "trip":
      return `opens the ${circuit}'s circuit at once`
    case "throttled":
      return `cools the ${circuit} until the time its provider names`
    default:
      return "no circuit learns of it"
  }
}

const otherwise = (
  { cache, coalesce, fallback, retry, stream }: Policy.Policy,
  lanes: ReadonlyArray<Lane.Lane>,
  kind: "text" | "vectors",
  degraded: string | undefined
): ReadonlyArray<string | false> => [
  retry.jitter === "none-unsafe"
    ? "Waits are not spread by chance"
    : `Waits are spread by chance (${retry.jitter}); a longer wait that the provider names is kept, up to ${span(retry.patience)} on one lane`,
  fallback.waitForReopening
    ? "When every lane is closed and one reopens in time, it is waited for; else it fails at once and says when to come back"
    : "When every lane is closed it fails at once, and says when to come back",
  lanes.length > 1 &&
    (fallback.spillOver
      ? "When all slots of a lane are taken, a lane that has one free is asked; where none has, the call stands in line"
      : "When all slots of a lane are taken, the call stands in its line, though another may have one free"),
  lanes.length > 1 &&
    kind === "text" &&
    "A lane whose window is clearly too small for a request is not asked; a request that breaks two providers which answer others goes to no third",
  kind === "text" && afterContent(stream.onFailure),
  Duration.toMillis(cache.ttl) > 0 && `An answer is given again for ${span(cache.ttl)}`,
  Duration.toMillis(cache.staleIfError) > 0 &&
    `An old answer stands in for a failure for ${span(cache.staleIfError)} more`,
  coalesce.enabled && "Identical calls at the same time share one operation",
  degraded !== undefined && `When nothing else answers: ${JSON.stringify(degraded)}`
]

const afterContent = (onFailure: Policy.Stream["onFailure"]): string => {
  switch (onFailure) {
    case "surface":
      return "A stream that breaks behind its first content ends with the failure"
    case "continue":
      return "A stream that breaks behind its first content is gone on with, never behind a tool call"
    case "restart":
      return "A stream that breaks behind its first content begins anew for callers who know that, and ends with the failure for others"
  }
}
