/**
 * What an emulated provider does with one call, as somebody decides who is told of each as it arrives: a model of a
 * provider, say. A fault plan states what goes wrong beforehand; a director may keep state and chance of its own, and says
 * when each part of the answer is sent.
 */
import type { Fault } from "./Fault.ts"
import type { Operation } from "./FaultPlan.ts"
import type { Healthy } from "./Healthy.ts"
import type { Outcome } from "./Journal.ts"

/** A call that has just been read. */
export interface Call {
  readonly operation: Operation
  readonly model: string | undefined
  readonly stream: boolean
  /** Role of the last message, as the provider writes it (`assistant`, `model`). */
  readonly lastRole: string | undefined
  /** The request's body as it came. */
  readonly body: string
}

/** When an answer is sent, in milliseconds from the call's arrival. */
export interface Pace {
  /** The first content of a stream, with the headers. An answer that is no stream is sent at `lastMillis`. */
  readonly firstMillis: number
  /** The end: the finish of a stream, or what breaks it off. Its other content is spread evenly between the two. */
  readonly lastMillis: number
}

export interface Direction {
  /** Laid over the plan's healthy behaviour. `latency` and `chunkDelay` give way to `pace`. */
  readonly healthy?: Partial<Healthy> | undefined
  /** Default: the call is answered in full. */
  readonly fault?: Fault | undefined
  /** Default: as the healthy behaviour says. Instants are kept to, whatever was late before. */
  readonly pace?: Pace | undefined
  /** Beside those of the answer, also where it is an error. Default: none. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Told how the exchange ended, once. */
  readonly ended?: ((outcome: Outcome) => void) | undefined
}

/** Called once for each call, in order of arrival; not for paths that do not exist. `undefined` leaves it to the plan. */
export type Director = (call: Call) => Direction | undefined
