import { time, utc } from "../words.ts"

/** An instant in the reader's zone, with UTC on hover. */
export const Instant = (props: { readonly at: number; readonly precision?: "second" | "minute" }) => (
  <time dateTime={new Date(props.at).toISOString()} title={utc(props.at)}>
    {time(props.at, props.precision)}
  </time>
)
