/** What a worker thread runs: it simulates what it is told, until it is told to end. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as RpcServer from "effect/rpc/RpcServer"
import { setPriority } from "node:os"
import { workerData } from "node:worker_threads"
import { handlers } from "./internal/work.ts"
import * as Workers from "./Workers.ts"

// On Linux a thread has a priority of its own; elsewhere this would be the whole process's.
if (workerData === "background" && process.platform === "linux") setPriority(10)

// Whoever opens the protocol is interrupted when the other side closes: that has to be the main fiber, or the thread stays.
RpcServer.makeProtocolWorkerRunner.pipe(
  Effect.flatMap((protocol) =>
    Effect.provideService(RpcServer.make(Workers.Protocol, { disableTracing: true }), RpcServer.Protocol, protocol)
  ),
  Effect.provide([handlers, NodeWorkerRunner.layer]),
  Effect.scoped,
  NodeRuntime.runMain
)
