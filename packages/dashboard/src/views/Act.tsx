import { signal, useComputed, useSignal } from "@preact/signals"
import type { Hold, HoldMode, Lane } from "@holdfast/gateway/admin/Model"
import * as api from "../api.ts"
import { acted, confirm } from "../confirm.tsx"
import { epoch, lanes, state } from "../feed.ts"
import { holdWords, toneOf, wordOf } from "../lane.ts"
import { Breaker } from "../parts/Breaker.tsx"
import { Empty } from "../parts/Empty.tsx"
import { Instant } from "../parts/Instant.tsx"
import { Lasting } from "../parts/Lasting.tsx"
import { Cell, Head, Rows } from "../parts/Rows.tsx"
import { Status } from "../parts/Status.tsx"
import { useAnswer } from "../parts/useAnswer.ts"
import { search } from "../place.ts"
import { mayAct, SignIn } from "../session.tsx"
import { number } from "../words.ts"

export const Act = () => {
  const filter = useSignal(search.peek().get("lane") ?? "")
  const shown = useComputed(() => {
    const text = filter.value.trim().toLowerCase()
    // In their configured order: a button must not move from under a finger.
    return lanes.value.filter((lane) => lane.lane.toLowerCase().includes(text))
  })
  const holds = state.value?.holds ?? []
  return (
    <>
      <SignIn />
      <section aria-labelledby="holds-title">
        <div class="title">
          <h2 id="holds-title">Holds in force</h2>
        </div>
        {holds.length === 0 ? (
          <Empty title="Nobody holds anything">Every breaker goes by its own state.</Empty>
        ) : (
          <ul class="holds">
            {holds.map((hold, index) => (
              <li key={hold.id ?? index}>
                <span>
                  <strong>{hold.circuit}</strong> is {hold.drain ? "drained" : holdWords[hold.mode]} by{" "}
                  {hold.by ?? "the program"} since <Instant at={hold.since} />
                  {hold.until === undefined ? null : (
                    <>
                      {" "}
                      until <Instant at={hold.until} precision="minute" />
                    </>
                  )}
                  : {hold.reason}
                  <br />
                  <span class="dim">
                    {hold.instance === undefined ? "" : `on ${hold.instance} only; `}
                    {hold.isKept ? "outlives a restart" : "not in the store: ends with the process"}
                  </span>
                </span>
                <Release hold={hold} />
              </li>
            ))}
          </ul>
        )}
      </section>
      <section aria-labelledby="act-title">
        <div class="title">
          <h2 id="act-title">Lanes</h2>
          <input
            type="search"
            class="filter"
            placeholder="Filter by name ( / )"
            aria-label="Filter lanes by name"
            value={filter.value}
            onInput={(event) => {
              filter.value = event.currentTarget.value
            }}
          />
        </div>
        {shown.value.length === 0 ? (
          <Empty title="No lane matches" />
        ) : (
          <Rows
            class="acts"
            label="Lanes to act on"
            items={shown.value}
            rowHeight={52}
            keyOf={(lane) => lane.lane}
            head={
              <>
                <Head>Lane</Head>
                <Head>State</Head>
                <Head>Breaker</Head>
                <Head class="num">Running</Head>
                <Head>Actions</Head>
              </>
            }
          >
            {(lane) => (
              <>
                <Cell class="name" title={lane.lane}>
                  {lane.lane}
                </Cell>
                <Cell>
                  <Status tone={toneOf(lane)}>{wordOf(lane)}</Status>
                </Cell>
                <Cell class="clip">
                  <Breaker lane={lane} />
                </Cell>
                <Cell class="num">{number(lane.running)}</Cell>
                <Cell class="buttons">
                  <Buttons lane={lane} />
                </Cell>
              </>
            )}
          </Rows>
        )}
      </section>
      <Record />
    </>
  )
}

const Release = ({ hold }: { readonly hold: Hold }) => {
  const { id } = hold
  if (id === undefined) return <span class="dim">not put here</span>
  return (
    <button
      type="button"
      disabled={!mayAct()}
      onClick={() =>
        confirm({
          title: `Release ${hold.circuit}`,
          text: `The breaker goes by its own state again, unless somebody else holds it too. It was ${hold.drain ? "drained" : holdWords[hold.mode]}: ${hold.reason}`,
          verb: "Release",
          act: (said) => api.release(id, said)
        })
      }
    >
      Release…
    </button>
  )
}

