/** Says in the log what the pipeline decided, one line per decision, with operation, attempt, lane, class and rule as fields. */
import type * as Event from "@holdfast/core/Event"
import type * as EventBus from "@holdfast/core/EventBus"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { consume } from "./internal/consume.ts"
import * as eventLine from "./internal/eventLine.ts"
import * as LogLevels from "./LogLevels.ts"

/** Writes every event of the bus to the log until its scope closes, and then what is left. */
export const layer: Layer.Layer<never, never, EventBus.EventBus> = Layer.effectDiscard(
  Effect.flatMap(Effect.serviceOption(LogLevels.LogLevels), (levels) =>
    consume({
      take: Effect.forEach(
        (event) => {
          const line = eventLine.of(event)
          return Option.isSome(levels) && !levels.value.isEnabled(line.logger, line.level)
            ? Effect.void
            : say(line, event)
        },
        { discard: true }
      )
    })
  )
)

const say = ({ level, logger, message }: eventLine.Line, event: Event.Event): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWithLevel(level)(message), { ...eventLine.annotations(event), logger })
