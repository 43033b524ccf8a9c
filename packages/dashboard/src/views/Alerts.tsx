import { useSignal } from "@preact/signals"
import type { Alert, Alerts as All, Delivery } from "@holdfast/gateway/admin/Model"
import { useEffect, useRef } from "preact/hooks"
import * as api from "../api.ts"
import { acted, confirm } from "../confirm.tsx"
import { clock, connection, epoch, heardAt, pulse, state } from "../feed.ts"
import { AlertItem } from "../parts/AlertItem.tsx"
import { Empty } from "../parts/Empty.tsx"
import { Instant } from "../parts/Instant.tsx"
import { Status } from "../parts/Status.tsx"
import { type Answer, useAnswer } from "../parts/useAnswer.ts"
import { link } from "../place.ts"
import { access, mayAct } from "../session.tsx"
import { matcherWords, ruleWords, silence, unsilence } from "../silencing.tsx"
import { ago, number, span, time } from "../words.ts"

/** Who answers meanwhile may be different without any alert being so. */
const refreshMillis = 5000

/** How many alerts that fire people are told of, for the navigation. */
export const Firing = () => {
  const firing = state.value?.alerts.firing ?? 0
  return firing === 0 ? null : (
    <span class="count">
      {number(firing)} <span class="unseen">firing</span>
    </span>
  )
}

export const Alerts = () => {
  const turn = useSignal(0)
  const isRefused = useRef(false)
  useEffect(() => {
    let seen = pulse.peek()
    const timer = setInterval(() => {
      if ((pulse.peek() === seen && !isRefused.current) || document.hidden) return
      seen = pulse.peek()
      turn.value += 1
    }, refreshMillis)
    return () => clearInterval(timer)
  }, [])
  const answer = useAnswer(api.alerts, [state.value?.alerts.revision, turn.value, epoch.value, acted.value])
  isRefused.current = answer.problem !== undefined
  return (
    <>
      <Caution answer={answer} />
      {answer.value === undefined ? (
        answer.problem === undefined ? (
          <div class="ghost tall" role="status" aria-label="Loading" />
        ) : (
          <Empty title="The alerts cannot be shown">This page asks again by itself.</Empty>
        )
      ) : (
        <Body all={answer.value} />
      )}
    </>
  )
}

/** What is not as it should be with what is shown, and what it takes to act. */
const Caution = ({ answer }: { readonly answer: Answer<All> }) => (
  <>
    {answer.problem === undefined ? null : (
      <p class="problem" role="alert">
        {answer.problem}
      </p>
    )}
    {connection.value === "lost" && answer.value !== undefined ? (
      <p class="problem">These are the alerts as of {time(heardAt.value)}; others may fire by now.</p>
    ) : null}
    {access.value === undefined || mayAct() ? null : (
      <p class="dim">
        Silencing and testing take the admin key: <a href={link("act")}>sign in under Act</a>.
      </p>
    )}
  </>
)

const Body = ({ all }: { readonly all: All }) => {
  const firing = all.alerts.filter(({ phase }) => phase === "firing")
  const pending = all.alerts.filter(({ phase }) => phase === "pending")
  const resolved = all.alerts.filter(({ phase }) => phase === "resolved")
  return (
    <>
      <section aria-labelledby="firing-title">
        <div class="title">
          <h2 id="firing-title">{firing.length === 0 ? "Firing" : `Firing: ${number(firing.length)}`}</h2>
          <span class="dim">
            {pending.length === 0 ? "" : `${number(pending.length)} pending: not so for long yet`}
          </span>
          <button
            type="button"
            class="end"
            disabled={!mayAct()}
            title={mayAct() ? undefined : "Sign in under Act first"}
            onClick={() => silence(all)}
          >
            Silence…
          </button>
        </div>
        {firing.length + pending.length === 0 ? (
          <Empty title="No alert fires">
            {resolved.length === 0
              ? "Nothing has been so bad, for so long, that people should be told."
              : `The last one was over ${ago(resolved[0]?.resolvedAt ?? 0, clock.value)}.`}
          </Empty>
        ) : (
          <ul class="alerts">
            {[...firing.toSorted(byUrgency), ...pending].map((alert) => (
              <AlertItem key={`${alert.key} ${alert.since}`} alert={alert} all={all} />
            ))}
          </ul>
        )}
      </section>
      <Silences silences={all.silences} />
      <Deliveries deliveries={all.deliveries} />
      <Resolved alerts={resolved} />
    </>
  )
}

const urgency = { critical: 0, warning: 1, info: 2 } as const

/** What matters most, then what is new. Those that are silenced come last. */
const byUrgency = (a: Alert, b: Alert): number =>
  Number(a.silence !== undefined) - Number(b.silence !== undefined) ||
  urgency[a.severity] - urgency[b.severity] ||
  b.since - a.since

