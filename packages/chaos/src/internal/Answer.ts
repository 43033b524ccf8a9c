/** What a server is about to say, before any fault damages its delivery. */
export interface Whole {
  readonly _tag: "Whole"
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The same answer once an error has struck, given the provider's body for it. Default: that body. */
  readonly broken?: (error: unknown) => Whole
}

/** A 200 stream of server-sent events, each entry the full text of one event. */
export interface Events {
  readonly _tag: "Events"
  readonly headers: Readonly<Record<string, string>>
  /** Before the content, such as OpenAI's role event. */
  readonly opening: ReadonlyArray<string>
  /** One chunk of content each. */
  readonly content: ReadonlyArray<string>
  /** The finish event and what follows it. */
  readonly closing: ReadonlyArray<string>
  /** The end marker, where the provider has one. */
  readonly done: string | undefined
  /** The events that tell of an error after `sent` others, given the provider's body for it. Default: that body. */
  readonly broken?: (error: unknown, sent: number) => ReadonlyArray<string>
}

export type Answer = Whole | Events

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Whole => ({
  _tag: "Whole",
  status,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body: JSON.stringify(body)
})

export const events = (parts: {
  readonly headers?: Readonly<Record<string, string>>
  readonly opening?: ReadonlyArray<string>
  readonly content?: ReadonlyArray<string>
  readonly closing?: ReadonlyArray<string>
  readonly done?: string
}): Events => ({
  _tag: "Events",
  headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", ...parts.headers },
  opening: parts.opening ?? [],
  content: parts.content ?? [],
  closing: parts.closing ?? [],
  done: parts.done
})
