import type { Lane, Route } from "@holdfast/gateway/admin/Model"
import { lanes, state } from "../feed.ts"
import { toneOf, wordOf } from "../lane.ts"
import { Empty } from "../parts/Empty.tsx"
import { link } from "../place.ts"
import { number, percent, plain, plural } from "../words.ts"

/** Lanes beyond these, by volume, are left to the table. */
const mostLanes = 24

const width = 1100
const left = 190
const right = 640
const nodeWidth = 14
const gap = 26

interface Node {
  readonly name: string
  readonly top: number
  readonly height: number
  readonly value: number
}

const answersOf = (route: Route): number => Object.values(route.answers).reduce((sum, one) => sum + one, 0)
const failedOf = (route: Route): number =>
  route.operations - (route.results["Success"] ?? 0) - (route.results["Cancelled"] ?? 0)

export const Flow = () => {
  const routes = state.value?.routes ?? []
  const asked = routes.reduce((sum, route) => sum + route.operations, 0)
  return (
    <section aria-labelledby="flow-title">
      <div class="title">
        <h2 id="flow-title">Where operations went</h2>
        <span class="dim">in the last 5 minutes, from routes to what answered</span>
      </div>
      {asked === 0 ? (
        <Empty title="Nothing was asked in the last 5 minutes">
          The picture shows each route, the lanes that answered it, and what was refused or left for another lane.
        </Empty>
      ) : (
        <>
          <ul class="legend" aria-hidden="true">
            <li>
              <i class="key first" /> answered by the first lane
            </li>
            <li>
              <i class="key fallback" /> answered by a fallback
            </li>
            <li>
              <i class="key failed" /> not answered
            </li>
            <li>
              <i class="key refused" /> calls that we refused
            </li>
            <li>
              <i class="key moved" /> left one lane for another
            </li>
          </ul>
          <Picture routes={routes} lanes={lanes.value} />
          <Table routes={routes} />
        </>
      )}
    </section>
  )
}

/** Places nodes below each other, as high as they are worth, with room for what is written beside them. */
const stack = (
  items: ReadonlyArray<{ readonly name: string; readonly value: number }>,
  scale: number
): ReadonlyArray<Node> => {
  let top = 20
  return items.map(({ name, value }) => {
    const height = Math.max(6, value * scale)
    const node = { name, top, height, value }
    top += Math.max(height, 44) + gap
    return node
  })
}

