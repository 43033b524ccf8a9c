import type { ComponentChildren } from "preact"

/** Says why there is nothing to see, and what to do about it. */
export const Empty = (props: { readonly title: string; readonly children?: ComponentChildren }) => (
  <div class="empty" role="status">
    <strong>{props.title}</strong>
    {props.children === undefined ? null : <p>{props.children}</p>}
  </div>
)
