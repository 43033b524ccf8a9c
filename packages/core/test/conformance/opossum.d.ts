/** The part of opossum that is put to the test; the package brings no types. */
declare module "opossum" {
  class CircuitBreaker<Args extends ReadonlyArray<unknown>, A> {
    constructor(action: (...args: Args) => Promise<A>, options: CircuitBreaker.Options)
    static isOurError(error: unknown): boolean
    fire(...args: Args): Promise<A>
    open(): void
    on(event: "open", listener: () => void): this
    shutdown(): void
    readonly opened: boolean
    readonly halfOpen: boolean
    readonly closed: boolean
    readonly stats: { readonly rejects: number }
  }
  namespace CircuitBreaker {
    interface Options {
      /** Milliseconds, or `false` for none. */
      readonly timeout?: number | false
      readonly resetTimeout?: number
      /** 0 to 100; more than that opens the circuit. */
      readonly errorThresholdPercentage?: number
      readonly volumeThreshold?: number
      readonly rollingCountTimeout?: number
      readonly rollingCountBuckets?: number
      readonly capacity?: number
      readonly enableSnapshots?: boolean
      readonly rollingPercentilesEnabled?: boolean
      /** Errors for which it yields true count as successes. */
      readonly errorFilter?: (error: unknown) => boolean
    }
  }
  export = CircuitBreaker
}
