/**
 * The window of a quota, read from the name its provider generates (`GenerateRequestsPerDayPerProject`,
 * `…_requests_per_minute_per_project`), and the two limits that no wait helps with.
 */

/** From the one that decides to the one that yields: no quota at all, calendar windows, rolling windows. */
export const windows = [
  "larger-than-limit",
  "larger-than-any-window",
  "zero",
  "year",
  "month",
  "week",
  "day",
  "hour",
  "minute",
  "second"
] as const

const window = (name: string): string | undefined => {
  const match = /per[ _]?(year|month|week|day|hour|minute|second)|(dai|month|week)ly/i.exec(name)
  if (match === null) return undefined
  const found = (match[1] ?? match[2] ?? "").toLowerCase()
  return found === "dai" ? "day" : found
}

/** From a `quotaId` or `quota_limit` and its value. */
export const fromName = (name: unknown, value: unknown, quotas: Array<string>): void => {
  if (typeof name !== "string" || name.length > 300) return
  const found = window(name)
  if (found !== undefined) quotas.push(found)
  if (value === "0" || value === 0) quotas.push("zero")
}

const exceeded = /(?:^\W{0,3}|: )Quota exceeded for ([^\n]{0,400})/gm
/** A token limit of seven digits and more; of such there is none wider to fall back to. */
const widest =
  /\btokens? (?:count )?.{0,80}?\b(?:tokens allowed|supports up to|context (?:length|window) (?:is|of)|maximum (?:is|of))\W{0,3}([1-9]\d{6,8})\b/
const requested = /\bLimit:? (\d{1,15})(?:, Used:? \d{1,15})?, Requested:? (\d{1,15})\b/

/**
 * From the sentences that Google generates per violated quota (`Quota exceeded for metric: …, limit: 0, model: …`) and
 * that OpenAI and Groq generate per limit (`Limit 10000, Requested 12000`).
 */
export const fromMessage = (message: string, quotas: Array<string>): void => {
  if (message.includes("Quota exceeded for ")) {
    for (const match of message.matchAll(exceeded)) {
      const line = match[1] ?? ""
      const found = window(line)
      if (found !== undefined) quotas.push(found)
      if (/\blimit: 0(?![\d.])/.test(line)) quotas.push("zero")
    }
  }
  if (message.includes("token")) {
    if (widest.test(message)) quotas.push("larger-than-any-window")
  }
  if (message.includes("Requested")) {
    const match = requested.exec(message)
    if (match !== null && Number(match[2]) > Number(match[1])) quotas.push("larger-than-limit")
  }
}