const Picture = (props: { readonly routes: ReadonlyArray<Route>; readonly lanes: ReadonlyArray<Lane> }) => {
  const routes = props.routes.filter((route) => route.operations > 0)
  const volume = new Map<string, number>()
  for (const route of routes) {
    for (const [source, count] of Object.entries(route.answers)) volume.set(source, (volume.get(source) ?? 0) + count)
    for (const lane of route.lanes) {
      const tried = (route.failed[lane] ?? 0) + (route.refused[lane] ?? 0)
      if (!volume.has(lane) && (tried > 0 || props.lanes.length <= mostLanes)) volume.set(lane, 0)
    }
  }
  const failed = routes.reduce((sum, route) => sum + failedOf(route), 0)
  const order = [...new Set([...props.routes.flatMap((route) => route.lanes), ...volume.keys()])]
  const loudest = new Set(
    [...volume]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, mostLanes)
      .map(([name]) => name)
  )
  const sources = order.filter((name) => loudest.has(name)).map((name) => ({ name, value: volume.get(name) ?? 0 }))
  if (failed > 0) sources.push({ name: notAnswered, value: failed })

  const most = Math.max(
    1,
    routes.reduce((sum, route) => sum + route.operations, 0)
  )
  const scale = 260 / most
  const from = stack(
    routes.map((route) => ({ name: route.route, value: answersOf(route) + failedOf(route) })),
    scale
  )
  const to = stack(sources, scale)
  const height = Math.max(...[...from, ...to].map((node) => node.top + Math.max(node.height, 44))) + 12
  const offset = new Map<string, number>()
  const ribbons = routes.flatMap((route) => {
    const node = from.find(({ name }) => name === route.route)
    if (node === undefined) return []
    let y = node.top
    const parts: Array<readonly [string, number]> = Object.entries(route.answers)
    if (failedOf(route) > 0) parts.push([notAnswered, failedOf(route)])
    return parts
      .toSorted(([a], [b]) => to.findIndex(({ name }) => name === a) - to.findIndex(({ name }) => name === b))
      .flatMap(([name, count]) => {
        const target = to.find((one) => one.name === name)
        if (target === undefined) return []
        const thickness = Math.max(1.5, count * scale)
        const end = target.top + (offset.get(name) ?? 0)
        offset.set(name, (offset.get(name) ?? 0) + thickness)
        const start = y
        y += thickness
        const kind = name === notAnswered ? "failed" : name === route.lanes[0] ? "first" : "fallback"
        return [
          {
            key: `${route.route} ${name}`,
            kind,
            start,
            end,
            thickness,
            title: `${route.route} → ${name}: ${number(count)}`
          }
        ]
      })
  })
  const moves = new Map<string, { readonly from: string; readonly to: string; count: number }>()
  for (const { fallbacks } of routes) {
    for (const one of fallbacks) {
      const key = `${one.from}\n${one.to}`
      const known = moves.get(key)
      if (known === undefined) moves.set(key, { ...one })
      else known.count += one.count
    }
  }
  const middle = (left + nodeWidth + right) / 2
  return (
    <div class="picture" tabIndex={0} role="region" aria-label="Flow of operations">
      <svg
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label="Routes and the lanes that answered them; the table below has the numbers"
      >
        <defs>
          <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="6" height="6" class="hatch-ground" />
            <rect width="2" height="6" class="hatch-line" />
          </pattern>
          <pattern id="refusals" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)">
            <rect width="6" height="6" class="hatch-ground" />
            <rect width="3" height="6" class="refusal-line" />
          </pattern>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0L8 4L0 8z" class="arrow-head" />
          </marker>
        </defs>
        {ribbons.map((one) => (
          <path
            key={one.key}
            class={`ribbon ${one.kind}`}
            d={`M${left + nodeWidth} ${one.start}C${middle} ${one.start} ${middle} ${one.end} ${right} ${one.end}v${one.thickness}C${middle} ${one.end + one.thickness} ${middle} ${one.start + one.thickness} ${left + nodeWidth} ${one.start + one.thickness}z`}
          >
            <title>{one.title}</title>
          </path>
        ))}
        {from.map((node) => {
          const route = routes.find((one) => one.route === node.name)
          const cached = (route?.answers["cache"] ?? 0) + (route?.answers["shared"] ?? 0)
          return (
            <g key={node.name}>
              <rect class="node" x={left} y={node.top} width={nodeWidth} height={node.height} rx="2" />
              <text x={left - 12} y={node.top + 14} class="name end">
                {node.name}
              </text>
              <text x={left - 12} y={node.top + 31} class="sub end">
                {plural(node.value, "operation")}
                {cached > 0 ? `, ${number(cached)} cached` : ""}
              </text>
            </g>
          )
        })}
        {to.map((node) => {
          const lane = props.lanes.find((one) => one.lane === node.name)
          const refused = routes.reduce((sum, route) => sum + (route.refused[node.name] ?? 0), 0)
          const broken = routes.reduce((sum, route) => sum + (route.failed[node.name] ?? 0), 0)
          const notes = [
            plural(node.value, node.name === notAnswered ? "operation" : "answer"),
            ...(broken > 0 ? [`${plural(broken, "attempt")} failed`] : []),
            ...(refused > 0 ? [`refused ${number(refused)}×`] : [])
          ]
          return (
            <g key={node.name} class={lane === undefined ? "" : toneOf(lane)}>
              <rect
                class={`node ${node.name === notAnswered ? "failed" : ""}`}
                x={right}
                y={node.top}
                width={nodeWidth}
                height={node.height}
                rx="2"
              />
              {refused === 0 ? null : (
                <rect
                  class="refused"
                  x={right + nodeWidth + 3}
                  y={node.top}
                  width="9"
                  height={Math.min(Math.max(4, refused * scale), Math.max(node.height, 44))}
                >
                  <title>{`${plural(refused, "call")} refused`}</title>
                </rect>
              )}
              <text x={right + nodeWidth + 22} y={node.top + 14} class="name">
                {node.name === notAnswered ? "Not answered" : node.name}
                {lane === undefined ? "" : ` · ${wordOf(lane)}`}
              </text>
              <text x={right + nodeWidth + 22} y={node.top + 31} class="sub">
                {notes.join(" · ")}
              </text>
            </g>
          )
        })}
        {[...moves.values()].map((move, index) => {
          const a = to.find(({ name }) => name === move.from)
          const b = to.find(({ name }) => name === move.to)
          if (a === undefined || b === undefined) return null
          const y1 = a.top + Math.min(a.height, 40) / 2
          const y2 = b.top + Math.min(b.height, 40) / 2
          const bend = right - 34 - (index % 4) * 16
          return (
            <g key={`${move.from} ${move.to}`} class="move">
              <path d={`M${right - 2} ${y1}C${bend} ${y1} ${bend} ${y2} ${right - 3} ${y2}`} marker-end="url(#arrow)">
                <title>{`${number(move.count)} left ${move.from} for ${move.to}`}</title>
              </path>
              {/* Nearer to where it comes from, so that the number of the way back is not upon it. */}
              <text x={bend - 2} y={y1 + (y2 - y1) * 0.35 + 4} class="count end">
                {number(move.count)}
              </text>
            </g>
          )
        })}
      </svg>
    </div>
  )
}

const notAnswered = "\u0000not answered"

const Table = (props: { readonly routes: ReadonlyArray<Route> }) => (
  <div class="scroll" tabIndex={0} role="region" aria-label="Routes in numbers">
    <table>
      <caption>In numbers</caption>
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col" class="num">
            Operations
          </th>
          <th scope="col" class="num">
            Answered
          </th>
          <th scope="col">By</th>
          <th scope="col">Left for another lane</th>
          <th scope="col">Failed otherwise</th>
        </tr>
      </thead>
      <tbody>
        {props.routes.map((route) => (
          <tr key={route.route}>
            <th scope="row">
              <a href={link("operations", undefined, { route: route.route })}>{route.route}</a>
            </th>
            <td class="num">{number(route.operations)}</td>
            <td class="num">
              {route.operations === 0
                ? "–"
                : percent(
                    (route.results["Success"] ?? 0) / Math.max(1, route.operations - (route.results["Cancelled"] ?? 0))
                  )}
            </td>
            <td>
              {Object.entries(route.answers)
                .toSorted(([, a], [, b]) => b - a)
                .map(([source, count]) => `${source} ${percent(count / answersOf(route))}`)
                .join(", ") || "–"}
            </td>
            <td>
              {route.fallbacks.map(({ count, from, to }) => `${from} → ${to} ${number(count)}×`).join(", ") || "–"}
            </td>
            <td>
              {Object.entries(route.results)
                .filter(([name]) => name !== "Success")
                .map(([name, count]) => `${plain(name)} ${number(count)}`)
                .join(", ") || "–"}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  </div>
)
