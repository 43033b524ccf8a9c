/** A request as it is sent, and what had to be changed in its meaning for that. */
import type * as Adaptation from "@holdfast/core/Adaptation"

export interface Encoded {
  /** The body, as JSON text. */
  readonly json: string
  readonly adapted: ReadonlySet<Adaptation.Code>
}

/** Where encoders note what they change. */
export type Notes = Set<Adaptation.Code>
