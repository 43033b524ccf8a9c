import { useComputed, useSignal } from "@preact/signals"
import type { Event, Lane } from "@holdfast/gateway/admin/Model"
import { decisions, lanes, state } from "../feed.ts"
import { byUrgency, toneOf, wordOf } from "../lane.ts"
import { Breaker } from "../parts/Breaker.tsx"
import { Empty } from "../parts/Empty.tsx"
import { Instant } from "../parts/Instant.tsx"
import { Cell, Head, Rows } from "../parts/Rows.tsx"
import { Spark } from "../parts/Spark.tsx"
import { Status } from "../parts/Status.tsx"
import { link } from "../place.ts"
import { sentence } from "../sentence.ts"
import { dollars, millis, number, percent, plain, rate, short } from "../words.ts"

/** More lanes than these are a list. */
const mostCards = 24

export const Now = () => {
  const filter = useSignal("")
  const shown = useComputed(() => {
    const text = filter.value.trim().toLowerCase()
    // Cards keep their places, a list is too long for that.
    const all = lanes.value.length > mostCards ? byUrgency(lanes.value) : lanes.value
    return text === ""
      ? all
      : all.filter((lane) => `${lane.lane} ${wordOf(lane)} ${lane.routes.join(" ")}`.toLowerCase().includes(text))
  })
  const isLong = lanes.value.length > mostCards
  return (
    <>
      <Totals />
      <section aria-labelledby="lanes-title">
        <div class="title">
          <h2 id="lanes-title">Lanes</h2>
          {isLong ? (
            <input
              type="search"
              class="filter"
              placeholder="Filter by name, route or state"
              aria-label="Filter lanes"
              value={filter.value}
              onInput={(event) => {
                filter.value = event.currentTarget.value
              }}
            />
          ) : null}
          <span class="dim">
            {shown.value.length === lanes.value.length
              ? `${lanes.value.length} in all${isLong ? ", those in trouble first" : ""}`
              : `${shown.value.length} of ${lanes.value.length}`}
          </span>
        </div>
        {isLong ? (
          <LaneList lanes={shown.value} />
        ) : (
          <div class="cards">
            {shown.value.map((lane) => (
              <LaneCard key={lane.lane} lane={lane} />
            ))}
          </div>
        )}
      </section>
      <Decisions />
    </>
  )
}

const Totals = () => {
  const now = state.value
  if (now === undefined) return null
  const sum = (of: (lane: Lane) => number) => now.lanes.reduce((total, lane) => total + of(lane), 0)
  const operations = now.routes.reduce(
    (total, route) => total + route.operations - (route.results["Cancelled"] ?? 0),
    0
  )
  const answered = now.routes.reduce((total, route) => total + (route.results["Success"] ?? 0), 0)
  const degraded = now.routes.reduce((total, route) => total + route.degraded, 0)
  return (
    <dl class="totals">
      <Figure name="Operations answered" hint="of the last 5 minutes">
        {operations === 0 ? "–" : percent(answered / operations)}
      </Figure>
      <Figure name="By a fallback" hint="of the answers of the last 5 minutes">
        {answered === 0 ? "–" : percent(degraded / answered)}
      </Figure>
      <Figure name="Attempts per second" hint="over the last minute">
        {rate(sum((lane) => lane.perSecond))}
      </Figure>
      <Figure name="Running · waiting" hint="calls now">
        {`${number(sum((lane) => lane.running))} · ${number(sum((lane) => lane.waiting + lane.limited))}`}
      </Figure>
      <Figure name="Cost per hour" hint="at the rate of the last minute">
        {dollars(sum((lane) => lane.usdPerHour ?? 0))}
      </Figure>
      <Figure name="Store" hint={`${number(now.store.written)} rows written`}>
        {now.store.status === "ok" ? "reachable" : `away, ${number(now.store.pending)} wait`}
      </Figure>
    </dl>
  )
}

const Figure = (props: { readonly name: string; readonly hint: string; readonly children: string }) => (
  <div class="figure">
    <dt>{props.name}</dt>
    <dd>
      {props.children}
      <small>{props.hint}</small>
    </dd>
  </div>
)