const effects: { readonly [Mode in HoldMode]: string } = {
  "force-open": "No call goes there until the hold is released; calls that run are not touched.",
  "force-closed": "Every call goes there, however many fail, until the hold is released.",
  observe: "The breaker goes on counting but refuses nothing until the hold is released."
}

/** For how long the hold that is asked about; 0 until it is released. */
const minutes = signal(0)
const isLocal = signal(false)

const reach = (): api.Reach => ({
  ...(minutes.value === 0 ? {} : { minutes: minutes.value }),
  ...(isLocal.value ? { isLocal: true } : {})
})

const Fields = () => (
  <>
    <Lasting label="For" minutes={minutes} endless="until it is released" />
    <label class="check">
      <input
        type="checkbox"
        checked={isLocal.value}
        onChange={(event) => {
          isLocal.value = event.currentTarget.checked
        }}
      />
      On this gateway only, not on all that share its store
    </label>
  </>
)

/** Asks about a hold, with nothing left of the one before. */
const ask: typeof confirm = (question) => {
  minutes.value = 0
  isLocal.value = false
  confirm({ ...question, Fields })
}

const Buttons = ({ lane }: { readonly lane: Lane }) => {
  const isAllowed = mayAct()
  const others = lane.routes
    .map((route) => ({ route, rest: (state.value?.routes.find((one) => one.route === route)?.lanes.length ?? 1) - 1 }))
    .filter(({ rest }) => rest === 0)
    .map(({ route }) => route)
  const warning = others.length === 0 ? "" : ` It is the only lane of ${others.join(", ")}: that route will be down.`
  const hold = (mode: HoldMode, verb: string) =>
    ask({
      title: `${verb}: ${lane.lane}`,
      text: effects[mode] + (mode === "force-open" ? warning : ""),
      verb,
      isDangerous: mode !== "observe",
      act: (said) => api.hold(lane.lane, mode, reach(), said)
    })
  return (
    <>
      <button
        type="button"
        disabled={!isAllowed}
        aria-label={`Hold open ${lane.lane}`}
        onClick={() => hold("force-open", "Hold open")}
      >
        Hold open…
      </button>
      <button
        type="button"
        disabled={!isAllowed}
        aria-label={`Hold closed ${lane.lane}`}
        onClick={() => hold("force-closed", "Hold closed")}
      >
        Hold closed…
      </button>
      <button
        type="button"
        disabled={!isAllowed}
        aria-label={`Observe ${lane.lane}`}
        onClick={() => hold("observe", "Observe")}
      >
        Observe…
      </button>
      <button
        type="button"
        disabled={!isAllowed}
        aria-label={`Drain ${lane.lane}`}
        onClick={() =>
          ask({
            title: `Drain: ${lane.lane}`,
            text: `No new call goes there; the ${number(lane.running)} that run finish. Release it to let calls in again.${warning}`,
            verb: "Drain",
            isDangerous: true,
            act: (said) => api.drain(lane.lane, reach(), said)
          })
        }
      >
        Drain…
      </button>
    </>
  )
}

/** What somebody did, in words; another version may do more. */
const deeds: { readonly [action: string]: string | undefined } = {
  hold: "held",
  release: "released",
  drain: "drained",
  expire: "let go by itself of",
  resolve: "resolved",
  silence: "silenced",
  unsilence: "ended the silence of",
  test: "tested the delivery"
}

const Record = () => {
  const holds = state.value?.holds.map(({ id }) => id).join()
  const actions = useAnswer(api.actions, [acted.value, epoch.value, holds, state.value?.alerts.revision])
  return (
    <section aria-labelledby="record-title">
      <div class="title">
        <h2 id="record-title">What was done</h2>
        <span class="dim">here and over the API, on every gateway that shares the store; also in their logs</span>
      </div>
      {actions.problem === undefined ? null : <p class="problem">{actions.problem}</p>}
      {actions.value === undefined ? null : actions.value.length === 0 ? (
        <Empty title="Nobody has done anything yet" />
      ) : (
        <ul class="record">
          {actions.value.map((one) => (
            <li key={one.id} title={`on ${one.instance}`}>
              <Instant at={one.at} />
              <span>
                <strong>{one.by}</strong> {deeds[one.action] ?? one.action} <strong>{one.target}</strong>: {one.reason}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
