/** The run of a simulation that this page has asked for. Its picture stays until the next one is there. */
import { signal } from "@preact/signals"
import type { Answer, Request } from "@holdfast/gateway/admin/WhatIfModel"
import { open, parse } from "./api.ts"

export type Phase =
  | { readonly tag: "idle" }
  | { readonly tag: "asking" }
  | { readonly tag: "waiting"; readonly ahead: number }
  | { readonly tag: "running"; readonly part: number }
  | { readonly tag: "stopped" }
  | { readonly tag: "failed"; readonly problem: string }

export const phase = signal<Phase>({ tag: "idle" })
export const shown = signal<{ readonly request: Request; readonly answer: Answer } | undefined>(undefined)

export const isUnderWay = (): boolean => ["asking", "waiting", "running"].includes(phase.value.tag)

let leave: AbortController | undefined

export const start = (request: Request): void => {
  leave?.abort()
  const controller = new AbortController()
  leave = controller
  phase.value = { tag: "asking" }
  void show(request, controller.signal)
}

const show = async (request: Request, signal: AbortSignal): Promise<void> => {
  try {
    const answer = await follow(request, signal)
    if (signal.aborted) return
    shown.value = { request, answer }
    phase.value = { tag: "idle" }
  } catch (error) {
    if (signal.aborted) return
    phase.value = { tag: "failed", problem: error instanceof Error ? error.message : String(error) }
  }
}

/** Ends the run, here and at the gateway, which notices that nobody listens. */
export const stop = (): void => {
  if (!isUnderWay()) return
  leave?.abort()
  phase.value = { tag: "stopped" }
}

const follow = async (request: Request, signal: AbortSignal): Promise<Answer> => {
  const response = await open("/api/what-if/runs", {
    method: "POST",
    headers: { "content-type": "application/json", "x-holdfast-action": "1" },
    body: JSON.stringify(request),
    signal
  })
  for await (const { data, event } of messages(response)) {
    if (signal.aborted) break
    if (event === "waiting") phase.value = { tag: "waiting", ...parse<{ readonly ahead: number }>(data) }
    if (event === "running") phase.value = { tag: "running", ...parse<{ readonly part: number }>(data) }
    if (event === "problem") throw new Error(parse<{ readonly message: string }>(data).message)
    if (event === "picture") return parse<Answer>(data)
  }
  throw new Error("The gateway ended the run before its end")
}

/** `EventSource` can only ask for what is there. */
async function* messages(
  response: Response
): AsyncGenerator<{ readonly event: string; readonly data: string }, void, undefined> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (reader === undefined) return
  let text = ""
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    text += value
    const blocks = text.split("\n\n")
    text = blocks.pop() ?? ""
    for (const block of blocks) {
      const [event = "", data = ""] = block.split("\n")
      yield { event: event.slice("event: ".length), data: data.slice("data: ".length) }
    }
  }
}
