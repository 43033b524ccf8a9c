/**
 * A scenario under one or two policies as a page to look at, in one file without anything to load: success and latency over
 * time, what each lane was taken for, and what its provider was asked against what it can serve.
 */
import type * as Result from "../Result.ts"
import type * as Scenario from "../Scenario.ts"
import { count, percent, span, usd } from "./figures.ts"

const width = 1000
const left = 64
const right = 16
const plot = width - left - right

/** The page. `results`: the policy in question first, what it is compared with behind it. */
export const render = (
  scenario: Scenario.Scenario,
  results: readonly [Result.Result, ...ReadonlyArray<Result.Result>]
): string => {
  const [first] = results
  const spanMs = first.series.sliceMs * first.series.slices.length
  const troubles = first.outages
  const sections = [
    chart({
      title: "Operations that succeeded, by when they arrived",
      height: 180,
      spanMs,
      troubles,
      range: { from: 0, to: 1, ticks: [0, 0.5, 1], label: (value) => `${value * 100} %` },
      lines: results.map((result, index) => ({
        name: result.policy,
        className: `policy-${index}`,
        values: result.series.slices.map(({ arrived, succeeded }) => (arrived === 0 ? null : succeeded / arrived)),
        label: percent
      }))
    }),
    latency(results, spanMs, troubles),
    ...results.map((result, index) => bands(result, index, spanMs)),
    ...first.lanes.map((lane, index) => load(scenario, results, lane.lane, index, spanMs, troubles))
  ]
  return page(scenario, results, sections)
}

interface Line {
  readonly name: string
  readonly className: string
  readonly values: ReadonlyArray<number | null>
  readonly label: (value: number) => string
}

interface Chart {
  readonly title: string
  readonly height: number
  readonly spanMs: number
  readonly troubles: ReadonlyArray<Result.OutageResult>
  readonly range: {
    readonly from: number
    readonly to: number
    readonly ticks: ReadonlyArray<number>
    readonly label: (value: number) => string
    readonly log?: boolean
  }
  readonly lines: ReadonlyArray<Line>
  /** Horizontal marks. */
  readonly marks?: ReadonlyArray<{ readonly at: number; readonly label: string }>
}

