/** `holdfast migrate`: brings the database up to date, or says what that would take. */
import * as Config from "@holdfast/gateway/Config"
import * as DatabaseUrl from "@holdfast/gateway/DatabaseUrl"
import * as Database from "@holdfast/store-sql/Database"
import * as Migrations from "@holdfast/store-sql/Migrations"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export const migrate = Command.make(
  "migrate",
  {
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("The configuration that names the database; else DATABASE_URL, else the embedded one"),
      Flag.optional
    ),
    data: Flag.String("data").pipe(
      Flag.withDescription("Where the embedded database lives"),
      Flag.withDefault(".holdfast")
    ),
    dryRun: Flag.Boolean("dry-run").pipe(Flag.withDescription("Only say what would be done"), Flag.withDefault(false))
  },
  Effect.fnUntraced(function* (flags) {
    const config = Option.isSome(flags.config) ? yield* Config.load(flags.config.value) : undefined
    const url = yield* DatabaseUrl.read(config?.store)
    const database = Database.layer({ url, dataDirectory: flags.data })
    const steps = yield* Effect.provide(flags.dryRun ? Migrations.pending : Migrations.run, database)
    if (steps.length === 0) return yield* Console.log("The database is up to date.")
    for (const [id, name] of steps) {
      yield* Console.log(`${flags.dryRun ? "would take" : "took"} step ${id}: ${name.replaceAll("_", " ")}`)
    }
  })
).pipe(Command.withDescription("Bring the database's tables up to date; serving does so by itself"))
