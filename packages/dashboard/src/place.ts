/** Where in the page one is, kept in the address so that it can be sent to somebody. */
import { computed, signal } from "@preact/signals"

export const views = ["now", "flow", "time", "errors", "alerts", "operations", "act", "what-if"] as const
export type View = (typeof views)[number]

const hash = signal(location.hash)
addEventListener("hashchange", () => {
  hash.value = location.hash
})

const parts = computed(() => {
  const [path = "", search = ""] = hash.value.replace(/^#\/?/, "").split("?", 2)
  const [view = "", ...rest] = path.split("/")
  return {
    view: views.find((one) => one === view) ?? ("now" as const),
    item: rest.length === 0 ? undefined : decodeURIComponent(rest.join("/")),
    search: new URLSearchParams(search)
  }
})

export const view = computed<View>(() => parts.value.view)
/** What of the view is looked at: an operation, a group of errors. */
export const item = computed(() => parts.value.item)
export const search = computed(() => parts.value.search)

export const link = (to: View, of?: string, query: Record<string, string> = {}): string => {
  const search = new URLSearchParams(query).toString()
  return `#/${to}${of === undefined ? "" : `/${encodeURIComponent(of)}`}${search === "" ? "" : `?${search}`}`
}

export const go = (to: View, of?: string, query: Record<string, string> = {}): void => {
  location.hash = link(to, of, query)
}

/** Changes the query without a step in the history. */
export const refine = (query: Record<string, string | undefined>): void => {
  const next = new URLSearchParams(search.value)
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === "") next.delete(name)
    else next.set(name, value)
  }
  history.replaceState(null, "", link(view.value, item.value, Object.fromEntries(next)))
  hash.value = location.hash
}
