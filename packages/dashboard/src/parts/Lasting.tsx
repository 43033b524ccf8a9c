import type { Signal } from "@preact/signals"
import { useId } from "preact/hooks"
import { clock } from "../feed.ts"
import { span } from "../words.ts"
import { Instant } from "./Instant.tsx"

const spans = [15, 60, 4 * 60, 8 * 60, 24 * 60, 3 * 24 * 60] as const

/** For how long something is to hold, with the instant at which that ends. */
export const Lasting = (props: {
  readonly label: string
  /** 0 where it has no end of its own. */
  readonly minutes: Signal<number>
  /** What having no end is called, where that can be. */
  readonly endless?: string
}) => {
  const { endless, label, minutes } = props
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <span class="beside">
        <select
          id={id}
          value={minutes.value}
          onChange={(event) => {
            minutes.value = Number(event.currentTarget.value)
          }}
        >
          {endless === undefined ? null : <option value={0}>{endless}</option>}
          {spans.map((one) => (
            <option key={one} value={one}>
              {span(one * 60_000)}
            </option>
          ))}
        </select>
        {minutes.value === 0 ? null : (
          <span class="dim">
            until <Instant at={clock.value + minutes.value * 60_000} precision="minute" />
          </span>
        )}
      </span>
    </div>
  )
}
