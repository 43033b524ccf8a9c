import { useSignal } from "@preact/signals"
import type { ErrorGroup } from "@holdfast/gateway/admin/Model"
import { useEffect } from "preact/hooks"
import * as api from "../api.ts"
import { acted, confirm } from "../confirm.tsx"
import { clock, epoch, pulse } from "../feed.ts"
import { Empty } from "../parts/Empty.tsx"
import { Instant } from "../parts/Instant.tsx"
import { useAnswer } from "../parts/useAnswer.ts"
import { item, link } from "../place.ts"
import { mayAct } from "../session.tsx"
import { ago, number, plain, plural } from "../words.ts"
import { One } from "./Operations.tsx"

const refreshMillis = 2000

export const Errors = () => {
  const turn = useSignal(0)
  const withResolved = useSignal(false)
  useEffect(() => {
    let seen = pulse.peek()
    const timer = setInterval(() => {
      if (pulse.peek() === seen || document.hidden) return
      seen = pulse.peek()
      turn.value += 1
    }, refreshMillis)
    return () => clearInterval(timer)
  }, [])
  const groups = useAnswer(api.errors, [turn.value, epoch.value, acted.value])
  const all = groups.value ?? []
  const shown = all.filter((group) => withResolved.value || group.resolution === undefined)
  const chosen = all.find((group) => group.id === item.value)
  return (
    <div class="split">
      <section aria-labelledby="errors-title">
        <div class="title">
          <h2 id="errors-title">Errors</h2>
          <span class="dim">alike by class, rule and provider; those heard of last first</span>
          <label class="check end">
            <input
              type="checkbox"
              checked={withResolved.value}
              onChange={(event) => {
                withResolved.value = event.currentTarget.checked
              }}
            />
            Show resolved ({all.filter((group) => group.resolution !== undefined).length})
          </label>
        </div>
        {groups.problem === undefined ? null : <p class="problem">{groups.problem}</p>}
        {groups.value === undefined ? (
          <div class="ghost tall" role="status" aria-label="Loading" />
        ) : shown.length === 0 ? (
          <Empty title="No error is open">
            {all.length === 0
              ? "No attempt has failed since the gateway started."
              : "All groups are resolved; one that comes back opens again."}
          </Empty>
        ) : (
          <ul class="groups">
            {shown.map((group) => (
              <li key={group.id} class={group.id === item.value ? "chosen" : ""}>
                <a href={link("errors", group.id)} aria-current={group.id === item.value ? "true" : undefined}>
                  <span class="head">
                    <strong>{plain(group.class)}</strong>
                    <span>{group.provider}</span>
                    {group.regressed ? <em>came back</em> : null}
                    {group.resolution === undefined ? null : <em class="good">resolved</em>}
                    <b>{number(group.count)}×</b>
                  </span>
                  <span class="clip dim">{group.message}</span>
                  <span class="dim">last {ago(group.lastSeen, clock.value)}</span>
                </a>
              </li>
            ))}
          </ul>
        )}
      </section>
      <section class="panel" aria-label="One group of errors">
        {chosen === undefined ? (
          <Empty title="Choose a group">
            Its rule, its lanes and the trail of one of its operations are shown here.
          </Empty>
        ) : (
          <Group group={chosen} />
        )}
      </section>
    </div>
  )
}

const Group = ({ group }: { readonly group: ErrorGroup }) => {
  const chosen = useSignal<string | undefined>(undefined)
  const operation =
    chosen.value !== undefined && group.operations.includes(chosen.value) ? chosen.value : group.operations[0]
  return (
    <>
      <div class="title">
        <h2>
          {plain(group.class)} from {group.provider}
        </h2>
        {group.resolution === undefined ? (
          <button
            type="button"
            class="end"
            disabled={!mayAct()}
            title={mayAct() ? undefined : "Sign in under Act first"}
            onClick={() =>
              confirm({
                title: `Resolve ${plain(group.class)} of ${group.provider}`,
                text: `The group leaves the list. If it happens again it opens again and says that it came back. It happened ${plural(group.count, "time")} so far.`,
                verb: "Resolve",
                reasonLabel: "Note: what was it, what was done?",
                act: (said) => api.resolve(group.id, said)
              })
            }
          >
            Resolve…
          </button>
        ) : null}
      </div>
      <p>{group.message}</p>
      {group.resolution === undefined ? null : (
        <p class="good">
          Resolved by {group.resolution.by} at <Instant at={group.resolution.at} />
          {group.resolution.note === "" ? "" : `: ${group.resolution.note}`}
        </p>
      )}
      <dl class="facts wide">
        <div>
          <dt>Class</dt>
          <dd>{group.class}</dd>
        </div>
        <div>
          <dt>Rule</dt>
          <dd class="id">{group.rule === "" ? "none" : group.rule}</dd>
        </div>
        <div>
          <dt>Count</dt>
          <dd>{number(group.count)}</dd>
        </div>
        <div>
          <dt>First seen</dt>
          <dd>
            <Instant at={group.firstSeen} />
          </dd>
        </div>
        <div>
          <dt>Last seen</dt>
          <dd>
            <Instant at={group.lastSeen} />
          </dd>
        </div>
        <div>
          <dt>Lanes</dt>
          <dd>
            {Object.entries(group.lanes)
              .map(([lane, count]) => `${lane} ×${number(count)}`)
              .join(", ")}
          </dd>
        </div>
      </dl>
      {operation === undefined ? <p class="dim">The store no longer has an operation of these.</p> : null}
      <div class="title" hidden={operation === undefined}>
        <h3>Trail</h3>
        <label class="inline">
          of operation
          <select
            value={operation}
            onChange={(event) => {
              chosen.value = event.currentTarget.value
            }}
          >
            {group.operations.map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </label>
      </div>
      {operation === undefined ? null : <One key={operation} id={operation} />}
    </>
  )
}
