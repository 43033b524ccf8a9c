/** Asks before anything is done: what will happen in words, and why it is done, which is written down. */
import { signal } from "@preact/signals"
import type { JSX } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import type { Said } from "./api.ts"
import { clock } from "./feed.ts"
import { who } from "./session.tsx"

interface Question {
  readonly title: string
  /** What will happen. */
  readonly text: string
  readonly verb: string
  readonly isDangerous?: boolean
  readonly reasonLabel?: string
  /** What else there is to choose. */
  readonly Fields?: () => JSX.Element
  /** What it answers with words is said in place of "Done: title". */
  readonly act: (said: Said) => Promise<unknown>
}

const question = signal<Question | undefined>(undefined)
/** What was done last, for the line at the foot of the page. */
export const done = signal<{ readonly text: string; readonly at: number } | undefined>(undefined)
/** Goes up with every action. */
export const acted = signal(0)

export const confirm = (asked: Question): void => {
  question.value = asked
}

export const Confirm = () => {
  const dialog = useRef<HTMLDialogElement>(null)
  const [reason, setReason] = useState("")
  const [problem, setProblem] = useState("")
  const [isBusy, setBusy] = useState(false)
  const asked = question.value

  useEffect(() => {
    if (asked === undefined) return
    setReason("")
    setProblem("")
    setBusy(false)
    dialog.current?.showModal()
  }, [asked])

  const close = () => dialog.current?.close()
  const perform = async (asked: Question, said: Said): Promise<void> => {
    let answer: unknown
    try {
      answer = await asked.act(said)
    } catch (error) {
      setBusy(false)
      setProblem(error instanceof Error ? error.message : String(error))
      return
    }
    done.value = { text: typeof answer === "string" ? answer : `Done: ${asked.title}`, at: clock.value }
    acted.value += 1
    close()
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    if (asked === undefined || isBusy) return
    setBusy(true)
    const by = who.value.trim()
    void perform(asked, { reason: reason.trim(), ...(by === "" ? {} : { by }) })
  }

  return (
    <dialog
      ref={dialog}
      aria-labelledby="confirm-title"
      onClose={() => {
        question.value = undefined
      }}
    >
      {asked === undefined ? null : (
        <form onSubmit={submit}>
          <h2 id="confirm-title">{asked.title}</h2>
          <p>{asked.text}</p>
          {asked.Fields === undefined ? null : <asked.Fields />}
          <label>
            {asked.reasonLabel ?? "Reason"}
            <input
              required
              pattern=".*\S.*"
              maxLength={500}
              value={reason}
              onInput={(event) => setReason(event.currentTarget.value)}
              autofocus
            />
          </label>
          <label>
            Your name <span class="dim">(recorded with it)</span>
            <input
              maxLength={80}
              value={who.value}
              onInput={(event) => {
                who.value = event.currentTarget.value
              }}
            />
          </label>
          <p class="problem" role="alert">
            {problem}
          </p>
          <div class="buttons">
            <button type="button" onClick={close}>
              Cancel
            </button>
            <button type="submit" class={asked.isDangerous === true ? "danger" : "primary"} disabled={isBusy}>
              {asked.verb}
            </button>
          </div>
        </form>
      )}
    </dialog>
  )
}
