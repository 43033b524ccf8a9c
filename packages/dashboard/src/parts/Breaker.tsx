import type { Lane } from "@holdfast/gateway/admin/Model"
import { clock } from "../feed.ts"
import { breakerOf } from "../lane.ts"
import { span } from "../words.ts"
import { Instant } from "./Instant.tsx"

/** What a lane's breaker does, with a countdown where it waits for an instant. */
export const Breaker = (props: { readonly lane: Lane }) => {
  const { text, until } = breakerOf(props.lane)
  if (until === undefined) return <>{text}</>
  const left = until - clock.value
  return (
    <>
      {text} {left > 500 ? <strong>in {span(left)}</strong> : <strong>now</strong>} (<Instant at={until} />)
    </>
  )
}
