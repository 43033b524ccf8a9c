import { useSignal } from "@preact/signals"
import type { Series } from "@holdfast/gateway/admin/Model"
import { useEffect } from "preact/hooks"
import * as api from "../api.ts"
import { acted } from "../confirm.tsx"
import { clock, epoch, lanes } from "../feed.ts"
import { axisWidth, Chart, type Line } from "../parts/Chart.tsx"
import { Empty } from "../parts/Empty.tsx"
import { Instant } from "../parts/Instant.tsx"
import { useAnswer } from "../parts/useAnswer.ts"
import { refine, search } from "../place.ts"
import { dollars, millis, number, percent, plain, span } from "../words.ts"

const ranges = [
  ["15m", "15 min", 15 * 60_000],
  ["1h", "1 h", 3_600_000],
  ["6h", "6 h", 6 * 3_600_000],
  ["24h", "24 h", 86_400_000],
  ["7d", "7 days", 7 * 86_400_000],
  ["30d", "30 days", 30 * 86_400_000]
] as const

/** Told apart without seeing all colours: by hue, by darkness and by dashes. */
const styles: ReadonlyArray<Pick<Line, "colour" | "dash">> = [
  { colour: "--s1" },
  { colour: "--s2", dash: [6, 3] },
  { colour: "--s3", dash: [2, 3] },
  { colour: "--s4", dash: [10, 3] },
  { colour: "--s5", dash: [8, 3, 2, 3] },
  { colour: "--s6", dash: [4, 2] }
]

export const Time = () => {
  const chosen = search.value.get("range") ?? "15m"
  const lane = search.value.get("lane") ?? ""
  const zoomed = { from: Number(search.value.get("from")), to: Number(search.value.get("to")) }
  const isZoomed = zoomed.to > zoomed.from
  const length = ranges.find(([key]) => key === chosen)?.[2] ?? ranges[0][2]
  const turn = useSignal(0)
  useEffect(() => {
    if (isZoomed) return
    const timer = setInterval(
      () => {
        if (!document.hidden) turn.value += 1
      },
      Math.max(2_000, length / 450)
    )
    return () => clearInterval(timer)
  }, [isZoomed, length])
  const now = clock.peek()
  const from = isZoomed ? zoomed.from : now - length
  const to = isZoomed ? zoomed.to : now
  const answer = useAnswer(
    () => api.series({ from, to, lane: lane === "" ? undefined : lane }),
    [chosen, lane, zoomed.from, zoomed.to, turn.value, epoch.value, acted.value]
  )
  const zoom = (start: number, end: number) => {
    if (end - start >= 10_000) refine({ from: String(Math.round(start)), to: String(Math.round(end)) })
  }
  return (
    <section aria-labelledby="time-title">
      <div class="title">
        <h2 id="time-title">Over time</h2>
        <div class="segments" role="group" aria-label="Span of time">
          {ranges.map(([key, name]) => (
            <button
              key={key}
              type="button"
              aria-pressed={!isZoomed && key === chosen}
              onClick={() => refine({ range: key, from: undefined, to: undefined })}
            >
              {name}
            </button>
          ))}
        </div>
        {isZoomed ? (
          <button type="button" onClick={() => refine({ from: undefined, to: undefined })}>
            Zoom out
          </button>
        ) : null}
        <select
          class="end"
          aria-label="Lane"
          value={lane}
          onChange={(event) => refine({ lane: event.currentTarget.value })}
        >
          <option value="">Every lane</option>
          {lanes.value.map((one) => (
            <option key={one.lane}>{one.lane}</option>
          ))}
        </select>
      </div>
      {answer.problem === undefined ? null : <p class="problem">{answer.problem}</p>}
      {answer.value === undefined ? (
        <div class="ghost tall" role="status" aria-label="Loading" />
      ) : (
        <Charts series={answer.value} zoom={zoom} />
      )}
    </section>
  )
}

