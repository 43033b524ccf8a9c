import type { ComponentChildren } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"

/** Rows beyond what is seen, above and below. */
const spare = 6

/** A long list of rows of one height, of which only those in sight are in the document. */
export const Rows = <A,>(props: {
  readonly items: ReadonlyArray<A>
  readonly rowHeight: number
  readonly label: string
  readonly keyOf: (item: A) => string
  readonly children: (item: A) => ComponentChildren
  /** Names of the columns, where they are more than one. */
  readonly head?: ComponentChildren
  readonly class?: string
}) => {
  const box = useRef<HTMLDivElement>(null)
  const [seen, setSeen] = useState({ from: 0, to: 40 })
  const { items, rowHeight } = props

  useEffect(() => {
    const element = box.current
    if (element === null) return
    const look = () => {
      const from = Math.max(0, Math.floor(element.scrollTop / rowHeight) - spare)
      const to = Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + spare
      setSeen((before) => (before.from === from && before.to === to ? before : { from, to }))
    }
    look()
    element.addEventListener("scroll", look, { passive: true })
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => {
      element.removeEventListener("scroll", look)
      observer.disconnect()
    }
  }, [rowHeight])

  return (
    <div class={`rows ${props.class ?? ""}`} role="table" aria-label={props.label} aria-rowcount={items.length}>
      {props.head === undefined ? null : (
        <div role="rowgroup">
          <div class="row head" role="row">
            {props.head}
          </div>
        </div>
      )}
      <div class="scroller" ref={box} role="rowgroup" tabIndex={0} aria-label={`${props.label}, scrollable`}>
        <div class="whole" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
          {items.slice(seen.from, seen.to).map((item, index) => (
            <div
              key={props.keyOf(item)}
              class="row"
              role="row"
              aria-rowindex={seen.from + index + 1}
              style={{ top: `${(seen.from + index) * rowHeight}px`, height: `${rowHeight}px` }}
            >
              {props.children(item)}
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}

/** A field of a row. */
export const Cell = (props: {
  readonly children?: ComponentChildren
  readonly class?: string
  readonly title?: string
}) => (
  <div role="cell" class={props.class} title={props.title}>
    {props.children}
  </div>
)

/** The name of a column. */
export const Head = (props: { readonly children?: ComponentChildren; readonly class?: string }) => (
  <div role="columnheader" class={props.class}>
    {props.children}
  </div>
)
