/**
 * How an answer goes over the socket: a list of steps, which is where a fault does its damage. Pure; `Exchange.ts`
 * acts.
 */
import * as Duration from "effect/Duration"
import type { Pace } from "../Direction.ts"
import type { Fault } from "../Fault.ts"
import type { Healthy } from "../Healthy.ts"
import * as Answer from "./Answer.ts"

export type Step =
  | { readonly _tag: "Wait"; readonly duration: Duration.Duration }
  /** Until so many milliseconds have passed since the request came. */
  | { readonly _tag: "Until"; readonly millis: number }
  /** Nothing more until the client leaves. */
  | { readonly _tag: "Silence" }
  | { readonly _tag: "Head"; readonly status: number; readonly headers: Readonly<Record<string, string>> }
  | { readonly _tag: "Write"; readonly data: string; readonly content: boolean }
  /** The answer is complete; the connection may serve another request. */
  | { readonly _tag: "End" }
  /** FIN, with the body left unfinished. */
  | { readonly _tag: "Cut" }
  /** TCP RST. */
  | { readonly _tag: "Reset" }

/** What the delivery needs besides the answer. */
export interface Wording {
  readonly event: (data: unknown) => string
  /** The provider's body for a `StreamError`. */
  readonly streamError: unknown
}

/** The steps of an answer under the fault that was chosen. Faults that replaced the answer deliver like no fault. */
export const script = (
  answer: Answer.Answer,
  fault: Fault | undefined,
  healthy: Pick<Healthy, "latency" | "chunkDelay">,
  wording: Wording
): ReadonlyArray<Step> => [...wait(healthy.latency), ...steps(answer, fault, healthy.chunkDelay, wording)]

/**
 * The same at stated instants: the headers of a stream with its first content, the other pieces spread evenly, and what
 * comes behind the content at the last instant. Where there is only one piece, as in a whole answer, all of it is sent then.
 */
export const paced = (
  answer: Answer.Answer,
  fault: Fault | undefined,
  { firstMillis, lastMillis }: Pace,
  wording: Wording
): ReadonlyArray<Step> => {
  const unpaced = steps(answer, fault, Duration.zero, wording)
  const until = (millis: number): Step => ({ _tag: "Until", millis })
  if (answer._tag === "Whole") return [until(lastMillis), ...unpaced]
  const pieces = unpaced.filter(isContent).length
  if (pieces === 0) return [until(lastMillis), ...unpaced]
  let sent = 0
  const spread = unpaced.flatMap((step): ReadonlyArray<Step> => {
    if (sent === pieces) {
      sent += 1
      return [until(lastMillis), step]
    }
    if (!isContent(step)) return [step]
    const at = firstMillis + ((lastMillis - firstMillis) * sent) / pieces
    sent += 1
    return [until(at), step]
  })
  return [until(firstMillis), ...spread]
}

const isContent = (step: Step): boolean => step._tag === "Write" && step.content

const steps = (
  answer: Answer.Answer,
  fault: Fault | undefined,
  chunkDelay: Duration.Duration,
  wording: Wording
): ReadonlyArray<Step> => {
  const streaming = answer._tag === "Events"
  const whole = partsOf(answer, chunkDelay)
  /** The delivery stops being healthy after so many chunks; in the middle, for a whole answer. */
  const split = (after: number, wholeAfter: number) => at(whole, streaming ? after : wholeAfter)
  switch (fault?._tag) {
    case "Hang":
      return fault.for === undefined ? [{ _tag: "Silence" }] : [...wait(fault.for), { _tag: "Cut" }]
    case "SlowFirstByte": {
      const { after, before } = at(whole, 0)
      return fault.before === "headers"
        ? [...wait(fault.delay), ...before, ...after]
        : [whole.head, ...wait(fault.delay), ...whole.opening, ...after]
    }
    case "Stall": {
      const { after, before } = split(fault.after, 0)
      const rest: ReadonlyArray<Step> = fault.afterwards === "close" ? [{ _tag: "Cut" }] : after
      return [...before, ...wait(fault.for), ...rest]
    }
    case "Reset":
      return fault.after === undefined ? [{ _tag: "Reset" }] : [...split(fault.after, 1).before, { _tag: "Reset" }]
    case "Truncate": {
      if (fault.ending === "cut") return [...split(fault.after, 1).before, { _tag: "Cut" }]
      return streaming ? [...split(fault.after, 1).before, { _tag: "End" }] : deliver(half(answer))
    }
    case "MalformedChunk": {
      if (!streaming) return deliver(half(answer))
      const { after, before } = at(whole, fault.before - 1)
      const victim = answer.content[fault.before - 1] ?? answer.closing[0] ?? wording.event({})
      return [...before, write(brokenOff(victim)), ...after]
    }
    case "StreamError":
      return streaming
        ? [...split(fault.after, 0).before, ...broken(answer, fault.after, wording), { _tag: "End" }]
        : deliver(answer.broken?.(wording.streamError) ?? Answer.json(200, wording.streamError, answer.headers))
    case "NoDone":
      return streaming ? deliver({ ...answer, done: undefined }, chunkDelay) : deliver(answer)
    case "HtmlPage":
      return deliver(page(fault.status))
    case "WrongShape":
      return streaming
        ? deliver({ ...answer, opening: [], content: [wording.event({})], closing: [] })
        : deliver({ ...answer, body: "{}" })
    case "EmptyBody":
      return streaming
        ? deliver({ ...answer, opening: [], content: [], closing: [], done: undefined })
        : deliver({ ...answer, body: "" })
    default:
      return deliver(answer, chunkDelay)
  }
}

