/**
 * Spans of operations and their attempts, made from events once an operation is over: with a tracer they cost the calls
 * nothing, and without one nothing is made. An operation's span is the child of its caller's, its attempts are its children.
 */
import type * as Event from "@holdfast/core/Event"
import type * as EventBus from "@holdfast/core/EventBus"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { consume } from "./internal/consume.ts"
import { type Journey, Journeys } from "./internal/Journey.ts"
import * as Names from "./Names.ts"
import type * as Redaction from "./Redaction.ts"

export interface Options {
  /** Takes secrets out of messages. Default: they stay as the events have them, which is without keys. */
  readonly redaction?: Redaction.Redaction | undefined
}

/** Makes spans with the tracer that it is given, until its scope closes; none with Effect's own, which nobody sees. */
export const layer = (options: Options = {}): Layer.Layer<never, never, EventBus.EventBus> =>
  Layer.effectDiscard(
    Effect.flatMap(Tracer.Tracer, (tracer) => {
      if (tracer === Tracer.nativeTracer) return Effect.void
      const journeys = new Journeys()
      return consume({
        take: (events) =>
          Effect.sync(() => {
            for (const event of events) {
              if (event._tag === "AttemptEnded") journeys.add(event)
              else if (event._tag === "OperationEnded") trace(tracer, journeys.end(event), options)
            }
          })
      })
    })
  )

const { attributes: names } = Names
type Attributes = ReadonlyArray<readonly [name: { readonly id: string }, value: unknown]>

const trace = (tracer: Tracer.Tracer, journey: Journey, options: Options): void => {
  const { attempts, end, last, startedAt } = journey
  const { trace } = end
  const operationName = Names.operationName(end.kind)
  const operation = span(tracer, {
    name: `${operationName} ${end.route}`,
    kind: "internal",
    parent: trace === undefined ? undefined : Tracer.externalSpan(trace),
    startedAt,
    endedAt: end.at,
    result: end.result,
    attributes: [
      [names.operationName, operationName],
      [names.provider, last === undefined ? undefined : Names.providerName(last.provider)],
      [names.requestModel, end.route],
      [names.responseModel, end.lane === undefined ? undefined : last?.model],
      [names.inputTokens, end.inputTokens],
      [names.outputTokens, end.outputTokens],
      [names.cost, end.usd],
      [names.estimated, end.estimated],
      [names.waited, secondsOf(end.waitedMillis)],
      [names.firstContent, secondsOf(end.firstContentMillis)],
      [names.tenant, end.tenant],
      [names.operation, end.operation],
      [names.route, end.route],
      [names.kind, end.kind],
      [names.lane, end.lane],
      [names.source, end.source],
      [names.degraded, end.degraded],
      [names.attempts, end.attempts],
      [names.joined, end.joined]
    ]
  })
  for (const attempt of attempts) {
    const { message } = attempt
    span(tracer, {
      name: `${operationName} ${attempt.model}`,
      kind: "client",
      parent: operation,
      startedAt: attempt.startedAt,
      endedAt: attempt.startedAt + attempt.durationMillis,
      result: attempt.result,
      message: message === undefined ? undefined : (options.redaction?.text(message) ?? message),
      attributes: [
        [names.operationName, operationName],
        [names.provider, Names.providerName(attempt.provider)],
        [names.requestModel, attempt.model],
        [names.statusCode, attempt.status],
        [names.operation, attempt.operation],
        [names.route, attempt.route],
        [names.attempt, attempt.attempt],
        [names.lane, attempt.lane],
        [names.hedge, attempt.hedge],
        [names.rule, attempt.rule],
        [names.firstContent, secondsOf(attempt.firstContentMillis)],
        [names.waited, secondsOf(attempt.waitedMillis)],
        [names.attemptInput, attempt.inputTokens],
        [names.attemptOutput, attempt.outputTokens],
        [names.cost, attempt.usd],
        [names.estimated, attempt.estimated],
        [names.requestId, attempt.requestId]
      ]
    })
  }
}

interface Ended {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly parent: Tracer.AnySpan | undefined
  /** In milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number
  readonly result: Event.Result
  readonly message?: string | undefined
  readonly attributes: Attributes
}

/** A span that is over. */
const span = (tracer: Tracer.Tracer, ended: Ended): Tracer.Span => {
  const made = tracer.span({
    name: ended.name,
    kind: ended.kind,
    parent: Option.fromUndefinedOr(ended.parent),
    annotations: Context.empty(),
    links: [],
    startTime: nanos(ended.startedAt),
    root: ended.parent === undefined,
    sampled: ended.parent?.sampled ?? true
  })
  for (const [name, value] of ended.attributes) if (value !== undefined) made.attribute(name.id, value)
  if (ended.result !== "Success") made.attribute(names.errorType.id, ended.result)
  made.end(nanos(ended.endedAt), exitOf(ended))
  return made
}

const exitOf = ({ message, result }: Ended): Exit.Exit<void, Error> => {
  if (result === "Success") return Exit.void
  if (result === "Cancelled") return Exit.interrupt()
  const error = new Error(message ?? result)
  error.name = result
  // Where this span was made says nothing about the failure.
  error.stack = `${result}: ${error.message}`
  return Exit.fail(error)
}

const secondsOf = (millis: number | undefined): number | undefined => (millis === undefined ? undefined : millis / 1000)

const nanos = (millis: number): bigint => BigInt(Math.round(millis * 1000)) * 1000n
