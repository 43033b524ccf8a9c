/** `holdfast faults`: sixteen published faults over real sockets, against this gateway or any other. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FaultBench from "@holdfast/chaos/FaultBench"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as OwnGateway from "./faults/OwnGateway.ts"
import * as Table from "./faults/Table.ts"

/** Options that do not go together, or a value that is none. */
class BadOption extends Schema.TaggedError<BadOption>()("BadOption", { problem: Schema.String }) {
  override readonly [Runtime.errorExitCode] = 2
  override get message() {
    return this.problem
  }
}

/** The bench has run, and some scenarios are not as they should be. */
class NotSafe extends Schema.TaggedError<NotSafe>()("NotSafe", { fail: Schema.Int, partial: Schema.Int }) {
  override get message() {
    return `${this.fail} scenarios failed, ${this.partial} are only partly good`
  }
}

export const faults = Command.make(
  "faults",
  {
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print one JSON object instead of a table"),
      Flag.withDefault(false)
    ),
    mode: Flag.Literals("mode", OwnGateway.Mode.literals).pipe(
      Flag.withDescription(
        "Of this gateway: tell the caller of a stream that breaks (surface), or let another model go on (continue). Default: continue"
      ),
      Flag.optional
    ),
    profile: Flag.Literals("profile", FaultBench.Profile.literals).pipe(
      Flag.withDescription(
        "The published times (full), or a fifth of them, for this gateway with its own times divided alike (compressed). " +
          "Default: compressed, and full with --target"
      ),
      Flag.optional
    ),
    target: Flag.String("target").pipe(
      Flag.withDescription("The base URL of another gateway, with a route for every model of the bench"),
      Flag.optional
    ),
    only: Flag.String("only").pipe(
      Flag.withDescription("Some of the scenarios, such as S08,S15. Default: all sixteen"),
      Flag.optional
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("With --target: where the bench's providers listen, for the gateway to ask. Default: 8401"),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))),
      Flag.optional
    ),
    header: Flag.KeyValuePair("header").pipe(
      Flag.withDescription(
        "With --target: a header for every request, as name=value; {model} and {fallback} stand for the scenario's models"
      ),
      Flag.optional
    )
  },
  Effect.fnUntraced(
    function* (flags) {
      const { json } = flags
      const only = Option.getOrUndefined(flags.only)?.split(",")
      const unknown = only?.find((id) => !FaultBench.ids.includes(id))
      if (unknown !== undefined) {
        return yield* new BadOption({
          problem: `--only: no scenario ${unknown} (there is: ${FaultBench.ids.join(", ")})`
        })
      }
      const { name, options } = yield* subject({
        mode: Option.getOrUndefined(flags.mode),
        profile: Option.getOrUndefined(flags.profile),
        target: Option.getOrUndefined(flags.target),
        port: Option.getOrUndefined(flags.port),
        headers: Option.getOrUndefined(flags.header)
      })
      if (!json) yield* Console.log(`${name}\n${Table.head}`)
      const results = yield* FaultBench.results({ ...options, only }).pipe(
        Stream.tap((result) => (json ? Effect.void : Console.log(Table.row(result)))),
        Stream.runCollect
      )
      const report = FaultBench.report(name, results)
      yield* Console.log(json ? JSON.stringify(report) : `\n${Table.sum(report)}`)
      if (report.fail + report.partial > 0) return yield* new NotSafe({ fail: report.fail, partial: report.partial })
    },
    Effect.scoped,
    Effect.provide(NodeHttpClient.layerUndici)
  )
).pipe(Command.withDescription("Put this gateway, or another, through sixteen published faults"))

interface Asked {
  readonly mode: OwnGateway.Mode | undefined
  readonly profile: FaultBench.Profile | undefined
  readonly target: string | undefined
  readonly port: number | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
}

/** What is to be examined, with the providers it asks: both live as long as the scope. */
const subject = Effect.fnUntraced(function* (asked: Asked) {
  if (asked.target === undefined) {
    const [extra] =
      Object.entries({ "--port": asked.port, "--header": asked.headers }).find(([, value]) => value !== undefined) ?? []
    if (extra !== undefined) return yield* new BadOption({ problem: `${extra} needs --target` })
    const { mode = "continue", profile = "compressed" } = asked
    const providers = yield* FaultBench.providers({ profile, port: 0 })
    const url = yield* OwnGateway.start({ upstream: providers.url, profile, mode })
    return { name: `holdfast (${mode}, ${profile})`, options: { providers, profile, target: { url } } }
  }
  if (asked.mode !== undefined) {
    return yield* new BadOption({ problem: "--mode is an option of this gateway; with --target it decides nothing" })
  }
  const { port = FaultBench.defaultPort, profile = "full" } = asked
  const url = yield* baseUrl(asked.target)
  const providers = yield* FaultBench.providers({ profile, port })
  yield* Console.error(`The gateway's upstream has to be ${providers.url}`)
  return { name: `${url} (${profile})`, options: { providers, profile, target: { url, headers: asked.headers } } }
})

/** A gateway's base URL; `/v1` where no path is named. */
const baseUrl = (target: string): Effect.Effect<string, BadOption> => {
  const url = URL.parse(target)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return Effect.fail(new BadOption({ problem: `--target: expected an http(s) URL, got ${JSON.stringify(target)}` }))
  }
  const path = url.pathname.replace(/\/+$/, "")
  return Effect.succeed(`${url.origin}${path === "" ? "/v1" : path}`)
}
