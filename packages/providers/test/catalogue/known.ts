/**
 * Every difference between our catalogue and those it is checked against, with who is believed and why. A difference
 * that is not here fails the test, and so does one that is here and has gone.
 */
export type Source = "llm-zoo" | "genai-prices" | "gpt-tokenizer"

interface Difference {
  readonly source: Source
  readonly models: ReadonlyArray<string>
  readonly fields: ReadonlyArray<string>
  /** Ours may still be wrong: it says whom we follow. */
  readonly believed: string
  readonly why: string
}

const list: ReadonlyArray<Difference> = [
  {
    source: "llm-zoo",
    models: ["openai/gpt-4.1", "openai/gpt-4.1-mini", "openai/gpt-4.1-nano"],
    fields: ["contextWindow"],
    believed: "gpt-tokenizer",
    why: "both catalogues round; gpt-tokenizer copies the tables of OpenAI's own pages, which say 1,047,576"
  },
  {
    source: "genai-prices",
    models: ["openai/gpt-4.1", "openai/gpt-4.1-mini", "openai/gpt-4.1-nano"],
    fields: ["contextWindow"],
    believed: "gpt-tokenizer",
    why: "as above"
  },
  {
    source: "genai-prices",
    models: ["openai/gpt-5.5", "openai/gpt-5.5-pro"],
    fields: ["contextWindow"],
    believed: "llm-zoo and gpt-tokenizer",
    why: "two against one that rounds"
  },
  {
    source: "genai-prices",
    models: [
      "gemini/gemini-3.8-flash",
      "gemini/gemini-3.7-flash",
      "gemini/gemini-3.6-flash",
      "gemini/gemini-3.5-flash",
      "gemini/gemini-3.5-flash-lite",
      "gemini/gemini-3.1-flash-lite"
    ],
    fields: ["contextWindow"],
    believed: "llm-zoo",
    why: "genai-prices rounds; it has 1,048,576 itself for gemini-2.5-flash"
  },
  {
    source: "llm-zoo",
    models: ["gemini/gemini-3.6-flash"],
    fields: ["input", "output", "cachedInput"],
    believed: "genai-prices",
    why: "llm-zoo has the price from 2027 on; genai-prices dates both, and llm-zoo follows it for 3.7 and 3.8"
  },
  {
    source: "llm-zoo",
    models: [
      "gemini/gemini-3.1-pro-preview",
      "gemini/gemini-3.1-flash-lite",
      "gemini/gemini-2.5-pro",
      "gemini/gemini-2.5-flash"
    ],
    fields: ["cachedInput"],
    believed: "genai-prices",
    why: "llm-zoo reckons with a quarter of the input; genai-prices has a tenth, from the page of prices it cites"
  },
  {
    source: "llm-zoo",
    models: ["gemini/gemini-flash-latest"],
    fields: ["input", "output", "cachedInput"],
    believed: "nobody",
    why: "the name moves on to the newest Flash; llm-zoo still has it at the price of 2.5, genai-prices leaves it out"
  },
  {
    source: "genai-prices",
    models: ["anthropic/claude-sonnet-5-5"],
    fields: ["contextWindow", "input", "output", "cachedInput", "cacheWrite"],
    believed: "nobody",
    why: "its rule for claude-sonnet-5 matches every longer name; it knows nothing of 5.5 itself"
  },
  {
    source: "genai-prices",
    models: ["anthropic/claude-sonnet-4-5"],
    fields: ["longAbove", "longInput", "longOutput", "longCachedInput", "longCacheWrite"],
    believed: "its own comment",
    why: "requests over 200,000 tokens ended with the beta on 2026-04-30; the rates are kept there for old bills"
  }
]

/** `source provider/model field`, once each. */
export const differences = (source: Source): ReadonlyArray<string> =>
  list
    .filter((difference) => difference.source === source)
    .flatMap(({ fields, models }) => models.flatMap((model) => fields.map((field) => `${source} ${model} ${field}`)))

/** In neither catalogue: named by the newest `@ai-sdk/*` packages, which state abilities only. */
export const elsewhere: ReadonlyArray<string> = [
  "openai/gpt-6.1-sol",
  "openai/gpt-6.1-terra",
  "gemini/gemini-4-argon",
  "gemini/gemini-4-carbon",
  "gemini/gemini-4-hydrogen",
  "anthropic/claude-fable-5-2",
  "anthropic/claude-haiku-5-5"
]

/** Served according to llm-zoo and not in ours: superseded by o3-pro, at seven times its price. */
export const leftOut: ReadonlyArray<string> = ["o1-pro-2025-03-19"]

/** What genai-prices prices and we leave out, by kind. */
export const otherKinds: ReadonlyArray<{ readonly pattern: RegExp; readonly why: string }> = [
  {
    pattern: /audio|realtime|transcribe|tts|whisper|-live|image|omni-|moderation|computer-use/,
    why: "neither text nor vectors"
  },
  {
    pattern:
      /^openai\/(?:ada|babbage|curie|davinci|text-davinci|ft:|gpt-3\.5|gpt-4(?:-|$)|gpt-4\.5|gpt-4o:|gpt-4o-mini-2024-07-18\.ft)/,
    why: "legacy, or tuned by a customer"
  },
  {
    pattern: /^openai\/(?:chatgpt|gpt-chat|gpt-5\.3$|gpt-4o-search)/,
    why: "the models of a chat product or of search"
  },
  {
    pattern: /^openai\/(?:codex-mini|gpt-5\.1-codex-mini|o1-mini|o1-preview|o1-pro|o\d.*deep-research)/,
    why: "superseded"
  },
  { pattern: /^openai\/gpt-oss|^gemini\/gemma/, why: "open weights, hosted by others" },
  { pattern: /^gemini\/claude/, why: "another provider's models on Google's cloud" },
  { pattern: /^gemini\/gemini-(?:1\.|2\.0|pro|flash-1|3-(?:flash|pro)-preview|2\.5-flash-preview)/, why: "retired" },
  {
    pattern: /^anthropic\/claude-(?:v1|2|3-|opus-4-[01]|sonnet-4-0)/,
    why: "retired according to llm-zoo"
  }
]
