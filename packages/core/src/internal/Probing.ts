/**
 * What one circuit knows of the fleet's probe: where several instances share their circuits, only the one that holds the
 * fleet's lease may probe. Synchronous and without a clock, like everything about a circuit; instants are milliseconds.
 */

/** The wait of a call that may go as soon as it has asked the fleet for leave. */
export const askFirst = -1

export class Probing {
  /** Given and not used yet. */
  #leave: { readonly token: string; readonly until: number } | undefined
  /** The probe that is out under the fleet's lease. */
  #probe: { readonly permit: number; readonly token: string; readonly until: number } | undefined
  /** Another instance probes. `since`: whoever finds the clock before that knows nothing any more. */
  #elsewhere: { readonly since: number; readonly until: number } | undefined
  #isFree = false

  /** Milliseconds until a probe may go: 0 when one may now, `askFirst` when it has to ask for leave. */
  waitMillis(now: number): number {
    if (this.#isFree || (this.#leave !== undefined && now < this.#leave.until)) return 0
    const until = Math.max(this.#probe?.until ?? 0, this.#elsewhereUntil(now))
    return until > now ? until - now : askFirst
  }

  /** Whether another instance probes. */
  isElsewhere(now: number): boolean {
    return this.#elsewhereUntil(now) > now
  }

  /** A probe may go under the fleet's lease, if it goes before `until`. */
  grant(token: string, until: number): void {
    this.#leave = { token, until }
    this.#elsewhere = undefined
  }

  /** Another instance probes until then, unless it says earlier that it is done. */
  deny(now: number, until: number): void {
    this.#elsewhere = { since: now, until }
  }

  /** Nobody else probes any more. `isFree`: and the next probe of this circuit needs no leave. */
  settleElsewhere(isFree: boolean): void {
    this.#elsewhere = undefined
    this.#isFree ||= isFree
  }

  /** A probe has been let through and may take until then. */
  begin(permit: number, until: number): void {
    if (this.#leave !== undefined) this.#probe = { permit, token: this.#leave.token, until }
    this.#leave = undefined
    this.#isFree = false
  }

  /** The probe is over: the lease to give back, if it had one. */
  end(permit: number): string | undefined {
    if (this.#probe?.permit !== permit) return undefined
    const { token } = this.#probe
    this.#probe = undefined
    return token
  }

  /** Takes back a leave that nobody has used. False when somebody has. */
  revoke(token: string): boolean {
    if (this.#leave?.token !== token) return false
    this.#leave = undefined
    return true
  }

  #elsewhereUntil(now: number): number {
    return this.#elsewhere !== undefined && now >= this.#elsewhere.since ? this.#elsewhere.until : 0
  }
}
