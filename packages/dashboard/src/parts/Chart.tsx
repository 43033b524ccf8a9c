import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"
import { theme } from "../theme.ts"
import { time, utc } from "../words.ts"

/** The width of what is written left of a chart: the same for all, so that instants are below each other. */
export const axisWidth = 62

export interface Line {
  readonly label: string
  readonly values: ReadonlyArray<number | null>
  /** A colour of the page's, such as `--good`. */
  readonly colour: string
  readonly dash?: ReadonlyArray<number>
  readonly fill?: boolean
  readonly bars?: boolean
  readonly isThin?: boolean
}

/** How instants are written and where, when they are not those of the reader's day. */
export interface Axis {
  readonly text: (at: number) => string
  readonly ticks: (from: number, to: number) => ReadonlyArray<number>
}

export interface MarkAt {
  readonly at: number
  readonly kind: string
}

/** Lines over time. Dragging chooses a span, which all charts then show; a cursor on one is a cursor on all. */
export const Chart = (props: {
  readonly title: string
  readonly at: ReadonlyArray<number>
  readonly from: number
  readonly to: number
  readonly lines: ReadonlyArray<Line>
  readonly format: (value: number) => string
  readonly max?: number | undefined
  /** Grows by factors; drawn where values are above zero. */
  readonly isLog?: boolean
  readonly axis?: Axis
  /** Charts with the same one share their cursor. */
  readonly group?: string
  /** Stretches of time behind the lines. */
  readonly shades?: ReadonlyArray<{ readonly from: number; readonly until: number }>
  /** What values are measured against. */
  readonly levels?: ReadonlyArray<{ readonly value: number; readonly text: string }>
  readonly marks: ReadonlyArray<MarkAt>
  readonly onZoom: (from: number, to: number) => void
}) => {
  const box = useRef<HTMLDivElement>(null)
  const latest = useRef(props)
  latest.current = props
  const shape = props.lines.map((line) => `${line.label}${line.colour}${line.bars === true}`).join()
  const plot = useRef<uPlot | undefined>(undefined)

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    const axis = {
      stroke: colour("--dim"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui"
    }
    const { axis: given, isLog = false } = latest.current
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: 150,
        padding: [8, 12, 0, 0],
        cursor: { sync: { key: latest.current.group ?? "time" }, drag: { x: true, y: false, setScale: false } },
        legend: { live: true },
        scales: {
          x: {
            time: latest.current.axis === undefined,
            range: () => [latest.current.from / 1000, latest.current.to / 1000]
          },
          y: isLog
            ? { distr: logarithmic, range: (_plot, min, max) => decade(min ?? 100, max ?? 1000) }
            : {
                range: (_plot, _min, max) => [
                  0,
                  latest.current.max ?? Math.max(max, 0.001, ...levelsOf(latest.current)) * 1.1
                ]
              }
        },
        axes: [
          {
            ...axis,
            space: 70,
            size: 26,
            ...(given === undefined
              ? {}
              : {
                  splits: () => given.ticks(latest.current.from, latest.current.to).map((instant) => instant / 1000)
                }),
            values: (_plot, instants) =>
              instants.map((instant) => given?.text(instant * 1000) ?? time(instant * 1000, "minute"))
          },
          {
            ...axis,
            size: axisWidth,
            ...(isLog
              ? {
                  splits: (plot) =>
                    steps.filter((step) => step >= (plot.scales.y?.min ?? 0) && step <= (plot.scales.y?.max ?? 0)),
                  filter: (_plot, splits) => splits
                }
              : {}),
            values: (_plot, values) => values.map((value) => latest.current.format(value))
          }
        ],
        series: [
          {
            label: given === undefined ? "Time" : "At",
            value: (_plot, instant) =>
              instant === null
                ? ""
                : (given?.text(instant * 1000) ?? `${time(instant * 1000)} · ${utc(instant * 1000)}`)
          },
          ...latest.current.lines.map((line) => ({
            label: line.label,
            stroke: colour(line.colour),
            width: line.bars === true || line.isThin === true ? 1 : 1.75,
            spanGaps: false,
            points: { show: false },
            ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
            ...(line.fill === true ? { fill: `${colour(line.colour)}33` } : {}),
            ...(line.bars === true && uPlot.paths.bars !== undefined
              ? { paths: uPlot.paths.bars({ size: [0.8, 40] }), fill: `${colour(line.colour)}aa` }
              : {}),
            value: (_plot: uPlot, value: number | null) => (value === null ? "–" : latest.current.format(value))
          }))
        ],
        hooks: {
          drawClear: [
            (drawn) => {
              const { bbox, ctx } = drawn
              const { from, shades = [], to } = latest.current
              ctx.fillStyle = colour("--shade")
              for (const shade of shades) {
                if (shade.until <= from || shade.from >= to) continue
                const left = drawn.valToPos(Math.max(from, shade.from) / 1000, "x", true)
                const right = drawn.valToPos(Math.min(to, shade.until) / 1000, "x", true)
                ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height)
              }
            }
          ],
          draw: [
            (drawn) => {
              const { bbox, ctx } = drawn
              ctx.save()
              ctx.strokeStyle = colour("--ink")
              ctx.fillStyle = colour("--ink")
              ctx.font = `${11 * devicePixelRatio}px system-ui`
              ctx.textAlign = "right"
              ctx.setLineDash([6, 4])
              for (const { text, value } of latest.current.levels ?? []) {
                const y = drawn.valToPos(value, "y", true)
                ctx.beginPath()
                ctx.moveTo(bbox.left, y)
                ctx.lineTo(bbox.left + bbox.width, y)
                ctx.stroke()
                // Lines may run behind it.
                ctx.save()
                ctx.setLineDash([])
                ctx.lineWidth = 4 * devicePixelRatio
                ctx.strokeStyle = colour("--panel")
                ctx.strokeText(text, bbox.left + bbox.width - 4, y - 4)
                ctx.restore()
                ctx.fillText(text, bbox.left + bbox.width - 4, y - 4)
              }
              ctx.restore()
            },
            (drawn) => {
              drawn.ctx.save()
              drawn.ctx.setLineDash([4, 4])
              for (const mark of latest.current.marks) {
                const x = drawn.valToPos(mark.at / 1000, "x", true)
                if (x < drawn.bbox.left || x > drawn.bbox.left + drawn.bbox.width) continue
                drawn.ctx.strokeStyle = colour(mark.kind === "start" ? "--accent" : "--held")
                drawn.ctx.beginPath()
                drawn.ctx.moveTo(x, drawn.bbox.top)
                drawn.ctx.lineTo(x, drawn.bbox.top + drawn.bbox.height)
                drawn.ctx.stroke()
              }
              drawn.ctx.restore()
            }
          ],
          setSelect: [
            (drawn) => {
              if (drawn.select.width < 4) return
              const from = drawn.posToVal(drawn.select.left, "x") * 1000
              const to = drawn.posToVal(drawn.select.left + drawn.select.width, "x") * 1000
              drawn.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
              latest.current.onZoom(from, to)
            }
          ]
        }
      },
      dataOf(latest.current),
      element
    )
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: 150 }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [shape, theme.value])

  useEffect(() => plot.current?.setData(dataOf(props)), [props.at, props.lines, props.from, props.to])

  return (
    <figure class="chart">
      <figcaption>{props.title}</figcaption>
      <div
        ref={box}
        role="img"
        aria-label={`${props.title}. ${(props.axis === undefined ? summary : extent)(props.lines, props.format)}`}
      />
    </figure>
  )
}

