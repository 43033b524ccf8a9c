/** What a worker thread runs: it simulates what it is told, until it is told to end. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Workers from "./Workers.ts"

// Whoever opens the protocol is interrupted when the other side closes: that has to be the main fiber, or the thread stays.
RpcServer.makeProtocolWorkerRunner.pipe(
  Effect.flatMap((protocol) =>
    Effect.provideService(RpcServer.make(Workers.Protocol, { disableTracing: true }), RpcServer.Protocol, protocol)
  ),
  Effect.provide([Workers.handlers, NodeWorkerRunner.layer]),
  Effect.scoped,
  NodeRuntime.runMain
)