const Silences = (props: { readonly silences: All["silences"] }) => (
  <section aria-labelledby="silences-title">
    <div class="title">
      <h2 id="silences-title">Silences</h2>
      <span class="dim">of this gateway; they outlive a restart</span>
    </div>
    {props.silences.length === 0 ? (
      <Empty title="Nothing is silenced" />
    ) : (
      <ul class="holds">
        {props.silences.map((one) => (
          <li key={one.id}>
            <span>
              <strong>{matcherWords(one.matcher)}</strong>, by {one.by} until{" "}
              <Instant at={one.until} precision="minute" />{" "}
              <span class="dim">({span(one.until - clock.value)} left)</span>: {one.reason}
            </span>
            <button
              type="button"
              disabled={!mayAct()}
              aria-label={`End the silence: ${matcherWords(one.matcher)}`}
              onClick={() => unsilence(one)}
            >
              End…
            </button>
          </li>
        ))}
      </ul>
    )}
  </section>
)

const Deliveries = (props: { readonly deliveries: ReadonlyArray<Delivery> }) => (
  <section aria-labelledby="deliveries-title">
    <div class="title">
      <h2 id="deliveries-title">Who is told</h2>
      <span class="dim">counted since the gateway started</span>
    </div>
    {props.deliveries.length === 0 ? (
      <Empty title="Nobody is told">
        Alerts are here and in the log only. Name a way of telling people under <code>alerts.deliveries</code> in the
        configuration: Slack, PagerDuty, mail or a webhook.
      </Empty>
    ) : (
      <div class="scroll" tabIndex={0} role="region" aria-label="Deliveries">
        <table>
          <thead>
            <tr>
              <th scope="col">Delivery</th>
              <th scope="col">State</th>
              <th scope="col">Told from</th>
              <th scope="col" class="num">
                Taken
              </th>
              <th scope="col" class="num">
                Waiting
              </th>
              <th scope="col" class="num">
                Given up
              </th>
              <th scope="col">Last taken</th>
              <th scope="col">Test</th>
            </tr>
          </thead>
          <tbody>
            {props.deliveries.map((one) => (
              <DeliveryRow key={one.name} delivery={one} />
            ))}
          </tbody>
        </table>
      </div>
    )}
  </section>
)

const DeliveryRow = ({ delivery }: { readonly delivery: Delivery }) => (
  <tr>
    <th scope="row">
      {delivery.name} <span class="dim">{delivery.kind}</span>
    </th>
    <td>
      {delivery.failing === undefined ? (
        <Status tone={delivery.sent === 0 ? "idle" : "well"}>{delivery.sent === 0 ? "Not used yet" : "Works"}</Status>
      ) : (
        <>
          <Status tone="down">Fails</Status> since <Instant at={delivery.failing.since} />: {delivery.failing.reason}
        </>
      )}
    </td>
    <td>{delivery.atLeast}</td>
    <td class="num">{number(delivery.sent)}</td>
    <td class="num">{number(delivery.waiting)}</td>
    <td class={delivery.dropped > 0 ? "num problem" : "num"}>{number(delivery.dropped)}</td>
    <td>{delivery.lastSentAt === undefined ? "–" : <Instant at={delivery.lastSentAt} />}</td>
    <td>
      <button
        type="button"
        disabled={!mayAct()}
        aria-label={`Test ${delivery.name}`}
        onClick={() =>
          confirm({
            title: `Test ${delivery.name}`,
            text: `Sends a message by ${delivery.name} (${delivery.kind}) that says it is a test. Whoever reads real alerts there will read it.`,
            verb: "Send the test",
            act: async (said) => {
              const [outcome] = await api.testDelivery(delivery.name, said)
              if (outcome?.problem !== undefined) throw new Error(`Not delivered: ${outcome.problem}`)
              return `${delivery.name} took the test in ${number(outcome?.millis ?? 0)} ms`
            }
          })
        }
      >
        Test…
      </button>
    </td>
  </tr>
)

const Resolved = (props: { readonly alerts: ReadonlyArray<Alert> }) =>
  props.alerts.length === 0 ? null : (
    <section aria-labelledby="resolved-title">
      <div class="title">
        <h2 id="resolved-title">Over: the last {number(props.alerts.length)}</h2>
        <span class="dim">latest first</span>
      </div>
      <div class="scroll low" tabIndex={0} role="region" aria-label="Alerts that are over">
        <table>
          <thead>
            <tr>
              <th scope="col">Over since</th>
              <th scope="col">What</th>
              <th scope="col">Rule</th>
              <th scope="col">Severity</th>
              <th scope="col">Lasted</th>
              <th scope="col">Told</th>
            </tr>
          </thead>
          <tbody>
            {props.alerts.map((alert) => (
              <tr key={`${alert.key} ${alert.since}`}>
                <td>
                  <Instant at={alert.resolvedAt ?? alert.since} />
                </td>
                <td title={alert.detail}>{alert.words.title}</td>
                <td>{ruleWords(alert.rule)}</td>
                <td>{alert.severity}</td>
                <td>{span((alert.resolvedAt ?? alert.since) - alert.since)}</td>
                <td>{alert.notifiedAt === undefined ? "no" : <Instant at={alert.notifiedAt} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
