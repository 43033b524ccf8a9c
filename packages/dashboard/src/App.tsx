import { useEffect } from "preact/hooks"
import { Confirm, done } from "./confirm.tsx"
import { clock, connection, heardAt, state } from "./feed.ts"
import { Empty } from "./parts/Empty.tsx"
import { Instant } from "./parts/Instant.tsx"
import { Mark } from "./parts/Status.tsx"
import { go, link, view, views, type View } from "./place.ts"
import { access, signOut } from "./session.tsx"
import { theme, turn } from "./theme.ts"
import { Act } from "./views/Act.tsx"
import { Alerts, Firing } from "./views/Alerts.tsx"
import { Errors } from "./views/Errors.tsx"
import { Flow } from "./views/Flow.tsx"
import { Now } from "./views/Now.tsx"
import { Operations } from "./views/Operations.tsx"
import { Time } from "./views/Time.tsx"
import { WhatIf } from "./views/WhatIf.tsx"
import { span, time } from "./words.ts"

const names: Record<View, string> = {
  now: "Now",
  flow: "Flow",
  time: "Time",
  errors: "Errors",
  alerts: "Alerts",
  operations: "Operations",
  act: "Act",
  "what-if": "What if"
}

const bodies: Record<View, () => preact.JSX.Element> = {
  now: Now,
  flow: Flow,
  time: Time,
  errors: Errors,
  alerts: Alerts,
  operations: Operations,
  act: Act,
  "what-if": WhatIf
}

export const App = () => {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      const to = views[Number(event.key) - 1]
      if (to !== undefined) go(to)
      if (event.key === "/") {
        const box = document.querySelector<HTMLInputElement>("main input[type=search]")
        if (box === null) return
        event.preventDefault()
        box.focus()
      }
    }
    addEventListener("keydown", press)
    return () => removeEventListener("keydown", press)
  }, [])
  useEffect(() => {
    document.title = `${names[view.value]} · Holdfast`
  }, [view.value])
  const Body = bodies[view.value]
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href={link("now")} aria-label="Holdfast, to the first view">
          <img src="/icon.svg" alt="" width="24" height="24" />
          Holdfast
        </a>
        <nav aria-label="Views">
          {views.map((one, index) => (
            <a
              key={one}
              href={link(one)}
              aria-current={one === view.value ? "page" : undefined}
              title={`${names[one]} (key ${index + 1})`}
            >
              {names[one]}
              {one === "alerts" ? <Firing /> : null}
            </a>
          ))}
        </nav>
        <div class="tools">
          <Connection />
          {access.value?.session === true ? (
            <button type="button" class="quiet" onClick={signOut}>
              Sign out
            </button>
          ) : null}
          <button
            type="button"
            class="quiet"
            onClick={turn}
            aria-label={theme.value === "dark" ? "Use light colours" : "Use dark colours"}
          >
            {theme.value === "dark" ? "☀" : "☾"}
          </button>
        </div>
      </header>
      <Headline />
      <main id="main" tabIndex={-1}>
        {state.value === undefined ? <Waiting /> : <Body />}
      </main>
      <Confirm />
      <p class="done" role="status">
        {done.value === undefined || clock.value - done.value.at > 8000 ? "" : done.value.text}
      </p>
    </>
  )
}

const skip = (event: MouseEvent): void => {
  event.preventDefault()
  document.querySelector<HTMLElement>("#main")?.focus()
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.matches("input, textarea, select") || target.closest("dialog[open]") !== null)

const Headline = () => {
  const headline = state.value?.headline
  if (headline === undefined) return null
  return (
    <div class={`headline ${headline.tone}`}>
      <Mark tone={headline.tone} />
      <h1 aria-live="polite">
        {headline.parts.map((part, index) =>
          typeof part === "string" ? part : <Instant key={index} at={part.at} precision="second" />
        )}
      </h1>
    </div>
  )
}

/** Without a word for this long something is wrong, whatever the browser says of the connection. */
const silenceMillis = 5000

const Connection = () => {
  const silent = Date.now() - heardAt.value
  const isLive = connection.value === "live" && (heardAt.value === 0 || silent < silenceMillis)
  // Read so that the silence is looked at again.
  void clock.value
  if (isLive) return <span class="live on">Live</span>
  if (heardAt.value === 0) return <span class="live">Connecting…</span>
  return (
    <span class="live off" role="alert">
      No connection for {span(silent)}; trying again. What is shown is of {time(heardAt.value)}.
    </span>
  )
}

const Waiting = () =>
  connection.value === "lost" ? (
    <Empty title="The gateway does not answer">
      This page tries again by itself. Is it running, and may you read here?
    </Empty>
  ) : (
    <div class="loading" role="status" aria-label="Loading">
      <div class="cards">
        <div class="ghost" />
        <div class="ghost" />
        <div class="ghost" />
      </div>
    </div>
  )
