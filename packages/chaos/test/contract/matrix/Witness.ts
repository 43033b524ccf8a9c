/** Writes down all that is logged and traced while an effect runs. */
import { Effect, Logger, References, Tracer } from "effect"
import { inspect } from "node:util"

export interface Witness {
  readonly watch: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Spans by name, those of the watched effect first. */
  readonly spans: ReadonlyArray<Tracer.NativeSpan>
  readonly text: () => string
}

export const make = (): Witness => {
  const lines: Array<string> = []
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      spans.push(span)
      return span
    }
  })
  const loggers = [Logger.formatJson, Logger.formatLogFmt, Logger.formatSimple].map((format) =>
    Logger.make((options) => void lines.push(format.log(options)))
  )
  return {
    spans,
    watch: (effect) =>
      effect.pipe(
        Effect.tapCause((cause) => Effect.logError("the call failed", cause)),
        Effect.withSpan("call"),
        Effect.provideService(Tracer.Tracer, tracer),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provide(Logger.layer(loggers))
      ),
    text: () => [...lines, ...spans.map((span) => inspect(span, { depth: Infinity, showHidden: true }))].join("\n")
  }
}
