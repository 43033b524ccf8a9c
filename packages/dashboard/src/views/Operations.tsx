import { useComputed, useSignal } from "@preact/signals"
import type { Operation } from "@holdfast/gateway/admin/Model"
import { useEffect } from "preact/hooks"
import * as api from "../api.ts"
import { epoch, pulse, state } from "../feed.ts"
import { Empty } from "../parts/Empty.tsx"
import { Instant } from "../parts/Instant.tsx"
import { Cell, Head, Rows } from "../parts/Rows.tsx"
import { Status, type Tone } from "../parts/Status.tsx"
import { useAnswer } from "../parts/useAnswer.ts"
import { Waterfall } from "../parts/Waterfall.tsx"
import { go, item, link, refine, search } from "../place.ts"
import { millis, number, plain } from "../words.ts"

const outcomes: ReadonlyArray<string> = [
  "Success",
  "AllLanesFailed",
  "DeadlineExceeded",
  "Timeout",
  "RateLimit",
  "ServiceUnavailable",
  "ModelOverloaded",
  "Cancelled",
  "running"
]

/** How often the list is asked for again while it is followed, in milliseconds. */
const refreshMillis = 2000

export const Operations = () => {
  const text = search.value.get("text") ?? ""
  const route = search.value.get("route") ?? ""
  const result = search.value.get("result") ?? ""
  const follow = useSignal(true)
  const turn = useSignal(0)
  useEffect(() => {
    let seen = pulse.peek()
    const timer = setInterval(() => {
      if (!follow.peek() || pulse.peek() === seen || document.hidden) return
      seen = pulse.peek()
      turn.value += 1
    }, refreshMillis)
    return () => clearInterval(timer)
  }, [])
  const found = useAnswer(
    () => api.operations({ text, route, result, limit: 500 }),
    [text, route, result, turn.value, epoch.value]
  )
  const routes = useComputed(() => state.value?.routes.map((one) => one.route) ?? [])
  return (
    <div class="split">
      <section aria-labelledby="operations-title">
        <div class="title">
          <h2 id="operations-title">Operations</h2>
          <span class="dim">
            {found.value === undefined ? "" : `${number(found.value.length)} found, latest first`}
          </span>
        </div>
        <div class="filters" role="search">
          <input
            type="search"
            placeholder="Id, tenant, route, lane, class ( / )"
            aria-label="Search operations by id, tenant, route, lane or class"
            value={text}
            onInput={(event) => refine({ text: event.currentTarget.value })}
          />
          <select aria-label="Route" value={route} onChange={(event) => refine({ route: event.currentTarget.value })}>
            <option value="">Every route</option>
            {routes.value.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <select
            aria-label="Result or class"
            value={result}
            onChange={(event) => refine({ result: event.currentTarget.value })}
          >
            <option value="">Any result</option>
            {outcomes.map((name) => (
              <option key={name} value={name}>
                {plain(name)}
              </option>
            ))}
          </select>
          <label class="check">
            <input
              type="checkbox"
              checked={follow.value}
              onChange={(event) => {
                follow.value = event.currentTarget.checked
              }}
            />
            Follow
          </label>
        </div>
        {found.problem === undefined ? null : <p class="problem">{found.problem}</p>}
        {found.value === undefined ? (
          <div class="ghost tall" role="status" aria-label="Loading" />
        ) : found.value.length === 0 ? (
          <Empty title={text + route + result === "" ? "Nothing was asked yet" : "No operation matches"}>
            Searched are the last 2,000 operations of this process by any of these, and the store by id, tenant, route
            and result.
          </Empty>
        ) : (
          <OperationList operations={found.value} />
        )}
      </section>
      <section class="panel" aria-label="One operation">
        {item.value === undefined ? (
          <Empty title="Choose an operation">Its waits, attempts and fallbacks are shown here on one timeline.</Empty>
        ) : (
          <One id={item.value} />
        )}
      </section>
    </div>
  )
}

const toneOf = (operation: Operation): Tone => {
  if (operation.result === "running") return "idle"
  if (operation.result === "Cancelled") return "idle"
  if (operation.result !== "Success") return "down"
  return operation.degraded || operation.classes.length > 0 ? "degraded" : "well"
}

const OperationList = (props: { readonly operations: ReadonlyArray<Operation> }) => (
  <Rows
    class="operations"
    label="Operations"
    items={props.operations}
    rowHeight={34}
    keyOf={(operation) => operation.operation}
    head={
      <>
        <Head>Began</Head>
        <Head>Route</Head>
        <Head>Result</Head>
        <Head>Lane</Head>
        <Head class="num">Attempts</Head>
        <Head class="num">Took</Head>
      </>
    }
  >
    {(operation) => (
      <>
        <Cell class="when">
          <a
            href={link("operations", operation.operation)}
            aria-current={item.value === operation.operation ? "true" : undefined}
            onClick={(event) => {
              event.preventDefault()
              go("operations", operation.operation, Object.fromEntries(search.value))
            }}
          >
            <Instant at={operation.startedAt} />
          </a>
        </Cell>
        <Cell class="clip">{operation.route}</Cell>
        <Cell class="clip" title={operation.classes.map(plain).join(", ")}>
          <Status tone={toneOf(operation)}>
            {operation.result === "Success" && operation.classes.length > 0
              ? `After ${operation.classes.map((name) => plain(name).toLowerCase()).join(", ")}`
              : operation.degraded && operation.result === "Success"
                ? "By a fallback"
                : plain(operation.result)}
          </Status>
        </Cell>
        <Cell class="clip">{operation.source ?? operation.lane ?? "–"}</Cell>
        <Cell class="num">{operation.attempts}</Cell>
        <Cell class="num">{millis(operation.durationMillis)}</Cell>
      </>
    )}
  </Rows>
)

export const One = (props: { readonly id: string }) => {
  const trail = useAnswer(() => api.operation(props.id), [props.id, epoch.value])
  if (trail.problem !== undefined) return <Empty title="Not kept any more">{trail.problem}</Empty>
  if (trail.value === undefined) return <div class="ghost tall" role="status" aria-label="Loading" />
  return <Waterfall trail={trail.value} />
}
