/** Metrics as a parser of Prometheus' text format reads them. */
import parse from "parse-prometheus-text-format"

interface Sample {
  readonly value: string
  readonly labels?: { readonly [label: string]: string }
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly type: "COUNTER" | "GAUGE" | "HISTOGRAM" | "UNTYPED"
  readonly metrics: ReadonlyArray<Sample>
}

/** What there is, by name. Of histograms the parser keeps no labels. */
export const families = (text: string): ReadonlyMap<string, Family> =>
  new Map(parse(text).map((family) => [family.name, family]))

/** Every line by its own name: without their types, histograms are lines like all others. */
const lines = (text: string): ReadonlyMap<string, ReadonlyArray<Sample>> => {
  const byName = new Map<string, ReadonlyArray<Sample>>()
  for (const { metrics, name } of parse(text.replaceAll(/^# TYPE .*\n/gm, ""))) {
    byName.set(name, [...(byName.get(name) ?? []), ...metrics])
  }
  return byName
}

/** The samples that have these labels, and perhaps more. A histogram's are `name_bucket`, `name_sum` and `name_count`. */
export const samples = (
  text: string,
  name: string,
  labels: { readonly [label: string]: string } = {}
): ReadonlyArray<Sample> =>
  (lines(text).get(name) ?? []).filter((sample) =>
    Object.entries(labels).every(([label, value]) => sample.labels?.[label] === value)
  )

/** The value of the only such sample. */
export const value = (text: string, name: string, labels: { readonly [label: string]: string } = {}): number => {
  const [found, ...more] = samples(text, name, labels)
  if (found === undefined || more.length > 0) {
    throw new Error(
      `${found === undefined ? "no sample" : "several samples"} of ${name} with ${JSON.stringify(labels)}`
    )
  }
  return Number(found.value)
}

/** The names of all samples. */
export const names = (text: string): ReadonlySet<string> => new Set(lines(text).keys())