const chart = ({ height, lines, marks = [], range, spanMs, title, troubles }: Chart): string => {
  const scale = range.log === true ? Math.log : (value: number) => value
  const [low, high] = [scale(range.from), scale(range.to)]
  const y = (value: number) => {
    const part = (scale(Math.min(range.to, Math.max(range.from, value))) - low) / (high - low)
    return round(height - part * height)
  }
  const x = (index: number, of: number) => round(left + ((index + 0.5) / of) * plot)
  const legend = lines.map(({ className, name }) => `<span class="key ${className}">${escape(name)}</span>`).join("")
  const data = lines.map(({ label, name, values }) => ({
    name,
    values: values.map((value) => (value === null ? "–" : label(value)))
  }))
  return [
    `<section><h2>${escape(title)}</h2><p class="legend">${legend}</p>`,
    `<svg viewBox="0 -8 ${width} ${height + 32}" data-span="${spanMs}" data-lines="${escape(JSON.stringify(data))}">`,
    shade(troubles, spanMs, height),
    ...range.ticks.map(
      (tick) =>
        `<line class="grid" x1="${left}" x2="${width - right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
        `<text class="tick" x="${left - 8}" y="${y(tick) + 4}" text-anchor="end">${escape(range.label(tick))}</text>`
    ),
    axis(spanMs, height),
    ...marks.map(
      ({ at, label }) =>
        `<line class="mark" x1="${left}" x2="${width - right}" y1="${y(at)}" y2="${y(at)}"/>` +
        `<text class="mark-label" x="${width - right - 4}" y="${y(at) - 5}" text-anchor="end">${escape(label)}</text>`
    ),
    // The first one is what the page is about: it is drawn over the others.
    ...lines.toReversed().map(({ className, values }) => `<path class="line ${className}" d="${path(values, x, y)}"/>`),
    `<line class="cursor" y1="0" y2="${height}" x1="0" x2="0"/></svg></section>`
  ].join("\n")
}

const path = (
  values: ReadonlyArray<number | null>,
  x: (index: number, of: number) => number,
  y: (value: number) => number
): string => {
  let isDown = false
  return values
    .map((value, index) => {
      if (value === null) {
        isDown = false
        return ""
      }
      const step = `${isDown ? "L" : "M"}${x(index, values.length)} ${y(value)}`
      isDown = true
      return step
    })
    .join("")
}

const shade = (troubles: ReadonlyArray<Result.OutageResult>, spanMs: number, height: number): string =>
  troubles
    .map(({ from, kind, lane, until }) => {
      const at = left + (from / spanMs) * plot
      const wide = Math.max(1, ((Math.min(until, spanMs) - from) / spanMs) * plot)
      const title = `${lane}: ${kind}, ${span(until - from)}`
      return `<rect class="trouble" x="${round(at)}" y="0" width="${round(wide)}" height="${height}"><title>${escape(title)}</title></rect>`
    })
    .join("")

/** The instants at which the axis is labelled: about eight, at round spans. */
const axis = (spanMs: number, height: number): string => {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440].map((minutes) => minutes * 60_000)
  const step = steps.find((candidate) => spanMs / candidate <= 9) ?? spanMs
  return Array.from({ length: Math.floor(spanMs / step) + 1 }, (_, index) => {
    const at = round(left + ((index * step) / spanMs) * plot)
    return (
      `<line class="stroke" x1="${at}" x2="${at}" y1="${height}" y2="${height + 4}"/>` +
      `<text class="tick" x="${at}" y="${height + 18}" text-anchor="middle">${clock(index * step)}</text>`
    )
  }).join("")
}

const clock = (millis: number): string => {
  const minutes = Math.floor(millis / 60_000)
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`
}

const latency = (
  results: ReadonlyArray<Result.Result>,
  spanMs: number,
  troubles: ReadonlyArray<Result.OutageResult>
): string => {
  const all = results.flatMap(({ series }) => series.slices.flatMap(({ p50, p95 }) => [p50 ?? 0, p95 ?? 0]))
  const present = all.filter((value) => value > 0)
  const ticks = [100, 300, 1000, 3000, 10_000, 30_000, 60_000, 120_000, 300_000, 1_200_000]
  const least = Math.min(...present, 1000)
  const greatest = Math.max(...present, 2000)
  const from = ticks.findLast((tick) => tick <= least) ?? 10
  const to = ticks.find((tick) => tick >= greatest) ?? greatest
  return chart({
    title: "Latency of those that succeeded: 95th percentile, and the median in thin lines",
    height: 200,
    spanMs,
    troubles,
    range: { from, to, ticks: ticks.filter((tick) => tick >= from && tick <= to), label: span, log: true },
    lines: results.flatMap((result, index) => [
      {
        name: `${result.policy} p95`,
        className: `policy-${index}`,
        values: result.series.slices.map(({ p95 }) => p95),
        label: span
      },
      {
        name: `${result.policy} p50`,
        className: `policy-${index} thin`,
        values: result.series.slices.map(({ p50 }) => p50),
        label: span
      }
    ])
  })
}

/** What each lane was taken for, as bands over time. */
const bands = (result: Result.Result, index: number, spanMs: number): string => {
  if (index > 0 && result.changes.length === 0) return ""
  const row = 34
  const rows = result.lanes.map(({ lane }, at) => {
    const top = at * row
    const trouble = result.outages
      .filter((outage) => outage.lane === lane)
      .map(({ from, kind, until }) => bar(from, until, spanMs, top + 20, 6, "real", `really: ${kind}`))
    return [
      `<text class="tick" x="${left - 8}" y="${top + 15}" text-anchor="end">${escape(short(lane))}</text>`,
      bar(0, spanMs, spanMs, top + 4, 14, "closed", `${lane}: closed`),
      ...states(result, lane, spanMs).map(({ from, reason, state, until }) =>
        bar(from, until, spanMs, top + 4, 14, state, `${lane}: ${state} (${reason}), ${span(until - from)}`)
      ),
      ...trouble
    ].join("")
  })
  const height = result.lanes.length * row
  return [
    `<section><h2>What each lane was taken for by ${escape(result.policy)}, and what its provider went through</h2>`,
    '<p class="legend"><span class="key closed">well</span><span class="key degraded">passed by for its health</span><span class="key open">circuit open</span>',
    '<span class="key half-open">probing</span><span class="key cooling">cooling</span><span class="key real">trouble at the provider</span></p>',
    `<svg viewBox="0 0 ${width} ${height + 24}">${rows.join("")}${axis(spanMs, height)}</svg></section>`
  ].join("\n")
}

const bar = (
  from: number,
  until: number,
  spanMs: number,
  y: number,
  height: number,
  className: string,
  title: string
): string => {
  const end = Math.min(until, spanMs)
  if (from >= end) return ""
  const x = left + (from / spanMs) * plot
  const wide = Math.max(1.5, ((end - from) / spanMs) * plot)
  return `<rect class="band ${className}" x="${round(x)}" y="${y}" width="${round(wide)}" height="${height}"><title>${escape(title)}</title></rect>`
}

interface Stretch {
  readonly from: number
  readonly until: number
  readonly state: string
  readonly reason: string
}

const states = (result: Result.Result, lane: string, spanMs: number): ReadonlyArray<Stretch> => {
  const changes = result.changes.filter((change) => change.lane === lane)
  const cooling = changes.flatMap(({ at, reason, state, until }): ReadonlyArray<Stretch> =>
    state === "cooling" && until !== undefined ? [{ from: at, until, state, reason }] : []
  )
  /** From one change to the next of the same kind, but for the state that is nothing to show. */
  const stretches = (known: ReadonlyArray<string>, well: string): ReadonlyArray<Stretch> => {
    const own = changes.filter(({ state }) => known.includes(state))
    return own.flatMap(({ at, reason, state }, index): ReadonlyArray<Stretch> =>
      state === well ? [] : [{ from: at, until: own[index + 1]?.at ?? spanMs, state, reason }]
    )
  }
  return [
    ...stretches(["healthy", "degraded", "unhealthy"], "healthy"),
    ...cooling,
    ...stretches(["closed", "open", "half-open"], "closed")
  ]
}

/** What a provider was asked, against what it can serve. */
const load = (
  scenario: Scenario.Scenario,
  results: ReadonlyArray<Result.Result>,
  lane: string,
  index: number,
  spanMs: number,
  troubles: ReadonlyArray<Result.OutageResult>
): string => {
  const provider = scenario.providers[lane]
  const lines = results.flatMap((result, at): ReadonlyArray<Line> => {
    const seconds = result.series.sliceMs / 1000
    const position = result.series.lanes.indexOf(lane)
    if (position === -1) return []
    const perSecond = (of: (slice: Result.Slice) => ReadonlyArray<number>) =>
      result.series.slices.map((slice) => (of(slice)[position] ?? 0) / seconds)
    const label = (value: number) => `${value.toFixed(1)}/s`
    return [
      {
        name: `${result.policy}: asked`,
        className: `policy-${at}`,
        values: perSecond(({ offered }) => offered),
        label
      },
      {
        name: `${result.policy}: answered`,
        className: `policy-${at} thin`,
        values: perSecond(({ answered }) => answered),
        label
      }
    ]
  })
  const limit = provider?.limits?.requestsPerMinute
  const served = provider === undefined ? undefined : servedPerSecond(scenario.workload, provider)
  const marks = [
    ...(limit === undefined ? [] : [{ at: limit / 60, label: `its limit: ${limit} per minute` }]),
    ...(served === undefined ? [] : [{ at: served, label: `what its ${provider?.capacity?.slots} slots can serve` }])
  ]
  const highest = Math.max(
    1,
    ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)),
    ...marks.map(({ at }) => at)
  )
  const to = niceTop(highest)
  return chart({
    title: `Calls to ${lane} per second${index === 0 ? ", and how many were answered, in thin lines" : ""}`,
    height: 140,
    spanMs,
    troubles: troubles.filter((trouble) => trouble.lane === lane),
    range: { from: 0, to, ticks: [0, to / 2, to], label: (value) => String(value) },
    lines,
    marks
  })
}

