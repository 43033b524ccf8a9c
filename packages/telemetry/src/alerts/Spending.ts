/** The money of the present period: what attempts cost since it began. Counted in millionths of a dollar, so sums stay exact. */
export interface Spending {
  /** Number of the period, from the epoch. */
  readonly period: number
  readonly micros: number
}

export const none: Spending = { period: 0, micros: 0 }

/** Adds what an attempt cost. Another period begins at nothing. */
export const add = (self: Spending, usd: number, now: number, periodMillis: number): Spending => {
  const present = at(self, now, periodMillis)
  return { ...present, micros: present.micros + Math.round(usd * 1e6) }
}

/** What is spent in the period of that instant. */
export const at = (self: Spending, now: number, periodMillis: number): Spending => {
  const period = Math.floor(now / periodMillis)
  return period === self.period ? self : { period, micros: 0 }
}

export const usd = ({ micros }: Spending): number => micros / 1e6
