/** What waits for a delivery, oldest first, and no more of it than fits. Pure. */
import type * as Notification from "../alerts/Notification.ts"

export type Outbox = ReadonlyArray<Notification.Notification>

/** Adds one at the end. When it is full, something gives way: a reminder if there is one, else the oldest. */
export const add = (
  outbox: Outbox,
  notification: Notification.Notification,
  capacity: number
): { readonly outbox: Outbox; readonly dropped: number } => {
  if (outbox.length < capacity) return { outbox: [...outbox, notification], dropped: 0 }
  const reminder = outbox.findIndex(({ items }) => items.every(({ change }) => change === "reminder"))
  const victim = Math.max(0, reminder)
  return { outbox: [...outbox.filter((_, index) => index !== victim), notification], dropped: 1 }
}

/** Without the one that was sent or given up. */
export const remove = (outbox: Outbox, id: string): Outbox => outbox.filter((one) => one.id !== id)

/** What a delivery is told of: what matters enough, and nothing about itself. */
export const forDelivery = (
  notification: Notification.Notification,
  isWanted: (item: Notification.Item) => boolean
): Notification.Notification | undefined => {
  const [first, ...rest] = notification.items.filter(isWanted)
  return first === undefined ? undefined : { ...notification, items: [first, ...rest] }
}
