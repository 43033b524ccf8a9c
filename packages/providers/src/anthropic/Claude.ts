/**
 * Where the models of Claude differ in what a request may ask of them, by the version in the model's name. A model of
 * Claude without a version in its name is taken to be current; a name that is no Claude's, on a host of the same wire
 * format, is taken to do anything.
 *
 * As of November 2026, platform.claude.com/docs: "Troubleshooting thinking" (the table by model), "Thinking: limits and
 * feature compatibility", "Effort", "Errors: prefill not supported", "Migrating to API version 2026-10-21".
 */
export interface Claude {
  /** Takes `temperature`, `top_p` and `top_k`, where the version of the API still has them. */
  readonly sampling: boolean
  /** Takes `temperature` and `top_p` in one request. */
  readonly bothSamplers: boolean
  /** `budget`: in tokens set aside for it. `adaptive`: as much as the model sees fit, steered by an effort. */
  readonly thinking: "none" | "budget" | "adaptive"
  /** The kind of thinking that stands for none; `undefined` where the model always thinks. */
  readonly thinkingOff: "disabled" | "between_tools" | undefined
  /** Has an effort above `high`. */
  readonly xhigh: boolean
  /** Can be made to call a tool. */
  readonly forcedTools: boolean
  /** Continues an answer that the request begins. */
  readonly prefill: boolean
}

export const of = (model: string): Claude => {
  const found = name.exec(model)
  if (found === null) return anything
  const [, olderMajor, olderMinor, family = "", major, minor] = found
  const version = versionOf(olderMajor ?? major, olderMinor ?? minor)
  const isPreview = family === "mythos" && version === current
  const unforced = firstUnforced[family]
  const alwaysThinks = family === "fable" || family === "mythos" || (family === "opus" && version >= 505)
  return {
    sampling: version <= 406,
    bothSamplers: version < 401,
    thinking: version >= 406 ? "adaptive" : version >= 307 ? "budget" : "none",
    thinkingOff: alwaysThinks ? undefined : family === "sonnet" && version >= 505 ? "between_tools" : "disabled",
    xhigh: version >= 407 && !isPreview,
    forcedTools: isPreview || unforced === undefined || version < unforced,
    prefill: version <= 405
  }
}

/** `claude-opus-4-5-20251101`, `claude-sonnet-4@20250514`, and the order of old: `claude-3-7-sonnet-20250219`. */
const name = /claude-(?:(\d{1,2})(?:[.-](\d{1,2}))?-)?([a-z]+)(?:-(\d{1,2})(?!\d)(?:[.-](\d{1,2})(?!\d))?)?/

const current = Number.POSITIVE_INFINITY

/** 405 stands for 4.5. */
const versionOf = (major: string | undefined, minor: string | undefined): number =>
  major === undefined ? current : Number(major) * 100 + Number(minor ?? 0)

/** The first version of each family that rejects a request that forces the use of a tool. */
const firstUnforced: { readonly [family: string]: number | undefined } = {
  opus: 505,
  sonnet: 505,
  fable: 501,
  mythos: 501
}

const anything: Claude = {
  sampling: true,
  bothSamplers: true,
  thinking: "adaptive",
  thinkingOff: "disabled",
  xhigh: true,
  forcedTools: true,
  prefill: true
}
