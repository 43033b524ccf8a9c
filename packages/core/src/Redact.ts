/**
 * Takes keys out of a text before anyone keeps it: the shapes that providers and clouds give their keys, whatever follows
 * `Bearer`, `key=` or `password:`, long runs that look random, and keys that are known. It would rather take too much.
 * Linear in the text.
 */
import * as Redacted from "effect/Redacted"
import { escape } from "effect/RegExp"

/** Stands where a key stood. */
export const mark = "[redacted]"
/** Longest detail kept, in characters. */
export const maxDetail = 300
/** Read before shortening, in characters; the rest of a longer text is not looked at, nor kept. */
const maxRead = 1200

/** Credentials by the word before them; tried only where such a word stands. */
const announced = /bearer|basic|key|secret|token|passw|authorization|credential|\bsig|auth|code=|-----BEGIN/i
const afterWord: ReadonlyArray<RegExp> = [
  /-----BEGIN [A-Z ]{1,40}-----[\s\S]*/g,
  /\b(bearer|basic|token)(\s+)(?=[\w.~+/=*-]{0,200}\d)[\w.~+/=*-]{8,}/gi,
  /\b(bearer)(\s+)[\w.~+/=*-]{12,}/gi,
  /((?:api[-_ ]?key|apikey|access[-_ ]?key|secret|token|password|passwd|authorization|credentials?|signature|sig))(["']?\s{0,3}[=:]\s{0,3}["']?(?:bearer |basic )?)[^\s"'&,;<>)]{4,}/gi,
  /([?&](?:key|code|sig|auth|access_token|api_key|subscription-key)=)[^\s&"']{1,}/gi
]
/** `user:password@host` in an address. */
const userInfo = /(\/\/)[^\s/@:]{1,200}:[^\s/@]{1,200}@/g

/** Credentials by their own shape; tried on words that could be one. */
const shapes: ReadonlyArray<RegExp> = [
  // JSON Web Tokens.
  /eyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g,
  // OpenAI, Anthropic, OpenRouter, DeepSeek, Stripe-like, Groq, xAI, Hugging Face, Perplexity, NVIDIA, Replicate, GitHub.
  /(?<![A-Za-z0-9])(?:sk|pk|rk|gsk|xai|hf|pplx|nvapi|r8|tgp|fw|csk|gh[pos]|github_pat|glpat|xox[abpr]|lsv2)[-_][\w*.~+/=-]{6,}/gi,
  // The same glued to a word before it.
  /(?:sk|gsk|xai|hf)[-_](?=[\w-]{0,200}\d)[\w-]{16,}/gi,
  // Google API keys and access tokens.
  /AIza[\w-]{4,}|ya29\.[\w.-]{4,}|GOCSPX-[\w-]{4,}/g,
  // AWS access key ids, and Bedrock API keys.
  /(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{8,}|ABSK[\w+/=]{8,}/g
]
/** A long run of letters and digits together is a key or an id; neither is worth keeping. */
const run = /[A-Za-z0-9_+]{28,}={0,2}/g
const longWord = /\S{8,}/g
const suspect = /[\d*_=.-]/

/** The text with every key replaced by `[redacted]`; of a longer text than `limit`, at most as many characters. */
export const redact = (text: string, limit = maxRead): string => {
  // A key that the cut goes through must not survive in part.
  let safe = text.length > limit ? text.slice(0, limit).replace(/\S+$/, "") : text
  if (announced.test(safe)) {
    for (const pattern of afterWord) safe = safe.replace(pattern, keepLead)
  }
  if (safe.includes("@")) safe = safe.replace(userInfo, keepLead)
  return safe.replace(longWord, (word) => (suspect.test(word) || word.length >= 28 ? redactWord(word) : word))
}

const redactWord = (word: string): string => {
  let safe = word
  for (const pattern of shapes) safe = safe.replace(pattern, mark)
  return safe.length < 28
    ? safe
    : safe.replace(run, (found) => (/\d/.test(found) && /[A-Za-z]/.test(found) ? mark : found))
}

/** The announcing word and what joins it to the key stay. */
const keepLead = (...found: ReadonlyArray<unknown>): string => {
  const [, lead, join] = found
  return `${typeof lead === "string" ? lead : ""}${typeof join === "string" ? join : ""}${mark}`
}

const blanks = /[^\S ]| {2}/

/** A provider's sentence to keep: keys taken out, blanks collapsed, at most 300 characters. */
export const detail = (message: string): string | undefined => {
  const bare = redact(message)
  const safe = (blanks.test(bare) ? bare.replace(/\s+/g, " ") : bare).trim().toWellFormed()
  if (safe === "") return undefined
  return safe.length > maxDetail ? `${safe.slice(0, maxDetail - 1).toWellFormed()}…` : safe
}

const plainLabel = /^[A-Za-z_]{1,40}$/

/** A code or request id to keep as sent: at most 64 characters, keys taken out. */
export const label = (value: string): string | undefined => {
  if (plainLabel.test(value)) return value
  const safe = redact(value.slice(0, 256)).trim().toWellFormed()
  return safe === "" ? undefined : safe.slice(0, 64).toWellFormed()
}

const address = /[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g

/** The text with every e-mail address replaced by `[redacted]`. */
export const emails = (text: string): string => (text.includes("@") ? text.replace(address, mark) : text)

/** Takes out keys that are known, whatever they look like. */
export interface Known {
  /** Of a text, where a key may also be written as JSON or a URL writes it. */
  readonly text: (text: string) => string
  /** Of JSON, which it stays. */
  readonly json: (json: string) => string
}

/** Keys shorter than this are placeholders, such as `none` and `ollama`, and no secret. */
const minLength = 8

export const known = (keys: Iterable<Redacted.Redacted>): Known => {
  const secrets = [...keys].map(Redacted.value).filter((secret) => secret.length >= minLength)
  if (secrets.length === 0) return { text: (text) => text, json: (json) => json }
  // Of two keys that begin alike the longer one is tried first.
  const longest = secrets.toSorted((a, b) => b.length - a.length)
  const inJson = longest.map((secret) => pattern(secret, quoted)).join("|")
  const anywhere = new RegExp([...longest.map((secret) => pattern(secret, (char) => char)), inJson].join("|"), "g")
  const json = new RegExp(inJson, "g")
  return { text: (text) => text.replace(anywhere, mark), json: (text) => text.replace(json, mark) }
}

const quoted = (char: string): string => JSON.stringify(char).slice(1, -1)

/** The secret, each of its characters as it is written, or as a URL may write it (RFC 3986, section 2.1). */
const pattern = (secret: string, write: (char: string) => string): string =>
  Array.from(secret, (char) => `(?:${escape(write(char))}|${percent(char)})`).join("")

const percent = (char: string): string =>
  `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`.replace(
    /[a-f]/g,
    (digit) => `[${digit}${digit.toUpperCase()}]`
  )
