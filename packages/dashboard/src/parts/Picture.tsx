import { useSignal } from "@preact/signals"
import type { Answer, Picture as Data, PicturePolicy } from "@holdfast/gateway/admin/WhatIfModel"
import * as api from "../api.ts"
import { dollars, exactPercent, millis, number, percent, plain, rate, span } from "../words.ts"
import { axisWidth, Chart, type Line } from "./Chart.tsx"

/** A simulated storm: what came of it in a sentence, in figures, and over time. */
export const Picture = (props: {
  readonly answer: Answer
  readonly route: string
  /** What it is compared with. */
  readonly other: string | undefined
}) => {
  const { id, picture } = props.answer
  const [ours, theirs] = picture.policies
  const zoomed = useSignal<{ readonly from: number; readonly to: number } | undefined>(undefined)
  const { from, to } = zoomed.value ?? { from: 0, to: picture.spanMs }
  const at = ours.success.map((_, index) => (index + 0.5) * picture.sliceMs)
  const common = {
    at,
    from,
    to,
    axis,
    group: "storm",
    marks: [],
    onZoom: (start: number, end: number) => {
      if (end - start >= 4 * picture.sliceMs) zoomed.value = { from: Math.max(0, start), to: end }
    }
  }
  const policies: ReadonlyArray<PicturePolicy> = picture.policies
  return (
    <div class="storm">
      <div class="verdict">
        <p>
          <strong>{exactPercent(ours.successRate)}</strong> of {number(ours.operations)} operations would be answered by{" "}
          {props.route} in {picture.scenario}
          {theirs === undefined ? (
            "."
          ) : (
            <>
              ; {howOf(props.other ?? theirs.policy)}, <strong>{exactPercent(theirs.successRate)}</strong>.
            </>
          )}
        </p>
        <a class="button" href={api.whatIfPage(id)} download>
          Download the report
        </a>
        {zoomed.value === undefined ? null : (
          <button type="button" onClick={() => (zoomed.value = undefined)}>
            Zoom out
          </button>
        )}
      </div>
      <Figures policies={policies} hasTrouble={picture.troubles.length > 0} />
      <p class="dim">
        Over {span(picture.virtualMs)}, seed {picture.seed}. Shaded: a provider is in trouble. Drag over a chart to look
        closer.
      </p>
      <div class="charts">
        <Chart
          {...common}
          title="Operations that are answered, by when they came"
          format={(value) => percent(value)}
          max={1}
          shades={picture.troubles}
          lines={policies.map(({ policy, success }, index) => ({ label: policy, values: success, ...styleOf(index) }))}
        />
        <Chart
          {...common}
          title="Latency of those that are answered"
          format={(value) => millis(value)}
          isLog
          shades={picture.troubles}
          lines={policies.flatMap(({ p50, p95, policy }, index): ReadonlyArray<Line> => [
            { label: `${policy} p95`, values: positive(p95), ...styleOf(index) },
            { label: `${policy} p50`, values: positive(p50), ...styleOf(index), isThin: true }
          ])}
        />
        {policies.map((policy, index) =>
          index === 0 || policy.lanes.some(({ states }) => states.length > 0) ? (
            <Bands key={policy.policy} policy={policy} picture={picture} from={from} to={to} />
          ) : null
        )}
        {picture.providers.map((provider) => (
          <Load key={provider.lane} provider={provider} picture={picture} common={common} />
        ))}
      </div>
      {ours.changesLeftOut === 0 ? null : (
        <p class="dim">{number(ours.changesLeftOut)} later changes of lanes are not shown.</p>
      )}
    </div>
  )
}

const howOf = (other: string): string => (other.startsWith("without") ? other : `under ${other}`)

/** Told apart by hue, by darkness and by dashes. */
const styleOf = (index: number): Pick<Line, "colour" | "dash"> =>
  index === 0 ? { colour: "--s4" } : { colour: "--s2", dash: [6, 3] }

const positive = (values: ReadonlyArray<number | null>) => values.map((value) => (value === 0 ? 1 : value))

const minute = 60_000
const ticks = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440].map((minutes) => minutes * minute)

