/** Who sits before the page, and whether they may act. */
import { effect, signal } from "@preact/signals"
import type { Access } from "@holdfast/gateway/admin/Model"
import { useState } from "preact/hooks"
import * as api from "./api.ts"
import { epoch } from "./feed.ts"

export const access = signal<Access | undefined>(undefined)

const remembered = "holdfast.name"
/** The name actions are recorded under. */
export const who = signal(localStorage.getItem(remembered) ?? "")
effect(() => localStorage.setItem(remembered, who.value))

/** Without an answer nothing changes. */
const learn = async (ask: () => Promise<Access>): Promise<void> => {
  try {
    access.value = await ask()
  } catch {
    // The next connection asks again.
  }
}

// After a restart a session may hold, or the key may be another one.
effect(() => {
  if (epoch.value > 0) void learn(api.access)
})

export const mayAct = (): boolean => access.value?.session === true

/** What it takes to act, for whoever cannot yet. */
export const SignIn = () => {
  const [key, setKey] = useState("")
  const [problem, setProblem] = useState("")
  if (access.value === undefined) return null
  if (!access.value.key) {
    return (
      <section class="panel note">
        <h2>Read-only</h2>
        <p>No admin key is configured, so nobody can act here. Name one in the configuration and start again:</p>
        <pre>
          admin: {"{"} key: {"{"} env: HOLDFAST_ADMIN_KEY {"}"} {"}"}
        </pre>
      </section>
    )
  }
  if (access.value.session) return null
  const signIn = (event: SubmitEvent) => {
    event.preventDefault()
    void tryKey()
  }
  const tryKey = async (): Promise<void> => {
    try {
      access.value = await api.login(key)
      setKey("")
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error))
    }
  }
  return (
    <section class="panel note">
      <h2>Sign in to act</h2>
      <p>
        Holding a breaker, draining a lane, resolving errors, silencing alerts and testing deliveries take the admin key
        of this gateway.
      </p>
      <form class="inline" onSubmit={signIn}>
        <label>
          Admin key
          <input
            type="password"
            autocomplete="current-password"
            required
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
            aria-describedby="sign-in-problem"
          />
        </label>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
      <p id="sign-in-problem" class="problem" role="alert">
        {problem}
      </p>
    </section>
  )
}

export const signOut = (): void => void learn(api.logout)
