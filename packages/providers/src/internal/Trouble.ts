/**
 * Why an answer is not one, before it becomes a failure: what the provider sent, for the classifier, and the verdict of
 * the reader that met it.
 */
import type * as Failure from "@holdfast/core/Failure"

/** What the classifier is shown. */
export type Evidence =
  | { readonly kind: "http" | "response-200" | "stream"; readonly body: unknown; readonly event?: string | undefined }
  | { readonly kind: "transport"; readonly error: unknown }

/** What the reader itself concludes. */
export interface Verdict {
  readonly class: Failure.Class
  readonly rule: string
  /** Set only where it departs from the class's default. */
  readonly retryable?: boolean | undefined
  /** Our own words: never a piece of the prompt or the answer. */
  readonly detail?: string | undefined
}

export interface Trouble {
  /** Shown to the classifier first; absent where the reader alone decides. */
  readonly evidence?: Evidence | undefined
  /** Holds where there is no evidence, or the classifier finds nothing in it to decide on. */
  readonly verdict?: Verdict | undefined
  /** The event cannot be understood, which a lane may choose to skip. */
  readonly undecodable?: boolean | undefined
}

/** An event that is not JSON, or JSON of another shape. */
export const badEvent = (why: string): Trouble => ({
  undecodable: true,
  verdict: { class: "InvalidResponse", rule: "wire/bad-event", detail: why }
})

/** The stream ended without the provider's terminal event. */
export const truncated: Trouble = {
  verdict: { class: "StreamTruncated", rule: "wire/truncated", detail: "the stream ended without its terminal event" }
}

/** A 2xx answer that is not one; the classifier may know what it is. */
export const wrongShape = (body: unknown, why: string): Trouble => ({
  evidence: { kind: "response-200", body },
  verdict: { class: "InvalidResponse", rule: "wire/wrong-shape", detail: why }
})