const Charts = ({ series, zoom }: { readonly series: Series; readonly zoom: (from: number, to: number) => void }) => {
  const common = { at: series.at, from: series.from, to: series.to, marks: series.marks, onZoom: zoom }
  const perSecond = (counts: ReadonlyArray<number>) => counts.map((count) => (count * 1000) / series.step)
  const classes = Object.entries(series.errors).toSorted(([, a], [, b]) => total(b) - total(a))
  const calls = total(series.ok) + total(series.failed)
  return (
    <>
      <p class="dim">
        <Instant at={series.from} /> to <Instant at={series.to} />, a point every {span(series.step)}; {number(calls)}{" "}
        attempts. {series.source === "memory" ? "From this process's memory." : "From the store."}{" "}
        {series.problem ?? ""} Drag over a chart to look closer.
      </p>
      {calls === 0 ? <Empty title="No attempt in this time" /> : null}
      <div class="charts">
        <Chart
          {...common}
          title="Attempts that succeed"
          format={(value) => percent(value)}
          max={1}
          lines={[
            {
              label: "Success",
              colour: "--s1",
              fill: true,
              values: series.ok.map((ok, index) => {
                const all = ok + (series.failed[index] ?? 0)
                return all === 0 ? null : ok / all
              })
            }
          ]}
        />
        <Chart
          {...common}
          title="Attempts per second"
          format={(value) => value.toFixed(value < 10 ? 2 : 0)}
          lines={[
            { label: "Succeeded", colour: "--s1", values: perSecond(series.ok) },
            { label: "Failed", colour: "--s2", dash: [6, 3], values: perSecond(series.failed) }
          ]}
        />
        <Chart
          {...common}
          title="Latency of attempts"
          format={(value) => millis(value)}
          lines={[
            { label: "p50", colour: "--s1", values: series.p50Millis },
            { label: "p95", colour: "--s3", dash: [6, 3], values: series.p95Millis }
          ]}
        />
        <Chart
          {...common}
          title={`Failures by class, per ${span(series.step)}`}
          format={(value) => number(value)}
          lines={
            classes.length === 0
              ? [{ label: "None", colour: "--s1", values: series.at.map(() => 0) }]
              : classes.slice(0, 6).map(([name, values], index) => ({
                  label: plain(name),
                  values,
                  ...(styles[index] ?? { colour: "--s1" })
                }))
          }
        />
        <Chart
          {...common}
          title="Cost per hour"
          format={(value) => dollars(value)}
          lines={[
            {
              label: "US dollars",
              colour: "--s4",
              fill: true,
              values: series.usd.map((usd) => (usd * 3_600_000) / series.step)
            }
          ]}
        />
        <Bands series={series} />
      </div>
      {series.marks.length === 0 ? null : (
        <>
          <h3>Marked</h3>
          <ul class="record">
            {series.marks.toReversed().map((mark, index) => (
              <li key={index}>
                <Instant at={mark.at} /> {mark.text}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  )
}

/** When breakers were open and when they probed, on the scale of the charts. */
const Bands = ({ series }: { readonly series: Series }) => {
  const circuits = [...new Set(series.bands.map(({ circuit }) => circuit))]
  const length = series.to - series.from
  const part = (value: number) => `${(Math.min(Math.max(value, 0), length) / length) * 100}%`
  return (
    <figure class="chart bands">
      <figcaption>Breakers that were not closed</figcaption>
      {circuits.length === 0 ? (
        <p class="dim">All breakers were closed.</p>
      ) : (
        <ul>
          {circuits.slice(0, 30).map((circuit) => {
            const own = series.bands.filter((band) => band.circuit === circuit)
            const open = own
              .filter(({ state }) => state === "open")
              .reduce(
                (sum, band) => sum + Math.min(band.to ?? series.to, series.to) - Math.max(band.from, series.from),
                0
              )
            return (
              <li key={circuit} style={{ paddingLeft: `${axisWidth}px` }}>
                <span class="label">
                  {circuit} · open for {span(open)}
                </span>
                <div class="track">
                  {own.map((band, index) => (
                    <i
                      key={index}
                      class={band.state}
                      style={{
                        left: part(band.from - series.from),
                        width: `calc(max(2px, ${part((band.to ?? series.to) - Math.max(band.from, series.from))}))`
                      }}
                      title={`${band.state}: ${band.reason}`}
                    />
                  ))}
                </div>
              </li>
            )
          })}
        </ul>
      )}
      {circuits.length > 30 ? <p class="dim">and {circuits.length - 30} more</p> : null}
    </figure>
  )
}

const total = (counts: ReadonlyArray<number>): number => counts.reduce((sum, one) => sum + one, 0)
