/**
 * The series of the metrics in `Names`, in a registry of Effect's. A label takes so many values and no more: from then on
 * the value is `other`, and a counter says how often. Owned by one service.
 */
import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Names from "../Names.ts"

type LabelsOf<Name extends Names.Name> = {
  readonly [Label in (typeof Names.metrics)[Name]["labels"][number]]: string | undefined
}

/** One value of a metric that is read and not counted. */
export interface Reading {
  readonly name: Names.Name
  readonly labels: { readonly [label: string]: string | undefined }
  readonly value: number
}

export const reading = <Name extends Names.Name>(name: Name, labels: LabelsOf<Name>, value: number): Reading => ({
  name,
  labels,
  value
})

export interface Options {
  /** Holds the registry. */
  readonly context: Context.Context<never>
  /** Values a label may have. Default 500. */
  readonly maxValues?: number | undefined
  readonly maxTenants: number
}

/** The labels whose values come from outside; those of the others are a closed list. */
const open: ReadonlySet<string> = new Set([
  "route",
  "lane",
  "provider",
  "model",
  "circuit",
  "tenant",
  "gen_ai.provider.name",
  "gen_ai.request.model"
])

const other = "other"
const defaultMax = 500

type Attributes = { readonly [label: string]: string }
type Handle = Metric.Metric<number, unknown>

export class Series {
  readonly #options: Options
  readonly #handles = new Map<string, Handle>()
  readonly #values = new Map<string, Set<string>>()
  /** What was read last time, so that what is gone goes. */
  #readings = new Map<string, { readonly handle: Handle; total: number }>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Adds to a counter, or observes a value of a histogram. */
  record<Name extends Names.Name>(name: Name, labels: LabelsOf<Name>, value = 1): void {
    const attributes = this.#bounded(labels)
    this.#handle(name, attributes, keyOf(name, attributes)).updateUnsafe(value, this.#options.context)
  }

  /** Replaces all that was read before. A counter that is read only rises. */
  replace(readings: ReadonlyArray<Reading>): void {
    const { context } = this.#options
    const seen = new Map<string, { readonly handle: Handle; total: number }>()
    for (const { labels, name, value } of readings) {
      const attributes = this.#bounded(labels)
      const key = keyOf(name, attributes)
      const handle = this.#handle(name, attributes, key)
      const before = this.#readings.get(key)?.total ?? 0
      if (handle.type === "Counter") handle.updateUnsafe(Math.max(0, value - before), context)
      else handle.updateUnsafe(value, context)
      seen.set(key, { handle, total: value })
    }
    for (const [key, { handle }] of this.#readings) {
      if (seen.has(key)) continue
      Metric.removeUnsafe(handle, context)
      this.#handles.delete(key)
    }
    this.#readings = seen
  }

  #handle(name: Names.Name, attributes: Attributes, key: string): Handle {
    const known = this.#handles.get(key)
    if (known !== undefined) return known
    const made = make(Names.metrics[name], attributes)
    this.#handles.set(key, made)
    return made
  }

  #bounded(labels: { readonly [label: string]: string | undefined }): Attributes {
    const attributes: Record<string, string> = {}
    for (const [label, value] of Object.entries(labels)) {
      if (value !== undefined) attributes[label] = open.has(label) ? this.#admit(label, value) : value
    }
    return attributes
  }

  #admit(label: string, value: string): string {
    const values = this.#values.get(label) ?? new Set()
    if (values.size === 0) this.#values.set(label, values)
    if (values.has(value)) return value
    const { maxTenants, maxValues = defaultMax } = this.#options
    if (values.size < (label === "tenant" ? maxTenants : maxValues)) {
      values.add(value)
      return value
    }
    this.record("overflow", { label })
    return other
  }
}

const keyOf = (name: Names.Name, attributes: Attributes): string => JSON.stringify([name, attributes])

const make = (metric: Names.Metric, labels: Attributes): Handle => {
  const { boundaries = [], description, id, type, unit } = metric
  // Effect's exporters take the unit from an attribute of this name.
  const options = { description, attributes: { ...labels, unit } }
  switch (type) {
    case "counter":
      return Metric.counter(id, { ...options, incremental: true })
    case "gauge":
      return Metric.gauge(id, options)
    case "histogram":
      return Metric.histogram(id, { ...options, boundaries })
  }
}
