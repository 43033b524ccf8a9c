/** A store that can be taken away: it fails at once, it hangs, or it takes its time. */
import { Effect, Stream } from "effect"
import { SharingStore } from "@holdfast/core"

export const faulty = Effect.map(SharingStore.memory, (inner) => {
  const control: { mode: "well" | "slow" | "fails" | "hangs" | "hangs uninterruptibly" } = { mode: "well" }
  const through = <A>(self: Effect.Effect<A, SharingStore.StoreAway>): Effect.Effect<A, SharingStore.StoreAway> =>
    Effect.suspend(() => {
      switch (control.mode) {
        case "well":
          return self
        case "slow":
          return Effect.delay(self, "20 millis")
        case "fails":
          return Effect.fail(new SharingStore.StoreAway({ reason: "connection refused" }))
        case "hangs":
          return Effect.never
        case "hangs uninterruptibly":
          return Effect.uninterruptible(Effect.never)
      }
    })
  const store = SharingStore.SharingStore.of({
    connect: Effect.flatMap(inner.connect, (session) =>
      through(
        Effect.succeed({
          publish: (notice) => through(session.publish(notice)),
          kept: through(session.kept),
          // What is on its way when the store goes away is lost.
          notices: Stream.filter(session.notices, () => control.mode === "well"),
          acquire: (subject, token, millis) => through(session.acquire(subject, token, millis)),
          release: (subject, token) => through(session.release(subject, token))
        })
      )
    )
  })
  return { control, store }
})
