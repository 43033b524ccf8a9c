/** What state something is in: a shape, a colour and a word, since not everybody sees the colours. */
export type Tone = "well" | "idle" | "degraded" | "down" | "held"

const shapes: Record<Tone, string> = {
  well: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z",
  idle: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zm0 2a4 4 0 1 0 0 8a4 4 0 0 0 0-8z",
  degraded: "M8 1.5L15 14H1z",
  down: "M5 1.5h6L14.5 5v6L11 14.5H5L1.5 11V5z",
  held: "M4 2h3v12H4zM9 2h3v12H9z"
}

export const Mark = (props: { readonly tone: Tone }) => (
  <svg class={`mark ${props.tone}`} viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
    <path d={shapes[props.tone]} fill-rule="evenodd" />
  </svg>
)

export const Status = (props: { readonly tone: Tone; readonly children: string }) => (
  <span class={`status ${props.tone}`}>
    <Mark tone={props.tone} />
    {props.children}
  </span>
)
