/** Storms that are not the one that is replayed: what a comparison has to notice. */
import type { Scenario } from "@holdfast/simulator"

type Change = (provider: Scenario.Provider) => Scenario.Provider

const ofEach =
  (change: Change) =>
  (scenario: Scenario.Scenario): Scenario.Scenario => ({
    ...scenario,
    providers: Object.fromEntries(Object.entries(scenario.providers).map(([lane, one]) => [lane, change(one)]))
  })

const times = (latency: Scenario.Latency, factor: number): Scenario.Latency => {
  if ("constant" in latency) return { constant: latency.constant * factor }
  if ("exponential" in latency) return { exponential: latency.exponential * factor }
  return { p50: latency.p50 * factor, p99: latency.p99 * factor }
}

const slower =
  (factor: number): Change =>
  ({ latency, tokensPerSecond, ...rest }) => ({
    ...rest,
    latency: times(latency, factor),
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond: tokensPerSecond / factor })
  })

/** Each changes what the providers do, and nothing else. */
export const wrong: Readonly<Record<string, (scenario: Scenario.Scenario) => Scenario.Scenario>> = {
  "answers take 20 % longer": ofEach(slower(1.2)),
  "answers take 20 % less": ofEach(slower(0.8)),
  "outages end 10 s earlier": ofEach(({ outages = [], ...rest }) => ({
    ...rest,
    outages: outages.flatMap((outage) => (outage.for > 10_000 ? [{ ...outage, for: outage.for - 10_000 }] : []))
  })),
  "nobody limits rates": ofEach(({ limits: _, ...rest }) => rest)
}
