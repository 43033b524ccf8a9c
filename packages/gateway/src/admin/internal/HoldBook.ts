/**
 * Which holds are in force here, what the store has not heard of yet, and what was done lately. Updated in place, owned by one
 * service. Bounded where a store that stays away would let it grow.
 */
import type * as OperatorRecords from "@holdfast/store-sql/OperatorRecords"
import type * as Model from "../Model.ts"

type Hold = OperatorRecords.Hold
type Action = OperatorRecords.Action

/** Actions that are remembered, and that wait for the store at most. */
export const remembered = 500

export interface HoldBook {
  /** In force, by id, oldest first. */
  readonly held: Map<string, { readonly hold: Hold; isKept: boolean }>
  /** No longer in force, and the store does not know. */
  readonly released: Map<string, Hold & { readonly releasedAt: number }>
  /** Latest first. */
  recent: ReadonlyArray<Action>
  /** Those the store does not know, oldest first. */
  unsaved: ReadonlyArray<Action>
}

export const make = (): HoldBook => ({ held: new Map(), released: new Map(), recent: [], unsaved: [] })

export const put = (book: HoldBook, hold: Hold, isKept: boolean): void => {
  book.held.set(hold.id, { hold, isKept })
}

/** Takes a hold away, and remembers to say so; `undefined` if there is none of that id. */
export const release = (book: HoldBook, id: string, now: number): Model.Hold | undefined => {
  const found = book.held.get(id)
  if (found === undefined) return undefined
  book.held.delete(id)
  book.released.set(id, { ...found.hold, releasedAt: now })
  const [oldest] = book.released.keys()
  if (book.released.size > remembered && oldest !== undefined) book.released.delete(oldest)
  return view(found.hold, found.isKept)
}

/** Takes a hold away that the store knows to be released. */
export const forget = (book: HoldBook, id: string): void => {
  book.held.delete(id)
}

/** Holds whose time is over. */
export const due = (book: HoldBook, now: number): ReadonlyArray<Hold> =>
  [...book.held.values()].flatMap(({ hold }) => (hold.until !== null && hold.until <= now ? [hold] : []))

export const note = (book: HoldBook, action: Action): void => {
  book.recent = [action, ...book.recent].slice(0, remembered)
  book.unsaved = [...book.unsaved, action].slice(-remembered)
}

/** What the store has to be told. */
export const news = (book: HoldBook): OperatorRecords.Changes => ({
  put: [...book.held.values()].flatMap(({ hold, isKept }) => (isKept ? [] : [hold])),
  released: [...book.released.values()],
  actions: book.unsaved
})

export const isEmpty = ({ actions, put, released }: OperatorRecords.Changes): boolean =>
  put.length + released.length + actions.length === 0

/** The store knows that now. */
export const told = (book: HoldBook, { actions, put, released }: OperatorRecords.Changes): void => {
  for (const { id } of put) {
    const found = book.held.get(id)
    if (found !== undefined) found.isKept = true
  }
  for (const { id } of released) book.released.delete(id)
  const known = new Set(actions.map(({ id }) => id))
  book.unsaved = book.unsaved.filter(({ id }) => !known.has(id))
}

/**
 * What the store knows otherwise: holds of before or of other gateways, and those that were released there. What the store
 * has not heard of is not compared, and what is over by itself is left to its time.
 */
export const compare = (
  book: HoldBook,
  stored: ReadonlyArray<Hold>,
  now: number
): { readonly fresh: ReadonlyArray<Hold>; readonly gone: ReadonlyArray<Hold> } => {
  const inForce = new Set(stored.map(({ id }) => id))
  return {
    fresh: stored.filter(({ id }) => !book.held.has(id) && !book.released.has(id)),
    gone: [...book.held.values()].flatMap(({ hold, isKept }) =>
      isKept && !inForce.has(hold.id) && (hold.until === null || hold.until > now) ? [hold] : []
    )
  }
}

/** Remembers what was done before, for when the store is away later. */
export const recall = (book: HoldBook, stored: ReadonlyArray<Action>): void => {
  book.recent = merged(book.recent, stored)
}

/** All that is known to have been done, latest first. */
export const actions = (book: HoldBook, stored: ReadonlyArray<Action>): ReadonlyArray<Model.Action> =>
  merged(book.recent, stored)

const merged = (a: ReadonlyArray<Action>, b: ReadonlyArray<Action>): ReadonlyArray<Action> =>
  [...new Map([...b, ...a].map((action) => [action.id, action])).values()]
    .toSorted((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1))
    .slice(0, remembered)

export const list = (book: HoldBook): ReadonlyArray<Model.Hold> =>
  [...book.held.values()].map(({ hold, isKept }) => view(hold, isKept))

/** A hold as the API says it. */
export const view = ({ instance, until, ...hold }: Hold, isKept: boolean): Model.Hold => ({
  ...hold,
  ...(until === null ? {} : { until }),
  ...(instance === null ? {} : { instance }),
  isKept
})
