/** Server-sent events that stay alive while there is nothing to say. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/** A comment, which every reader of server-sent events leaves out. */
export const comment = (text: string): string => `: ${text}\n\n`

/**
 * The events, and a comment wherever there has been none for as long as `every`, or up to twice that. Proxies and callers
 * cut connections that are silent. A pull that is waited for goes on behind the comment: nothing is lost, and nothing is
 * pulled ahead.
 */
export const keptAlive = <E, R>(
  events: Stream.Stream<string, E, R>,
  every: Duration.Duration
): Stream.Stream<string, E, R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const run = Effect.runForkWith(yield* Effect.context<R>())
      const pull = yield* Channel.toPullScoped(Stream.toChannel(events), scope)
      let pulling: Fiber.Fiber<NonEmptyReadonlyArray<string>, E | Cause.Done> | undefined
      let waiting: ((told: Pull.Pull<NonEmptyReadonlyArray<string>, E>) => void) | undefined
      let isSilent = false
      yield* Scope.addFinalizer(
        scope,
        Effect.suspend(() => (pulling === undefined ? Effect.void : Fiber.interrupt(pulling)))
      )
      const look = Effect.sync(() => {
        const resume = isSilent ? waiting : undefined
        isSilent = true
        if (resume === undefined) return
        waiting = undefined
        resume(Effect.succeed([comment("keep-alive")]))
      })
      yield* Effect.forkIn(Effect.forever(Effect.andThen(Effect.sleep(every), look)), scope)
      const wait: Pull.Pull<NonEmptyReadonlyArray<string>, E> = Effect.callback((resume) => {
        waiting = resume
        pulling?.addObserver((exit) => {
          if (waiting !== resume) return
          waiting = undefined
          pulling = undefined
          isSilent = false
          resume(exit)
        })
        return Effect.sync(() => {
          if (waiting === resume) waiting = undefined
        })
      })
      const next: Pull.Pull<NonEmptyReadonlyArray<string>, E> = Effect.suspend(() => {
        pulling ??= run(pull)
        const exit = pulling.pollUnsafe()
        if (exit === undefined) return wait
        pulling = undefined
        isSilent = false
        return exit
      })
      return Stream.fromPull(Effect.succeed(next))
    })
  )