/** What its slots serve on average, per second, when all of them are busy; `undefined` where they have no bound. */
const servedPerSecond = (workload: Scenario.Workload, provider: Scenario.Provider): number | undefined => {
  const { capacity, latency, tokensPerSecond } = provider
  if (capacity === undefined) return undefined
  const begin =
    "constant" in latency ? latency.constant : "exponential" in latency ? latency.exponential : meanOf(latency)
  const tokens = workload.tokens?.out ?? 200
  const rest =
    tokensPerSecond === undefined
      ? 0
      : ((typeof tokens === "number" ? tokens : meanOf(tokens)) * 1000) / tokensPerSecond
  return (capacity.slots * 1000) / ((begin + rest) * (capacity.slowdown ?? 1))
}

/** The mean of a log-normal distribution. */
const meanOf = ({ p50, p99 }: { readonly p50: number; readonly p99: number }): number =>
  p50 * Math.exp((Math.log(p99 / p50) / 2.326_348) ** 2 / 2)

const niceTop = (highest: number): number => {
  const magnitude = 10 ** Math.floor(Math.log10(highest))
  return ([1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].find((factor) => factor * magnitude >= highest) ?? 10) * magnitude
}

const card = (name: string, values: ReadonlyArray<string>): string =>
  `<div class="card"><h3>${escape(name)}</h3>${values
    .map((value, index) => `<p class="figure policy-${index}">${escape(value)}</p>`)
    .join("")}</div>`

