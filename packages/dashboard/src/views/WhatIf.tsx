import type { ConfiguredRoute, Options, Request, Storm } from "@holdfast/gateway/admin/WhatIfModel"
import { useEffect } from "preact/hooks"
import * as api from "../api.ts"
import { epoch } from "../feed.ts"
import { Empty } from "../parts/Empty.tsx"
import { Picture } from "../parts/Picture.tsx"
import { useAnswer } from "../parts/useAnswer.ts"
import { refine, search } from "../place.ts"
import { isUnderWay, phase, shown, start, stop } from "../whatIf.ts"
import { plural, span } from "../words.ts"

/** The storm and the comparison that are there at first: a long outage, and the life without Holdfast. */
const firstStorm = "openai-2024-12-11"
const firstAgainst = "sdk"

export const WhatIf = () => {
  const options = useAnswer(api.whatIf, [epoch.value])
  // Whoever leaves the view does not wait for the picture.
  useEffect(() => stop, [])
  return (
    <section aria-labelledby="what-if-title">
      <div class="title">
        <h2 id="what-if-title">What if</h2>
        <span class="dim">a route as it is configured, in a storm of the simulator; no provider is asked</span>
      </div>
      {options.value === undefined ? (
        options.problem === undefined ? (
          <div class="ghost" role="status" aria-label="Loading" />
        ) : (
          <Empty title="The storms cannot be listed">{options.problem}</Empty>
        )
      ) : options.value.routes.length === 0 ? (
        <Empty title="No route is for text">Storms are simulated for routes that answer with text.</Empty>
      ) : (
        <Chosen options={options.value} />
      )}
    </section>
  )
}