const dataOf = ({
  at,
  lines
}: {
  readonly at: ReadonlyArray<number>
  readonly lines: ReadonlyArray<Line>
}): uPlot.AlignedData => [at.map((instant) => instant / 1000), ...lines.map((line) => [...line.values])]

/** For those who do not see the picture. */
const summary = (lines: ReadonlyArray<Line>, format: (value: number) => string): string =>
  lines
    .map((line) => {
      const values = line.values.filter((value) => value !== null)
      const last = values.at(-1)
      return last === undefined
        ? `${line.label}: nothing`
        : `${line.label}: lately ${format(last)}, at most ${format(Math.max(...values))}`
    })
    .join("; ")

/** The same of a time that is over. */
const extent = (lines: ReadonlyArray<Line>, format: (value: number) => string): string =>
  lines
    .map((line) => {
      const values = line.values.filter((value) => value !== null)
      return values.length === 0
        ? `${line.label}: nothing`
        : `${line.label}: from ${format(Math.min(...values))} to ${format(Math.max(...values))}`
    })
    .join("; ")

const levelsOf = ({ levels = [] }: { readonly levels?: ReadonlyArray<{ readonly value: number }> }) =>
  levels.map(({ value }) => value)

/** uPlot's own number for it, whose enumeration is there for types only. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment
const logarithmic = 3 as uPlot.Scale.Distr

/** Where an axis that grows by factors is labelled, in milliseconds or whatever else. */
const steps = [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000]

const decade = (least: number, most: number): [number, number] => [
  steps.findLast((step) => step <= least) ?? 1,
  steps.find((step) => step > most) ?? most
]
