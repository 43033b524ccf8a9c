import type { Alert, Alerts } from "@holdfast/gateway/admin/Model"
import type { ComponentChildren } from "preact"
import { clock } from "../feed.ts"
import { link } from "../place.ts"
import { mayAct } from "../session.tsx"
import { ruleWords, silence } from "../silencing.tsx"
import { ago } from "../words.ts"
import { Instant } from "./Instant.tsx"
import { Status, type Tone } from "./Status.tsx"

const tones: Record<Alert["severity"], Tone> = { critical: "down", warning: "degraded", info: "idle" }

const toneOf = (alert: Alert): Tone =>
  alert.phase === "pending" ? "idle" : alert.silence === undefined ? tones[alert.severity] : "held"

/** An alert that is not over: what it says, since when, whom it matters to, and whether people know. */
export const AlertItem = ({ alert, all }: { readonly alert: Alert; readonly all: Alerts }) => {
  const { words } = alert
  const tone = toneOf(alert)
  return (
    <li class={`alert ${tone}`}>
      <div class="title">
        <Status tone={tone}>{alert.phase === "pending" ? "Pending" : alert.severity}</Status>
        <h3>{words.title}</h3>
        {alert.silence === undefined ? (
          <button
            type="button"
            class="end"
            disabled={!mayAct()}
            aria-label={`Silence ${words.title}`}
            onClick={() => silence(all, alert)}
          >
            Silence…
          </button>
        ) : null}
      </div>
      <p>
        Since <Instant at={alert.since} /> ({ago(alert.since, clock.value)}): {alert.detail}.
      </p>
      {words.meanwhile === undefined ? null : <p>{words.meanwhile}</p>}
      {words.todo === undefined ? null : (
        <p>
          <span class="dim">To do</span> {words.todo}
        </p>
      )}
      <p class="dim">{toldOf(alert, all)}</p>
      <dl class="tags">
        <Tag name="Rule">{ruleWords(alert.rule)}</Tag>
        {alert.lane === undefined ? (
          <Tag name="About">{alert.subject}</Tag>
        ) : (
          <Tag name="Lane">
            <a href={link("time", undefined, { lane: alert.lane })}>{alert.lane}</a>
          </Tag>
        )}
        {alert.routes.length === 0 ? null : (
          <Tag name={alert.routes.length === 1 ? "Route" : "Routes"}>
            {alert.routes.map((route) => (
              <a key={route} href={link("operations", undefined, { route })}>
                {route}
              </a>
            ))}
          </Tag>
        )}
      </dl>
    </li>
  )
}

const Tag = (props: { readonly name: string; readonly children: ComponentChildren }) => (
  <div>
    <dt>{props.name}</dt> <dd>{props.children}</dd>
  </div>
)

/** Whether people know. */
const toldOf = (alert: Alert, all: Alerts): ComponentChildren => {
  const { notifiedAt, silence } = alert
  const told =
    notifiedAt === undefined ? null : (
      <>
        Told at <Instant at={notifiedAt} />.{" "}
      </>
    )
  if (alert.phase === "pending") return "It is told when it has been so for as long as its rule says."
  if (silence !== undefined) {
    return (
      <>
        {told}Silenced by {silence.by} until <Instant at={silence.until} precision="minute" />: {silence.reason}
      </>
    )
  }
  if (alert.isUnconfirmed) return <>{told}From before a restart; not seen again since.</>
  if (all.deliveries.length === 0) return "In the log and here only: nobody is told."
  return told ?? "It waits a moment for others of its group, then it is told."
}
