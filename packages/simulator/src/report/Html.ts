/**
 * A scenario under one or two policies as a page to look at, in one file without anything to load: success and latency over
 * time, what each lane was taken for, and what its provider was asked against what it can serve.
 */
import type * as Result from "../Result.ts"
import type * as Scenario from "../Scenario.ts"
import { count, percent, span, usd } from "./figures.ts"
import * as Picture from "./Picture.ts"

const width = 1000
const left = 64
const right = 16
const plot = width - left - right

/** The page. `results`: the policy in question first, what it is compared with behind it. */
export const render = (
  scenario: Scenario.Scenario,
  results: readonly [Result.Result, ...ReadonlyArray<Result.Result>]
): string => draw(Picture.of(scenario, results))

/** The same of what was reckoned already. */
export const draw = (picture: Picture.Picture): string => {
  const { policies, spanMs, troubles } = picture
  const sections = [
    chart({
      title: "Operations that succeeded, by when they arrived",
      height: 180,
      spanMs,
      troubles,
      range: { from: 0, to: 1, ticks: [0, 0.5, 1], label: (value) => `${value * 100} %` },
      lines: policies.map(({ policy, success }, index) => ({
        name: policy,
        className: `policy-${index}`,
        values: success,
        label: percent
      }))
    }),
    latency(picture),
    ...policies.map((policy, index) => bands(picture, policy, index)),
    ...picture.providers.map((provider, index) => load(picture, provider, index))
  ]
  return page(picture, sections)
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
  readonly troubles: Picture.Picture["troubles"]
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

const shade = (troubles: Picture.Picture["troubles"], spanMs: number, height: number): string =>
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

const latency = ({ policies, spanMs, troubles }: Picture.Picture): string => {
  const present = policies.flatMap(({ p50, p95 }) => [...p50, ...p95]).filter((value) => value !== null && value > 0)
  const ticks = [100, 300, 1000, 3000, 10_000, 30_000, 60_000, 120_000, 300_000, 1_200_000]
  const least = present.reduce<number>((least, value) => Math.min(least, value ?? least), 1000)
  const greatest = present.reduce<number>((most, value) => Math.max(most, value ?? most), 2000)
  const from = ticks.findLast((tick) => tick <= least) ?? 10
  const to = ticks.find((tick) => tick >= greatest) ?? greatest
  return chart({
    title: "Latency of those that succeeded: 95th percentile, and the median in thin lines",
    height: 200,
    spanMs,
    troubles,
    range: { from, to, ticks: ticks.filter((tick) => tick >= from && tick <= to), label: span, log: true },
    lines: policies.flatMap(({ p50, p95, policy }, index) => [
      { name: `${policy} p95`, className: `policy-${index}`, values: p95, label: span },
      { name: `${policy} p50`, className: `policy-${index} thin`, values: p50, label: span }
    ])
  })
}

/** What each lane was taken for, as bands over time. */
const bands = (picture: Picture.Picture, { lanes, policy }: Picture.Policy, index: number): string => {
  if (index > 0 && lanes.every(({ states }) => states.length === 0)) return ""
  const { spanMs, troubles } = picture
  const row = 34
  const rows = lanes.map(({ lane, states }, at) => {
    const top = at * row
    return [
      `<text class="tick" x="${left - 8}" y="${top + 15}" text-anchor="end">${escape(short(lane))}</text>`,
      bar(0, spanMs, spanMs, top + 4, 14, "closed", `${lane}: closed`),
      ...states.map(({ from, reason, state, until }) =>
        bar(from, until, spanMs, top + 4, 14, state, `${lane}: ${state} (${reason}), ${span(until - from)}`)
      ),
      ...troubles
        .filter((trouble) => trouble.lane === lane)
        .map(({ from, kind, until }) => bar(from, until, spanMs, top + 20, 6, "real", `really: ${kind}`))
    ].join("")
  })
  const height = lanes.length * row
  return [
    `<section><h2>What each lane was taken for by ${escape(policy)}, and what its provider went through</h2>`,
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

/** What a provider was asked, against what it can serve. */
const load = (
  { policies, spanMs, troubles }: Picture.Picture,
  { lane, requestsPerMinute, servedPerSecond, slots }: Picture.Picture["providers"][number],
  index: number
): string => {
  const label = (value: number) => `${value.toFixed(1)}/s`
  const lines = policies.flatMap((policy, at): ReadonlyArray<Line> => {
    const own = policy.lanes.find((one) => one.lane === lane)
    if (own === undefined) return []
    return [
      { name: `${policy.policy}: asked`, className: `policy-${at}`, values: own.asked, label },
      { name: `${policy.policy}: answered`, className: `policy-${at} thin`, values: own.answered, label }
    ]
  })
  const marks = [
    ...(requestsPerMinute === null
      ? []
      : [{ at: requestsPerMinute / 60, label: `its limit: ${requestsPerMinute} per minute` }]),
    ...(servedPerSecond === null ? [] : [{ at: servedPerSecond, label: `what its ${slots} slots can serve` }])
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

const niceTop = (highest: number): number => {
  const magnitude = 10 ** Math.floor(Math.log10(highest))
  return ([1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].find((factor) => factor * magnitude >= highest) ?? 10) * magnitude
}

const card = (name: string, values: ReadonlyArray<string>): string =>
  `<div class="card"><h3>${escape(name)}</h3>${values
    .map((value, index) => `<p class="figure policy-${index}">${escape(value)}</p>`)
    .join("")}</div>`

const page = (picture: Picture.Picture, sections: ReadonlyArray<string>): string => {
  const { description = "", policies, scenario, seed } = picture
  const [first] = policies
  const each = (of: (policy: Picture.Policy) => string) => policies.map(of)
  const sources = picture.sources.map((source) =>
    /^https?:/.test(source) ? `<a href="${escape(source)}">${escape(source)}</a>` : escape(source)
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(scenario)} under ${escape(first.policy)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escape(scenario)}</h1>
<p>${escape(description)}</p>
<p class="fine">${count(picture.operations)} operations in ${span(picture.virtualMs)}, seed ${seed}.
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
