/**
 * Where the state of the alerts is kept over a restart: one document per instance, as text. In memory it is lost with the
 * process; a file or a database table keeps it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as PlatformError from "effect/PlatformError"
import * as Schema from "effect/Schema"

/** The store cannot be read or written now. */
export class AlertStoreError extends Schema.TaggedError<AlertStoreError>()("AlertStoreError", {
  /** In a few words, without an address. */
  reason: Schema.String
}) {
  override get message() {
    return `The state of the alerts cannot be kept: ${this.reason}`
  }
}

export class AlertStore extends Context.Service<
  AlertStore,
  {
    /** What was saved last; nothing if nothing was. */
    readonly load: Effect.Effect<Option.Option<string>, AlertStoreError>
    /** Replaces what was saved: all of it or nothing. */
    readonly save: (document: string) => Effect.Effect<void, AlertStoreError>
  }
>()("@holdfast/telemetry/AlertStore") {}

/** Kept as long as the layer. */
export const layerMemory: Layer.Layer<AlertStore> = Layer.sync(AlertStore, () => {
  let saved = Option.none<string>()
  return AlertStore.of({
    load: Effect.sync(() => saved),
    save: (document) =>
      Effect.sync(() => {
        saved = Option.some(document)
      })
  })
})

/** A file that only this user can read. It is written beside and moved into place, so that it is never half a document. */
export const layerFile = (path: string): Layer.Layer<AlertStore, never, FileSystem.FileSystem> =>
  Layer.effect(
    AlertStore,
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const write = (document: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const file = yield* files.open(`${path}.next`, { flag: "w", mode: 0o600 })
            yield* file.writeAll(new TextEncoder().encode(document))
            yield* file.sync
          })
        )
      return AlertStore.of({
        load: files.readFileString(path).pipe(
          Effect.asSome,
          Effect.catchIf(
            (error) => error.reason._tag === "NotFound",
            () => Effect.succeedNone
          ),
          Effect.mapError(failed)
        ),
        save: (document) => Effect.mapError(Effect.andThen(write(document), files.rename(`${path}.next`, path)), failed)
      })
    })
  )

const failed = (error: PlatformError.PlatformError): AlertStoreError =>
  new AlertStoreError({ reason: `the file, ${error.reason._tag}` })
