/**
 * Reads rules against a signal. Compiled once per provider: a map from value to rules per field, and one pattern per
 * presumption that rejects a sentence no wording rule of it could match.
 */
import type { Class } from "@holdfast/core/Failure"
import {
  canonical,
  type Field,
  type MessageRule,
  type Rule,
  sharpens,
  type Table,
  type ValueRule
} from "../rules/Rule.ts"
import type { Signal, Token } from "./errorSignal.ts"
import { sentences } from "./errorText.ts"

/** One look at a rule whose value or pattern fits. */
export interface Step {
  readonly rule: string
  readonly field: Field
  /** The value that the rule fits. */
  readonly value: string
  readonly effect: "decides" | "presumes" | "other-status" | "weaker"
}

interface Wording {
  readonly rules: ReadonlyArray<MessageRule>
  readonly any: RegExp | undefined
}

export interface Compiled {
  readonly values: { readonly [F in Exclude<Field, "message">]: ReadonlyMap<string, ReadonlyArray<ValueRule>> }
  /** The sentences that may sharpen a presumption; compiled when it is first asked for. */
  readonly wording: (presumption: Class) => Wording
}

/** Earlier tables win. Numbers as codes mean something only to their own provider, so `others` give names alone. */
export const compile = (own: ReadonlyArray<Table>, others: ReadonlyArray<Table>): Compiled => {
  const rules = own.flatMap((table) => table.rules)
  const values: Record<Exclude<Field, "message">, Map<string, Array<ValueRule>>> = {
    transport: new Map(),
    code: new Map(),
    quota: new Map(),
    answer: new Map(),
    status: new Map(),
    header: new Map()
  }
  const register = (rule: Rule, foreign: boolean) => {
    if (rule.reads === "message") return
    for (const value of rule.is) {
      const key = canonical(value)
      if (foreign && (rule.reads !== "code" || /^\d+$/.test(key))) continue
      const known = values[rule.reads].get(key)
      if (known === undefined) values[rule.reads].set(key, [rule])
      else known.push(rule)
    }
  }
  for (const rule of rules) register(rule, false)
  for (const table of others) for (const rule of table.rules) register(rule, true)
  const said = rules.filter((rule) => rule.reads === "message")
  const compiled = new Map<Class, Wording>()
  const wording = (presumption: Class): Wording => {
    const ready = compiled.get(presumption)
    if (ready !== undefined) return ready
    const fitting = said.filter((rule) => (rule.within ?? sharpens[rule.verdict]).includes(presumption))
    const source = fitting.map((rule) => `(?:${rule.says.source})`).join("|")
    const made = { rules: fitting, any: fitting.length === 0 ? undefined : new RegExp(source) }
    compiled.set(presumption, made)
    return made
  }
  return { values, wording }
}

/** The rule that holds for a signal, or none. Steps are noted only if a trail is given. */
export const decide = (signal: Signal, compiled: Compiled, trail?: Array<Step>): Rule | undefined => {
  let presumption: ValueRule | undefined
  let isOuter = false
  for (const token of signal.tokens) {
    const fitting = compiled.values[token.field].get(canonical(token.value))
    if (fitting === undefined) continue
    const rule = fitting.find((candidate) => applies(candidate, token.status))
    if (rule === undefined) {
      trail?.push({ rule: fitting[0]?.id ?? "", field: token.field, value: token.value, effect: "other-status" })
      continue
    }
    const effect = effectOf(rule, token, presumption)
    trail?.push({ rule: rule.id, field: token.field, value: token.value, effect })
    if (effect === "decides") return rule
    if (presumption === undefined) {
      presumption = rule
      isOuter = token.isOuter
    }
  }
  // What a gateway says about an answer it passes on limits nothing that the answer's own words may say.
  const within =
    presumption === undefined || presumption.presumes === "anything" || isOuter ? "Unknown" : presumption.verdict
  return worded(signal, compiled, within, trail) ?? presumption
}

const effectOf = (rule: ValueRule, token: Token, presumption: ValueRule | undefined): Step["effect"] => {
  if (token.isOuter && presumption !== undefined) return "weaker"
  if (rule.presumes === undefined) return "decides"
  return presumption === undefined ? "presumes" : "weaker"
}

const applies = (rule: Rule, status: number): boolean => rule.statuses === undefined || rule.statuses.includes(status)

const worded = (
  signal: Signal,
  compiled: Compiled,
  presumption: Class,
  trail: Array<Step> | undefined
): MessageRule | undefined => {
  const { any, rules } = compiled.wording(presumption)
  if (any === undefined) return undefined
  for (const message of signal.messages) {
    const said = sentences(message)
    if (!said.some((sentence) => any.test(sentence))) continue
    for (const rule of rules) {
      const sentence = said.find((candidate) => rule.says.test(candidate))
      if (sentence === undefined) continue
      trail?.push({ rule: rule.id, field: "message", value: sentence, effect: "decides" })
      return rule
    }
  }
  return undefined
}