const Chosen = ({ options }: { readonly options: Options }) => {
  const { against, routes, storms } = options
  const asked = (name: string) => search.value.get(name) ?? undefined
  const route = routes.find((one) => one.route === asked("route")) ?? routes[0]
  const storm = storms.find(({ name }) => name === (asked("storm") ?? firstStorm)) ?? storms[0]
  if (route === undefined || storm === undefined) return <Empty title="There is no storm" />
  const other = asked("against") ?? firstAgainst
  const change = other === changedName ? changeOf(route, asked("what"), asked("to")) : undefined
  const request: Request = {
    route: route.route,
    storm: storm.name,
    seed: seedOf(asked("seed")),
    ...(change === undefined ? {} : { change }),
    ...(against.some(({ name }) => name === other) ? { against: other } : {})
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (isUnderWay()) stop()
    else start(request)
  }
  return (
    <>
      <div class="panel what-if">
        <form class="choices" onSubmit={submit} aria-label="What to simulate">
          <label>
            Route
            <select value={route.route} onChange={(event) => refine({ route: event.currentTarget.value })}>
              {routes.map((one) => (
                <option key={one.route}>{one.route}</option>
              ))}
            </select>
          </label>
          <label>
            Storm
            <select value={storm.name} onChange={(event) => refine({ storm: event.currentTarget.value })}>
              {storms.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            Compared with
            <select
              value={change === undefined ? (request.against ?? "nothing") : changedName}
              onChange={(event) => refine({ against: event.currentTarget.value })}
            >
              {against.map(({ name, text }) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
              {route.changes.length === 0 ? null : <option value={changedName}>the same with one change…</option>}
              <option value="nothing">nothing</option>
            </select>
          </label>
          {change === undefined ? null : <Change route={route} change={change} />}
          <label class="seed">
            Seed
            <input
              type="number"
              min="0"
              max={maxSeed}
              step="1"
              required
              value={request.seed}
              onInput={(event) => refine({ seed: event.currentTarget.value })}
            />
          </label>
          <button type="submit" class={isUnderWay() ? "" : "primary"}>
            {isUnderWay() ? "Stop" : "Run the storm"}
          </button>
        </form>
        <Story storm={storm} route={route} />
      </div>
      <Progress limitSeconds={options.limitSeconds} />
      {shown.value === undefined ? (
        phase.value.tag === "idle" ? (
          <Empty title="Nothing was run yet">
            Run the storm to see what callers of {route.route} would get, when its lanes would be passed by, and how
            soon they would be used again. It takes a few seconds, in a thread that gives way to those who are served.
          </Empty>
        ) : null
      ) : (
        <Picture
          answer={shown.value.answer}
          route={shown.value.request.route}
          other={against.find(({ name }) => name === shown.value?.request.against)?.text}
        />
      )}
    </>
  )
}

/** In the address: the route's own policy with one number changed. */
const changedName = "changed"

type Change = NonNullable<Request["change"]>

/** What the address names, as far as the route could have it; else what comes first. */
const changeOf = (route: ConfiguredRoute, what: string | undefined, to: string | undefined): Change | undefined => {
  const wanted = route.changes.find(({ name }) => name === what) ?? route.changes[0]
  const value = wanted?.values.find((one) => String(one) === to) ?? wanted?.values[0]
  return wanted === undefined || value === undefined ? undefined : { name: wanted.name, value }
}

const Change = ({ change, route }: { readonly change: Change; readonly route: ConfiguredRoute }) => (
  <>
    <label>
      Changed
      <select value={change.name} onChange={(event) => refine({ what: event.currentTarget.value, to: undefined })}>
        {route.changes.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
    <label>
      To
      <select value={String(change.value)} onChange={(event) => refine({ to: event.currentTarget.value })}>
        {route.changes
          .find(({ name }) => name === change.name)
          ?.values.map((value) => (
            <option key={String(value)}>{String(value)}</option>
          ))}
      </select>
    </label>
  </>
)

const maxSeed = 2 ** 31 - 1

const seedOf = (text: string | undefined): number => {
  const seed = Number(text ?? 1)
  return Number.isInteger(seed) && seed >= 0 && seed <= maxSeed ? seed : 1
}

/** What happens in the storm, and what goes into it. */
const Story = ({ route, storm }: { readonly route: ConfiguredRoute; readonly storm: Storm }) => {
  const used = storm.lanes.every((lane) => route.lanes.includes(lane))
    ? route.lanes
    : storm.lanes.slice(0, route.lanes.length)
  const left = route.lanes.length - used.length
  return (
    <div class="story">
      <div>
        <h3>{storm.name}</h3>
        <p>
          {storm.description ?? ""} {storm.beyond ?? ""}
        </p>
        <p class="dim">
          {span(storm.durationMillis)} with {plural(storm.lanes.length, "provider")}.
          {storm.sources.length === 0 ? "" : " After "}
          {storm.sources.map((source, index) => (
            <>
              {index === 0 ? "" : ", "}
              <a href={source} target="_blank" rel="noreferrer">
                {hostOf(source)}
              </a>
            </>
          ))}
          {storm.sources.length === 0 ? "" : "."}
        </p>
      </div>
      <div>
        <h3>{route.route} as it is configured</h3>
        <dl class="facts policy">
          {route.policy.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </div>
      <div>
        <h3>Whose part the storm's lanes play</h3>
        <ul class="parts">
          {used.map((lane, index) => (
            <li key={lane}>
              <strong>{lane}</strong>{" "}
              {lane === route.lanes[index] ? "plays itself" : `plays ${route.lanes[index] ?? ""}`}
            </li>
          ))}
        </ul>
        {left > 0 ? <p class="dim">The storm has no more: {plural(left, "lane")} of the route stand aside.</p> : null}
      </div>
    </div>
  )
}

const hostOf = (source: string): string => URL.parse(source)?.host ?? source

/** How far the run is, or why there is none. */
const Progress = ({ limitSeconds }: { readonly limitSeconds: number }) => {
  const now = phase.value
  switch (now.tag) {
    case "idle":
      return null
    case "asking":
      return <Bar text="Asking the gateway…" />
    case "waiting":
      return (
        <Bar
          text={`Waiting: ${plural(now.ahead, "run")} of others ${now.ahead === 1 ? "is" : "are"} before this one, and one goes on at a time.`}
        />
      )
    case "running":
      return <Bar part={now.part} text={`Simulating, ${Math.round(now.part * 100)} %; at most ${limitSeconds} s.`} />
    case "stopped":
      return (
        <p class="panel note dim" role="status">
          The run was stopped, and nothing of it is kept.
        </p>
      )
    case "failed":
      return (
        <p class="panel note problem" role="alert">
          {now.problem}
        </p>
      )
  }
}

const Bar = ({ part, text }: { readonly part?: number; readonly text: string }) => (
  <div class="panel note going">
    <progress max="1" {...(part === undefined ? {} : { value: part })} aria-label="How far the simulation is" />
    <span role="status">{text}</span>
  </div>
)
