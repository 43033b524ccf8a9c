/** The wire's side of an answer, which the parts and failures made of it mention. */
export interface Head {
  readonly status: number
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | undefined }
}

/** An answer whose body was read whole, as JSON. */
export interface Answer {
  readonly head: Head
  readonly body: unknown
}

/** The headers worth keeping with a finished answer: the request's id, and what is left of the limits. */
export const keptHeaders = (head: Head): { readonly [name: string]: string } => {
  const kept: { [name: string]: string } = {}
  for (const [name, value] of Object.entries(head.headers)) {
    if (value !== undefined && (requestIdHeaders.has(name) || limitHeader.test(name))) kept[name] = value
  }
  return kept
}

const requestIdHeaders = new Set(["x-request-id", "request-id"])

const limitHeader = /^(?:x|anthropic)-ratelimit-/
