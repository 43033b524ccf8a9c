import type { Span, Trail } from "@holdfast/gateway/admin/Model"
import { millis, plain } from "../words.ts"
import { Instant } from "./Instant.tsx"

const kinds: Record<Span["kind"], string> = {
  wait: "wait",
  attempt: "attempt",
  refusal: "refused",
  fallback: "fallback",
  note: "note"
}

/** One operation's time, part by part, on one scale. */
export const Waterfall = ({ trail }: { readonly trail: Trail }) => {
  const { operation, spans } = trail
  const whole = Math.max(1, operation.durationMillis, ...spans.map((one) => one.toMillis))
  const part = (value: number): string => `${(value / whole) * 100}%`
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  return (
    <figure class="waterfall" aria-label={`Timeline of operation ${operation.operation}`}>
      <dl class="facts wide">
        <div>
          <dt>Route</dt>
          <dd>{operation.route}</dd>
        </div>
        <div>
          <dt>Result</dt>
          <dd>
            {plain(operation.result)}
            {operation.degraded ? " (degraded)" : ""}
          </dd>
        </div>
        <div>
          <dt>Answered by</dt>
          <dd>{operation.source ?? operation.lane ?? "nobody"}</dd>
        </div>
        <div>
          <dt>Attempts</dt>
          <dd>{operation.attempts}</dd>
        </div>
        <div>
          <dt>Took</dt>
          <dd>{millis(operation.durationMillis)}</dd>
        </div>
        <div>
          <dt>Began</dt>
          <dd>
            <Instant at={operation.startedAt} />
          </dd>
        </div>
        <div>
          <dt>Id</dt>
          <dd class="id">{operation.operation}</dd>
        </div>
      </dl>
      <div class="scale" aria-hidden="true">
        <span />
        <div>
          {ticks.map((tick) => (
            <span key={tick} style={{ left: part(tick * whole) }}>
              {millis(tick * whole)}
            </span>
          ))}
        </div>
      </div>
      <ol>
        {spans.map((one, index) => (
          <li key={index} class={one.kind}>
            <div class="label">
              <strong>{one.lane ?? operation.route}</strong>
              <span>
                {kinds[one.kind]} · {plain(one.result)}
                {one.hedge === true ? " · hedge" : ""}
              </span>
            </div>
            <div class="track">
              <div
                class={`bit ${one.kind} ${one.kind === "attempt" ? (one.result === "Success" ? "ok" : one.result === "Cancelled" ? "cut" : "failed") : ""}`}
                style={{ left: part(one.fromMillis), width: part(Math.max(0, one.toMillis - one.fromMillis)) }}
              >
                {one.firstContentMillis === undefined ? null : (
                  <i
                    class="first"
                    style={{ left: `${(one.firstContentMillis / Math.max(1, one.toMillis - one.fromMillis)) * 100}%` }}
                    title={`First content after ${millis(one.firstContentMillis)}`}
                  />
                )}
              </div>
            </div>
            <p class="detail">
              {one.kind === "attempt" || one.kind === "wait"
                ? millis(one.toMillis - one.fromMillis)
                : `at ${millis(one.fromMillis)}`}
              {one.firstContentMillis === undefined ? "" : `, first content after ${millis(one.firstContentMillis)}`}
              {one.tokens === undefined ? "" : `, ${one.tokens} tokens`}
              {one.text === undefined ? "" : ` · ${one.text}`}
              {one.requestId === undefined ? "" : ` · request ${one.requestId}`}
            </p>
          </li>
        ))}
      </ol>
    </figure>
  )
}