const page = (
  scenario: Scenario.Scenario,
  results: readonly [Result.Result, ...ReadonlyArray<Result.Result>],
  sections: ReadonlyArray<string>
): string => {
  const [first] = results
  const each = (of: (result: Result.Result) => string) => results.map(of)
  const sources = (scenario.sources ?? []).map((source) =>
    /^https?:/.test(source) ? `<a href="${escape(source)}">${escape(source)}</a>` : escape(source)
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(scenario.name)} under ${escape(first.policy)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escape(scenario.name)}</h1>
<p>${escape(scenario.description ?? "")}</p>
<p class="fine">${count(first.operations)} operations in ${span(first.virtualMs)}, seed ${first.seed}.
Grey: trouble at a provider.${sources.length === 0 ? "" : ` After ${sources.join(", ")}.`}</p>
<p class="legend">${each(({ policy }) => policy)
    .map((policy, index) => `<span class="key policy-${index}">${escape(policy)}</span>`)
    .join("")}</p>
</header>
<div class="cards">
${card(
  "Succeeded",
  each(({ successRate }) => percent(successRate))
)}
${card(
  "p95",
  each(({ latencyMs }) => span(latencyMs.p95))
)}
${card(
  "First content p95",
  each(({ firstContentMs }) => span(firstContentMs.p95))
)}
${card(
  "Calls per operation",
  each(({ amplification }) => amplification.toFixed(2))
)}
${card(
  "Wasted calls",
  each(({ wasted }) => count(wasted.calls))
)}
${card(
  "Cost",
  each(({ costUsd }) => usd(costUsd))
)}
${card(
  "Recovered in",
  each(({ recoveryMs }) => span(recoveryMs))
)}
</div>
${sections.join("\n")}
<div id="tip"></div>
<script>${script}</script>
</body>
</html>
`
}

const style = `
:root { color-scheme: light dark; --ink: light-dark(#1c2430, #e6e9ee); --soft: light-dark(#667084, #98a2b3); --rule: light-dark(#e3e7ee, #2b3340);
  --paper: light-dark(#fff, #12161c); --card: light-dark(#f6f8fb, #1a2029); --a: light-dark(#0b6e99, #4cc2f1); --b: light-dark(#c2410c, #fb923c);
  --grey: light-dark(#eceef2, #262d38); --ok: light-dark(#9bd3b0, #2c6e4a); --bad: light-dark(#d92d20, #f97066); --probe: #f5b301; --cool: light-dark(#7f9cf5, #6f8ef0); --fair: light-dark(#f3d9a4, #6b5426) }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 1040px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: .95rem; font-weight: 600; margin: 1.6rem 0 .2rem } h3 { font-size: .78rem; font-weight: 500; margin: 0; color: var(--soft) }
p { margin: .3rem 0 } .fine { color: var(--soft); font-size: .85rem } a { color: inherit }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(125px, 1fr)); gap: .6rem; margin: 1rem 0 }
.card { background: var(--card); border-radius: 8px; padding: .6rem .8rem } .figure { margin: 0; font-variant-numeric: tabular-nums }
.figure.policy-0 { font-size: 1.35rem; font-weight: 600; color: var(--a) } .figure.policy-1 { color: var(--b); font-size: .95rem }
.legend { font-size: .8rem; color: var(--soft); margin: 0 0 .2rem } .key { margin-right: 1rem; white-space: nowrap }
.key::before { content: ""; display: inline-block; width: 14px; height: 4px; border-radius: 2px; margin-right: 6px; vertical-align: middle; background: currentColor }
.key.policy-0::before { background: var(--a) } .key.policy-1::before { background: var(--b) } .key.thin::before { height: 1px }
.key.closed::before { background: var(--ok); height: 10px } .key.open::before { background: var(--bad); height: 10px } .key.half-open::before { background: var(--probe); height: 10px }
.key.cooling::before { background: var(--cool); height: 10px } .key.real::before { background: var(--soft); height: 6px }
svg { width: 100%; height: auto; display: block; overflow: visible } text { font: 11px system-ui, sans-serif; fill: var(--soft) }
.grid { stroke: var(--rule) } .stroke { stroke: var(--soft) } .trouble { fill: var(--grey);  }
.line { fill: none; stroke-width: 2; stroke-linejoin: round } .line.thin { stroke-width: 1; opacity: .75 } .line.policy-0 { stroke: var(--a) } .line.policy-1 { stroke: var(--b) }
.mark { stroke: var(--ink); stroke-dasharray: 5 4; opacity: .6 } .mark-label { fill: var(--ink) }
.band.degraded, .band.unhealthy { fill: var(--fair) } .key.degraded::before { background: var(--fair); height: 10px }
.band.closed { fill: var(--ok); opacity: .55 } .band.open { fill: var(--bad) } .band.half-open { fill: var(--probe) } .band.cooling { fill: var(--cool) } .band.real { fill: var(--soft) }
.cursor { stroke: var(--soft); visibility: hidden; pointer-events: none }
#tip { position: fixed; display: none; background: var(--card); border: 1px solid var(--rule); border-radius: 6px; padding: .3rem .6rem; font-size: .8rem; pointer-events: none; white-space: pre }
`

/** Follows the pointer: the instant, and the value of every line there. */
const script = `
const tip = document.getElementById("tip")
for (const svg of document.querySelectorAll("svg[data-lines]")) {
  const lines = JSON.parse(svg.dataset.lines), span = Number(svg.dataset.span), cursor = svg.querySelector(".cursor")
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * ${width}
    const part = Math.min(0.9999, Math.max(0, (x - ${left}) / ${plot})), minutes = Math.floor(part * span / 60000)
    cursor.setAttribute("x1", x); cursor.setAttribute("x2", x); cursor.style.visibility = "visible"
    tip.textContent = Math.floor(minutes / 60) + ":" + String(minutes % 60).padStart(2, "0") + "\\n" +
      lines.map((line) => line.name + ": " + line.values[Math.floor(part * line.values.length)]).join("\\n")
    tip.style.display = "block"; tip.style.top = event.clientY + 14 + "px"
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px"
  })
  svg.addEventListener("pointerleave", () => { tip.style.display = "none"; cursor.style.visibility = "hidden" })
}
`

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const short = (lane: string): string => (lane.length > 9 ? (lane.split("/")[0] ?? lane).slice(0, 9) : lane)

const round = (value: number): number => Math.round(value * 10) / 10
