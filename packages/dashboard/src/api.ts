/** Asks the gateway. */
import type {
  Access,
  Action,
  Alerts,
  DeliveryOutcome,
  ErrorGroup,
  Hold,
  HoldMode,
  Operation,
  Series,
  Trail
} from "@holdfast/gateway/admin/Model"
import type { Options as WhatIfOptions } from "@holdfast/gateway/admin/WhatIfModel"

/** What the gateway said instead of an answer. */
class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** An answer that is none of a refusal, before its body is read. */
export const open = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const response = await fetch(path, init).catch(() => {
    throw new Refused(0, "The gateway does not answer")
  })
  if (!response.ok) throw new Refused(response.status, await problemOf(response))
  return response
}

const ask = async <A>(path: string, init: RequestInit = {}): Promise<A> =>
  parse<A>(await (await open(path, init)).text())

/** Reads what the gateway of this very version wrote. */
// The contract is the gateway's; its types are read from there.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export const parse = <A>(text: string): A =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  JSON.parse(text) as A

const problemOf = async (response: Response): Promise<string> => {
  try {
    const said = parse<{
      readonly message?: string
      readonly detail?: string
      readonly errors?: ReadonlyArray<{ readonly message: string }>
    }>(await response.text())
    return said.message ?? said.errors?.[0]?.message ?? said.detail ?? `HTTP ${response.status}`
  } catch {
    return `HTTP ${response.status}`
  }
}

const post = <A>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<A> =>
  ask<A>(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-holdfast-action": "1", ...headers },
    body: JSON.stringify(body)
  })

const query = (fields: { readonly [name: string]: string | number | undefined }): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== "") search.set(name, String(value))
  return search.size === 0 ? "" : `?${search.toString()}`
}

export interface Said {
  readonly by?: string | undefined
  readonly reason: string
}

export const access = () => ask<Access>("/api/access")
export const login = (key: string) => post<Access>("/api/session", {}, { "x-holdfast-admin-key": key })
export const logout = () => post<Access>("/api/session/end", {})
export const series = (span: { from: number; to: number; lane?: string | undefined }) =>
  ask<Series>(`/api/series${query({ from: Math.floor(span.from), to: Math.ceil(span.to), lane: span.lane })}`)
export const errors = () => ask<ReadonlyArray<ErrorGroup>>("/api/errors")
export const operations = (search: { text?: string; route?: string; result?: string; limit?: number }) =>
  ask<ReadonlyArray<Operation>>(`/api/operations${query(search)}`)
export const operation = (id: string) => ask<Trail>(`/api/operations/${encodeURIComponent(id)}`)
export const actions = () => ask<ReadonlyArray<Action>>("/api/actions")
/** How far a hold reaches. */
export interface Reach {
  readonly minutes?: number | undefined
  readonly isLocal?: boolean | undefined
}
export const hold = (circuit: string, mode: HoldMode, reach: Reach, said: Said) =>
  post<Hold>("/api/holds", { circuit, mode, ...reach, ...said })
export const release = (id: string, said: Said) => post<Hold>(`/api/holds/${encodeURIComponent(id)}/release`, said)
export const drain = (lane: string, reach: Reach, said: Said) => post<Hold>("/api/drains", { lane, ...reach, ...said })
export const resolve = (id: string, said: Said) => post<ErrorGroup>("/api/errors/resolve", { id, ...said })
export const alerts = () => ask<Alerts>("/api/alerts")
export type Matcher = Alerts["silences"][number]["matcher"]
export const silence = (wish: { readonly matcher: Matcher; readonly minutes: number }, said: Said) =>
  post<Alerts["silences"][number]>("/api/alerts/silences", { ...wish, ...said })
export const unsilence = (id: string, said: Said) =>
  post<{ readonly id: string }>(`/api/alerts/silences/${encodeURIComponent(id)}/end`, said)
export const testDelivery = (delivery: string, said: Said) =>
  post<ReadonlyArray<DeliveryOutcome>>("/api/alerts/test", { delivery, ...said })
export const whatIf = () => ask<WhatIfOptions>("/api/what-if")
export const whatIfPage = (id: string): string => `/api/what-if/runs/${encodeURIComponent(id)}/page`
