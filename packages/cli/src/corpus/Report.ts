/** A score as a person reads it: shares, the confusions, every miss by its id. Pure. */
import type { Score, Share } from "./Score.ts"

export const print = (found: Score): string => {
  const lines = [
    `category, strict       ${percent(found.strict)}`,
    `category, lenient      ${percent(found.lenient)}`,
    `adversarial, strict    ${percent(found.adversarialStrict)}`,
    `adversarial, lenient   ${percent(found.adversarialLenient)}`,
    `retryable              ${percent(found.retryable)}`,
    `failover               ${percent(found.failover)}`,
    `hint within 1 s        ${percent(found.hint)}`
  ]
  if (found.confusion.length > 0) lines.push("", "expected → given")
  for (const { count, expected, got } of found.confusion) lines.push(`  ${count} × ${expected} → ${got}`)
  if (found.misses.length > 0) lines.push("", "misses: category retryable failover hint")
  for (const miss of found.misses) {
    const note = miss.fields.includes("category") && miss.defensible ? ", defensible" : ""
    lines.push(`  ${miss.id}: ${miss.expected} → ${miss.got} by ${miss.rule} [${miss.fields.join(", ")}${note}]`)
  }
  return lines.join("\n")
}

const percent = ({ of, right }: Share): string =>
  of === 0 ? "none" : `${((100 * right) / of).toFixed(1)} %  (${right} of ${of})`
