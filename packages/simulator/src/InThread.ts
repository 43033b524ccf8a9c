/** `Workers` without workers: runs go on in this thread, one after the other, and keep it from everything else. */
import * as Layer from "effect/Layer"
import * as work from "./internal/work.ts"
import * as Workers from "./Workers.ts"

export const layer: Layer.Layer<Workers.Workers> = Layer.succeed(Workers.Workers, {
  count: 1,
  run: work.run,
  draw: work.draw
})
