/** `Workers` on Node's worker threads. */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Deferred from "effect/Deferred"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import * as Workers from "./Workers.ts"

/** How many threads this machine runs at once, or this process may. */
export const cores: number = availableParallelism()

export interface Options {
  /** Threads, and so runs at once. Default: one per core. */
  readonly workers?: number | undefined
  /** The heap that a thread may take, in MiB; one that wants more is ended and its run fails. Default: V8's own limit. */
  readonly maxHeapMiB?: number | undefined
  /** On Linux: gives way to the process's other threads where there is not enough of the processor. Default false. */
  readonly isBackground?: boolean | undefined
}

/**
 * Worker threads that live as long as the layer. Closing it tells them to end, and ends those that have not after five
 * seconds.
 */
export const layer = (options: Options = {}): Layer.Layer<Workers.Workers, Workers.RunFailed> => {
  const { isBackground = false, maxHeapMiB, workers = cores } = options
  const broken = Deferred.makeUnsafe<never, Workers.RunFailed>()
  const spawn = (): Worker => {
    try {
      return new Worker(new URL("./worker.ts", import.meta.url), {
        workerData: isBackground ? "background" : "foreground",
        ...(maxHeapMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMiB } })
      })
    } catch (error) {
      const problem = `no worker can be started (${error instanceof Error ? error.message : String(error)})`
      Deferred.doneUnsafe(broken, Exit.fail(new Workers.RunFailed({ problem })))
      throw error
    }
  }
  return Layer.provide(Workers.layerPool(workers, broken), NodeWorker.layer(spawn))
}