interface Parts {
  readonly head: Step
  readonly opening: ReadonlyArray<Step>
  readonly content: ReadonlyArray<ReadonlyArray<Step>>
  readonly closing: ReadonlyArray<Step>
}

/** A whole answer has two pieces of content here, so that a fault can strike between them. */
const partsOf = (answer: Answer.Answer, chunkDelay: Duration.Duration): Parts => {
  if (answer._tag === "Events") {
    return {
      head: { _tag: "Head", status: 200, headers: answer.headers },
      opening: answer.opening.map((event) => write(event)),
      content: answer.content.map((event, n) => [...(n === 0 ? [] : wait(chunkDelay)), write(event, true)]),
      closing: [
        ...[...answer.closing, ...(answer.done === undefined ? [] : [answer.done])].map((event) => write(event)),
        { _tag: "End" }
      ]
    }
  }
  const middle = Math.ceil(answer.body.length * 0.6)
  return {
    head: headOf(answer),
    opening: [],
    content: [[write(answer.body.slice(0, middle), true)], [write(answer.body.slice(middle))]],
    closing: [{ _tag: "End" }]
  }
}

/** The delivery in two, around the gap after `chunks` pieces of content. */
const at = (parts: Parts, chunks: number) => ({
  before: [parts.head, ...parts.opening, ...parts.content.slice(0, chunks).flat()],
  after: [...parts.content.slice(chunks).flat(), ...parts.closing]
})

const deliver = (answer: Answer.Answer, chunkDelay: Duration.Duration = Duration.zero): ReadonlyArray<Step> => {
  if (answer._tag === "Whole") {
    const body = answer.body === "" ? [] : [write(answer.body, true)]
    return [headOf(answer), ...body, { _tag: "End" }]
  }
  const { after, before } = at(partsOf(answer, chunkDelay), answer.content.length)
  return [...before, ...after]
}

const broken = (answer: Answer.Events, after: number, wording: Wording): ReadonlyArray<Step> => {
  const sent = answer.opening.length + Math.min(after, answer.content.length)
  const events = answer.broken?.(wording.streamError, sent) ?? [wording.event(wording.streamError)]
  return events.map((event) => write(event))
}

const headOf = (answer: Answer.Whole): Step => ({
  _tag: "Head",
  status: answer.status,
  headers: { ...answer.headers, "content-length": String(Buffer.byteLength(answer.body)) }
})

const write = (data: string, content = false): Step => ({ _tag: "Write", data, content })

const wait = (duration: Duration.Duration): ReadonlyArray<Step> =>
  Duration.isZero(duration) ? [] : [{ _tag: "Wait", duration }]

const half = (answer: Answer.Whole): Answer.Whole => ({
  ...answer,
  body: answer.body.slice(0, Math.ceil(answer.body.length / 2))
})

/** An event whose JSON breaks off, still framed as an event. */
const brokenOff = (event: string): string => {
  const payload = event.trimEnd()
  return payload.slice(0, Math.ceil(payload.length * 0.6)) + event.slice(payload.length)
}

const page = (status: number): Answer.Whole => ({
  _tag: "Whole",
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body:
    `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n` +
    "<hr><center>proxy</center>\r\n</body>\r\n</html>\r\n"
})
