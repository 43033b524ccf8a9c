/**
 * The `holdfast` command. Exits with 0 when it was told to stop, with 1 and one message when it cannot go on, and with 2
 * when it was not understood.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Runtime from "effect/Runtime"
import { alert } from "./alert.ts"
import { classify } from "./classify.ts"
import { compare } from "./compare.ts"
import { explain } from "./explain.ts"
import { faults } from "./faults.ts"
import { migrate } from "./migrate.ts"
import { replay } from "./replay.ts"
import { serve } from "./serve.ts"
import { simulate } from "./simulate.ts"
import { tune } from "./tune.ts"

const holdfast = Command.make("holdfast").pipe(
  Command.withDescription("Keeps AI/LLM calls attached while providers fail"),
  Command.withSubcommands([serve, explain, classify, faults, migrate, simulate, replay, compare, tune, alert])
)

Command.run(holdfast, { version: "0.0.0" }).pipe(
  Effect.tapCause((cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    const error = Cause.squash(cause)
    // What was not understood has been said, with the help.
    if (CliError.isCliError(error)) return Effect.void
    return Console.error(error instanceof Error ? error.message : String(error))
  }),
  Effect.provide([NodeServices.layer, Logger.layer([Logger.consoleLogFmt])]),
  NodeRuntime.runMain({
    disableErrorReporting: true,
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : codeOf(exit.cause))
  })
)

function codeOf(cause: Cause.Cause<unknown>): number {
  if (Cause.hasInterruptsOnly(cause)) return 0
  const error = Cause.squash(cause)
  return CliError.isCliError(error) ? 2 : Runtime.getErrorExitCode(error)
}