const LaneCard = ({ lane }: { readonly lane: Lane }) => {
  const tone = toneOf(lane)
  const errors = Object.entries(lane.errors).toSorted(([, a], [, b]) => b - a)
  return (
    <article class={`card ${tone}`} aria-label={lane.lane}>
      <header>
        <h3>
          <span class="provider">{lane.provider}/</span>
          <wbr />
          {lane.lane.slice(lane.provider.length + 1)}
        </h3>
        <Status tone={tone}>{wordOf(lane)}</Status>
      </header>
      <p class="breaker">
        <span class="dim">Breaker</span> <Breaker lane={lane} />
      </p>
      <Spark data={lane.spark} />
      <dl class="facts">
        <div class={lane.calls > 0 && lane.successRate < 0.95 ? "poor" : ""}>
          <dt>Success</dt>
          <dd>{lane.calls === 0 ? "–" : percent(lane.successRate)}</dd>
        </div>
        <div>
          <dt>p50 · p95 · p99</dt>
          <dd>
            {millis(lane.p50Millis)} · {millis(lane.p95Millis)} · {millis(lane.p99Millis)}
          </dd>
        </div>
        <div>
          <dt>Attempts/s</dt>
          <dd>{rate(lane.perSecond)}</dd>
        </div>
        <div>
          <dt>First content p50 · p95</dt>
          <dd>
            {millis(lane.firstContentP50Millis)} · {millis(lane.firstContentP95Millis)}
          </dd>
        </div>
        <div>
          <dt>Running</dt>
          <dd>
            {number(lane.running)} <span class="dim">of {number(lane.maxConcurrent)}</span>
          </dd>
        </div>
        <div>
          <dt>Waiting: slot · limit</dt>
          <dd>
            {number(lane.waiting)} · {number(lane.limited)}
          </dd>
        </div>
        <div>
          <dt>Cost/h</dt>
          <dd>{dollars(lane.usdPerHour)}</dd>
        </div>
        <div>
          <dt>Provider's limits left</dt>
          <dd>
            {lane.requestsLeft === undefined && lane.tokensLeft === undefined
              ? "not stated"
              : `${short(lane.requestsLeft)} req · ${short(lane.tokensLeft)} tok`}
          </dd>
        </div>
      </dl>
      <footer>
        <span class="dim">
          {errors.length === 0
            ? lane.calls === 0
              ? "No calls in the last 5 minutes"
              : `No failure in the last ${number(lane.calls)} calls`
            : errors.map(([name, count]) => `${plain(name)} ×${count}`).join(", ")}
        </span>
        <span class="links">
          <a href={link("time", undefined, { lane: lane.lane })} aria-label={`History of ${lane.lane}`}>
            History
          </a>
          <a href={link("act", undefined, { lane: lane.lane })} aria-label={`Act on ${lane.lane}`}>
            Act
          </a>
        </span>
      </footer>
    </article>
  )
}

const LaneList = (props: { readonly lanes: ReadonlyArray<Lane> }) =>
  props.lanes.length === 0 ? (
    <Empty title="No lane matches">Take a part of a lane's name, of a route, or a state such as "open".</Empty>
  ) : (
    <Rows
      class="lanes"
      label="Lanes"
      items={props.lanes}
      rowHeight={44}
      keyOf={(lane) => lane.lane}
      head={
        <>
          <Head>Lane</Head>
          <Head>State</Head>
          <Head>Breaker</Head>
          <Head class="num">Success</Head>
          <Head class="num">p50</Head>
          <Head class="num">p95</Head>
          <Head class="num">First content</Head>
          <Head class="num">Attempts/s</Head>
          <Head class="num">Running</Head>
          <Head class="num">Cost/h</Head>
          <Head>5 minutes</Head>
        </>
      }
    >
      {(lane) => (
        <>
          <Cell class="name" title={lane.lane}>
            <a href={link("time", undefined, { lane: lane.lane })}>{lane.lane}</a>
          </Cell>
          <Cell>
            <Status tone={toneOf(lane)}>{wordOf(lane)}</Status>
          </Cell>
          <Cell class="clip">
            <Breaker lane={lane} />
          </Cell>
          <Cell class="num">{lane.calls === 0 ? "–" : percent(lane.successRate)}</Cell>
          <Cell class="num">{millis(lane.p50Millis)}</Cell>
          <Cell class="num">{millis(lane.p95Millis)}</Cell>
          <Cell class="num">{millis(lane.firstContentP50Millis)}</Cell>
          <Cell class="num">{rate(lane.perSecond)}</Cell>
          <Cell class="num">
            {number(lane.running)}
            {lane.waiting + lane.limited > 0 ? ` +${number(lane.waiting + lane.limited)}` : ""}
          </Cell>
          <Cell class="num">{dollars(lane.usdPerHour)}</Cell>
          <Cell>
            <Spark data={lane.spark} />
          </Cell>
        </>
      )}
    </Rows>
  )

const Decisions = () => (
  <section aria-labelledby="decisions-title">
    <div class="title">
      <h2 id="decisions-title">What was decided lately</h2>
      <span class="dim">failures, retries, fallbacks, circuits; latest first</span>
    </div>
    {decisions.value.length === 0 ? (
      <Empty title="Nothing out of the ordinary">Attempts that succeed are counted above, not listed.</Empty>
    ) : (
      <Rows class="decisions" label="Decisions" items={decisions.value} rowHeight={30} keyOf={(event) => event.id}>
        {(event) => (
          <>
            <Cell class="when">
              <Instant at={event.at} />
            </Cell>
            <Cell class={`what ${severityOf(event)}`}>{plain(event._tag)}</Cell>
            <Cell class="clip" title={sentence(event)}>
              {sentence(event)}
            </Cell>
            <Cell class="more">
              {"operation" in event ? <a href={link("operations", event.operation)}>trail</a> : null}
            </Cell>
          </>
        )}
      </Rows>
    )}
  </section>
)

const severityOf = (event: Event): string => {
  switch (event._tag) {
    case "AttentionNeeded":
      return "bad"
    case "AlertChanged":
      return event.to === "resolved" ? "good" : event.severity === "critical" ? "bad" : "warn"
    case "AlertDeliveryChanged":
      return event.works ? "good" : "bad"
    case "OperationEnded":
      return event.result === "Success" ? "warn" : "bad"
    case "CircuitChanged":
      return event.to === "open" ? "bad" : event.to === "closed" ? "good" : "warn"
    case "HealthChanged":
      return event.to === "unhealthy" ? "bad" : event.to === "degraded" ? "warn" : "good"
    default:
      return ""
  }
}
