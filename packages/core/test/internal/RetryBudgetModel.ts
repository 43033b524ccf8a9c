/** A retry budget as one would write it first: everything that counts in a list, with the slice of time it fell in. */
export class RetryBudgetModel {
  /** In tenths of a retry, so that they are exact. */
  readonly #ratio: number
  readonly #reserve: number
  #events: Array<{ readonly slice: number; readonly tenths: number }> = []
  #newest = Number.NEGATIVE_INFINITY

  /** A life is ten seconds, in slices of one. */
  constructor(ratioTenths: number, reserve: number) {
    this.#ratio = ratioTenths
    this.#reserve = 10 * reserve
  }

  deposit(now: number): void {
    this.#happen(this.#ratio, now)
  }

  tryWithdraw(now: number): boolean {
    const allowed = this.#tenths(now) >= 10
    if (allowed) this.#happen(-10, now)
    return allowed
  }

  balance(now: number): number {
    return Math.max(0, Math.floor(this.#tenths(now) / 10))
  }

  #tenths(now: number): number {
    this.#age(now)
    return this.#events.reduce((sum, event) => sum + event.tenths, this.#reserve)
  }

  #happen(tenths: number, now: number): void {
    this.#age(now)
    this.#events.push({ slice: this.#newest, tenths })
  }

  #age(now: number): void {
    const present = Math.floor(now / 1000)
    // A clock that was set back by more than a life begins anew.
    if (present <= this.#newest - 10) this.#events = []
    this.#newest = present <= this.#newest - 10 ? present : Math.max(this.#newest, present)
    this.#events = this.#events.filter(({ slice }) => slice > this.#newest - 10)
  }
}
