/**
 * Virtual time for libraries that read the clock and the timers of the platform. While it is installed nothing passes by
 * itself; `advance` runs what is due in the order it is due, and lets promises settle after each.
 */
import { Effect, type Scope } from "effect"

interface Timer {
  readonly run: () => void
  readonly every: number | undefined
  at: number
}

/** An instant that is not special in any way, so that nothing depends on a clock that begins at zero. */
const start = Date.UTC(2026, 0, 2, 3, 4, 5)

let now = start
let timers: Set<Timer> = new Set()

type Callback = (...args: ReadonlyArray<unknown>) => void

const add =
  (repeats: boolean) =>
  (callback: Callback, millis?: number, ...args: ReadonlyArray<unknown>) => {
    const every = Math.max(1, millis ?? 1)
    const timer: Timer = { run: () => callback(...args), every: repeats ? every : undefined, at: now + every }
    timers.add(timer)
    return Object.assign(timer, { ref: () => timer, unref: () => timer, hasRef: () => true })
  }

const remove = (timer?: unknown): void => {
  timers.delete(timer as Timer)
}

const real = {
  now: Date.now,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval
}

/** Replaces the clock and the timers until the scope closes. */
export const install: Effect.Effect<void, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    now = start
    timers = new Set()
    Date.now = () => now
    Object.assign(globalThis, {
      setTimeout: add(false),
      clearTimeout: remove,
      setInterval: add(true),
      clearInterval: remove
    })
  }),
  () =>
    Effect.sync(() => {
      const { now, ...functions } = real
      Date.now = now
      Object.assign(globalThis, functions)
    })
)

/** Lets every promise that can settle do so: they all run before the next turn of the event loop. */
export const settle: Effect.Effect<void> = Effect.callback<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** Runs the next timer that is due by `end`. False when there is none. */
const runNext = (end: number): boolean => {
  let next: Timer | undefined
  for (const timer of timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
  if (next === undefined) return false
  now = Math.max(now, next.at)
  if (next.every === undefined) timers.delete(next)
  else next.at += next.every
  next.run()
  return true
}

/** Lets time pass; every timer runs at its instant, and what it sets off settles before the next. */
export const advance = (millis: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const end = now + millis
    yield* settle
    while (runNext(end)) yield* settle
    now = end
  })

/** Lets a long time pass with nobody there: the same, but promises settle only at the end of it. */
export const idle = (millis: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const end = now + millis
    yield* settle
    let isDue = true
    while (isDue) isDue = runNext(end)
    now = end
    yield* settle
  })
