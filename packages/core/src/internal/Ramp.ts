/**
 * Admission that grows from a tenth of the callers to all of them. Each caller adds the part that is let through at its
 * instant, and whoever completes a whole one goes: of any number of callers exactly that part does, evenly spread, without
 * chance. Instants and lengths are milliseconds.
 */

export interface Ramp {
  readonly from: number
  readonly until: number
  /** What has added up and not been used; one at most. */
  readonly credit: number
}

/** The part that is let through at once; the rest grows in evenly. */
const start = 0.1
/** A whole admission: ten tenths fall a little short of one. */
const one = 1 - 1e-9
/** Whoever is refused may come back this soon, at the latest. */
const patienceMillis = 1000

/** A ramp from now on, whose first caller goes. */
export const begin = (now: number, millis: number): Ramp => ({ from: now, until: now + millis, credit: 1 - start })

export const isOver = (self: Ramp, now: number): boolean => now >= self.until

/** Milliseconds until a caller would be let through even if nobody else came by then, at most a second; 0: one is now. */
export const waitMillis = (self: Ramp, now: number): number => {
  const missing = one - credit(self, now)
  if (isOver(self, now) || missing <= 0) return 0
  return Math.ceil(Math.min(patienceMillis, ((self.until - self.from) * missing) / (1 - start)))
}

/** One is let through, where `waitMillis` says 0. */
export const admit = (self: Ramp, now: number): Ramp => ({ ...self, credit: Math.max(0, credit(self, now) - 1) })

/** One is refused: its part is left for the next, who needs no more than one. */
export const refuse = (self: Ramp, now: number): Ramp => ({ ...self, credit: Math.min(1, credit(self, now)) })

/** The same ramp after the clock was set. */
export const shift = (self: Ramp, millis: number): Ramp => ({
  ...self,
  from: self.from + millis,
  until: self.until + millis
})

/** What has added up, with the part of a caller of this instant. */
const credit = (self: Ramp, now: number): number =>
  self.credit + start + (1 - start) * ((now - self.from) / (self.until - self.from))