/** Hours and minutes since the storm's beginning. */
const axis = {
  text: (at: number): string => {
    const minutes = Math.floor(at / minute)
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`
  },
  ticks: (from: number, to: number): ReadonlyArray<number> => {
    const step = ticks.find((one) => (to - from) / one <= 8) ?? to - from
    const first = Math.ceil(from / step)
    return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, index) => (first + index) * step)
  }
}

type Row = readonly [name: string, of: (policy: PicturePolicy) => string]

const inTrouble: ReadonlyArray<Row> = [
  ["Trouble found after", ({ detectMs }) => orNot(detectMs)],
  ["Used again after", ({ recoveryMs }) => orNot(recoveryMs)]
]

/** What a person compares first. */
const Figures = ({
  hasTrouble,
  policies
}: {
  readonly hasTrouble: boolean
  readonly policies: ReadonlyArray<PicturePolicy>
}) => {
  const rows: ReadonlyArray<Row> = [
    ["Answered", ({ successRate }) => exactPercent(successRate)],
    ["Latency p50 · p95", ({ latencyMs }) => `${millis(latencyMs.p50)} · ${millis(latencyMs.p95)}`],
    ["First content p95", ({ firstContentMs }) => millis(firstContentMs.p95)],
    ["Attempts per operation", ({ amplification }) => amplification.toFixed(2)],
    ["Attempts for nothing", ({ wasted }) => number(wasted.calls)],
    ["Cost", ({ costUsd }) => dollars(costUsd)],
    ...(hasTrouble ? inTrouble : []),
    ["Not answered because of", failuresOf]
  ]
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Figures">
      <table>
        <thead>
          <tr>
            <td />
            {policies.map(({ policy }, index) => (
              <th key={policy} scope="col">
                <i class={`line-key ${index === 0 ? "ours" : "theirs"}`} aria-hidden="true" />
                {policy}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, of]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {policies.map((policy) => (
                <td key={policy.policy}>{of(policy)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const orNot = (value: number | null): string => (value === null ? "not at all" : millis(value))

const failuresOf = ({ failures }: PicturePolicy): string => {
  const all = Object.entries(failures).toSorted(([, a], [, b]) => b - a)
  if (all.length === 0) return "all were answered"
  const shown = all.slice(0, 3).map(([tag, times]) => `${tag === "Left" ? "Deadline" : plain(tag)} ${number(times)}`)
  return shown.join(", ") + (all.length > 3 ? " and others" : "")
}

const stateWords = {
  open: "circuit open",
  "half-open": "probing",
  cooling: "cooling",
  degraded: "passed by for its health",
  unhealthy: "passed by for its health"
} as const

/** What each lane is taken for, and under it what its provider goes through. */
const Bands = (props: {
  readonly picture: Data
  readonly policy: PicturePolicy
  readonly from: number
  readonly to: number
}) => {
  const { from, picture, policy, to } = props
  const part = (at: number) => `${((Math.min(Math.max(at, from), to) - from) / (to - from)) * 100}%`
  const place = (start: number, end: number) => ({
    left: part(start),
    width: `max(2px, calc(${part(end)} - ${part(start)}))`
  })
  const isSeen = (stretch: { readonly from: number; readonly until: number }) =>
    stretch.until > from && stretch.from < to
  return (
    <figure class="chart bands">
      <figcaption>What each lane is taken for by {policy.policy}</figcaption>
      <ul class="legend">
        <li>
          <i class="key state well" /> well
        </li>
        <li>
          <i class="key state open" /> {stateWords.open}
        </li>
        <li>
          <i class="key state half-open" /> {stateWords["half-open"]}
        </li>
        <li>
          <i class="key state cooling" /> {stateWords.cooling}
        </li>
        <li>
          <i class="key state degraded" /> {stateWords.degraded}
        </li>
        <li>
          <i class="key state real" /> its provider is in trouble
        </li>
      </ul>
      <ul>
        {policy.lanes.map(({ lane, notClosedMs, states }) => (
          <li key={lane} style={{ paddingLeft: `${axisWidth}px` }}>
            <span class="label">
              {lane} ·{" "}
              {notClosedMs === 0
                ? "its circuit stays closed"
                : `its circuit is open or probing for ${span(notClosedMs)}`}
            </span>
            <div class="track">
              {states.filter(isSeen).map((one, index) => (
                <i
                  key={index}
                  class={one.state}
                  style={place(one.from, one.until)}
                  title={`${stateWords[one.state]} (${one.reason}), ${span(one.until - one.from)}`}
                />
              ))}
            </div>
            <div class="track real">
              {picture.troubles
                .filter((trouble) => trouble.lane === lane && isSeen(trouble))
                .map((one, index) => (
                  <i
                    key={index}
                    style={place(one.from, one.until)}
                    title={`${one.kind}, ${span(one.until - one.from)}`}
                  />
                ))}
            </div>
          </li>
        ))}
      </ul>
    </figure>
  )
}

/** What a provider is asked, against what it can serve. */
const Load = (props: {
  readonly picture: Data
  readonly provider: Data["providers"][number]
  readonly common: Omit<Parameters<typeof Chart>[0], "title" | "lines" | "format">
}) => {
  const { common, picture, provider } = props
  const { lane, requestsPerMinute, servedPerSecond, slots } = provider
  const policies: ReadonlyArray<PicturePolicy> = picture.policies
  const lines = policies.flatMap((policy, index): ReadonlyArray<Line> => {
    const own = policy.lanes.find((one) => one.lane === lane)
    if (own === undefined) return []
    return [
      { label: `${policy.policy} asks`, values: own.asked, ...styleOf(index) },
      { label: `${policy.policy} gets`, values: own.answered, ...styleOf(index), isThin: true }
    ]
  })
  return (
    <Chart
      {...common}
      title={`Attempts at ${lane} per second`}
      format={rate}
      shades={picture.troubles.filter((trouble) => trouble.lane === lane)}
      levels={[
        ...(requestsPerMinute === null
          ? []
          : [{ value: requestsPerMinute / 60, text: `its limit: ${number(requestsPerMinute)} per minute` }]),
        ...(servedPerSecond === null
          ? []
          : [{ value: servedPerSecond, text: `what its ${slots ?? 0} slots can serve` }])
      ]}
      lines={lines}
    />
  )
}
