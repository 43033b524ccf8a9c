/**
 * The alerts of one instance: watches the events, keeps the state over restarts, and tells people by every delivery, each
 * in its own time. Calls never wait for any of it. What is found, and whether people could be told, is in the events too.
 */
import * as EventBus from "@holdfast/core/EventBus"
import type * as Policy from "@holdfast/core/Policy"
import * as Resilience from "@holdfast/core/Resilience"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { consume } from "../internal/consume.ts"
import * as Postman from "../internal/Postman.ts"
import * as AlertRules from "./AlertRules.ts"
import * as AlertState from "./AlertState.ts"
import { AlertStore, AlertStoreError } from "./AlertStore.ts"
import type { Delivery } from "./Delivery.ts"
import * as DeliveryTest from "./DeliveryTest.ts"
import * as Notification from "./Notification.ts"
import * as Silence from "./Silence.ts"
import * as Watch from "./Watch.ts"
import * as Words from "./Words.ts"

/** An alert as a person looks at it. */
export interface View extends AlertState.Condition {
  readonly phase: "pending" | "firing" | "resolved"
  /** Since when it has been so; instants are milliseconds since the epoch. */
  readonly since: number
  readonly firingSince?: number | undefined
  readonly resolvedAt?: number | undefined
  /** When people were last told that it fires. */
  readonly notifiedAt?: number | undefined
  /** It is from before a restart, and has not been seen again. */
  readonly isUnconfirmed: boolean
  readonly words: Words.Words
  /** Why people are not told. */
  readonly silence?: Silence.Silence | undefined
}

export type { Status } from "../internal/Postman.ts"

/** A silence that cannot be. */
export class InvalidSilence extends Schema.TaggedError<InvalidSilence>()("InvalidSilence", {
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

export interface SilenceOptions {
  readonly matcher: Silence.Matcher
  /** From now on. */
  readonly duration: Duration.Input
  readonly reason: string
  readonly by: string
}

export class Alerts extends Context.Service<
  Alerts,
  {
    /** Those that are not over, in the order in which they began, and then the last ones that are, newest first. */
    readonly list: Effect.Effect<ReadonlyArray<View>>
    /** Those that hold now. */
    readonly silences: Effect.Effect<ReadonlyArray<Silence.Silence>>
    /**
     * Has people not told of some alerts for a while. Just after the start it waits for what is kept, as long as the alerts
     * themselves do.
     */
    readonly silence: (options: SilenceOptions) => Effect.Effect<Silence.Silence, InvalidSilence>
    /** Ends a silence; false if there is none of that id. */
    readonly unsilence: (id: string) => Effect.Effect<boolean>
    readonly deliveries: Effect.Effect<ReadonlyArray<Postman.Status>>
    /** Sends a test by every delivery, or by one. */
    readonly test: (name?: string) => Effect.Effect<ReadonlyArray<DeliveryTest.Outcome>, DeliveryTest.UnknownDelivery>
  }
>()("@holdfast/telemetry/Alerts") {}

export interface Options {
  /** Default `AlertRules.defaults`. */
  readonly settings?: AlertRules.Settings | undefined
  /** Where calls may go, so that an alert can say whom it matters to. */
  readonly routes: ReadonlyArray<Watch.Route>
  /** Names differ. Without any, what happens is still in the events, and so in the log. */
  readonly deliveries: ReadonlyArray<Delivery>
  /** The name that people read, also of what it keeps. Default `holdfast`. */
  readonly instance?: string | undefined
  /** Where people find the dashboard. */
  readonly url?: string | undefined
  /** Between two looks at what only time changes. Default 1 second. */
  readonly lookEvery?: Duration.Input | undefined
  /** What changes without anybody being told is saved this often. Default 30 seconds. */
  readonly saveEvery?: Duration.Input | undefined
  /** How long the store may keep the alerts waiting at the start; then they begin anew. Default 10 seconds. */
  readonly loadTimeout?: Duration.Input | undefined
  /** How long a message that is being sent may go on when the layer closes. Default 3 seconds. */
  readonly closeTimeout?: Duration.Input | undefined
  /** How a message is sent. */
  readonly policy?: Policy.Policy | undefined
}

/** What survives a restart. */
const Document = Schema.fromJsonString(
  Schema.Struct({
    version: Schema.Literal(1),
    state: AlertState.State,
    memory: Watch.Memory,
    /** What waits, by delivery. */
    outboxes: Schema.Record(Schema.String, Schema.Array(Notification.Notification))
  })
)
type Document = typeof Document.Type

const encode = Schema.encodeSync(Document)

/** A store that takes longer than this does not keep people from being told. */
const saveTimeout = "5 seconds"

/** Throws a `RangeError` where two deliveries have one name. */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Alerts["Service"], never, AlertStore | EventBus.EventBus | Scope.Scope> {
  const { deliveries, instance = "holdfast", routes, settings = AlertRules.defaults, url } = options
  const names = deliveries.map(({ name }) => name)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) throw new RangeError(`two deliveries are named ${name}`)
  }
  const store = yield* AlertStore
  const bus = yield* EventBus.EventBus
  const pipeline = yield* Layer.build(Layer.fresh(Resilience.layer))
  const pokes = yield* Queue.sliding<void>(1)
  const changed = (): void => void Queue.offerUnsafe(pokes, undefined)
  const postman = yield* Postman.Postman.make({
    deliveries,
    resilience: Context.get(pipeline, Resilience.Resilience),
    policy: options.policy ?? Postman.policy,
    publish: bus.publishUnsafe,
    changed
  })
  const watch = new Watch.Watch(routes, settings)
  const loaded = yield* Deferred.make<void>()
  let state = AlertState.initial
  let savedText: string | undefined
  let savedAt = Number.NEGATIVE_INFINITY
  let isUnsaved = false

  const wordsOf = (alert: AlertState.Alert | AlertState.Resolved, now: number): Words.Words =>
    Words.of(alert, { now, answer: (route) => watch.answer(route) })

  const itemOf = ({ alert, change }: AlertState.Change, now: number): Notification.Item => ({
    change,
    alert: alert.key,
    episode: `${instance}/${alert.key}/${alert.since.toString(36)}`,
    rule: alert.rule,
    subject: alert.subject,
    severity: alert.severity,
    routes: alert.routes,
    since: alert.since,
    ...("resolvedAt" in alert ? { resolvedAt: alert.resolvedAt } : {}),
    ...wordsOf(alert, now)
  })

  /** Takes a step, and does what follows from it. */
  const turn = (now: number, signals: ReadonlyArray<AlertState.Signal>): void => {
    const transitions: Array<AlertState.Transition> = []
    const messages: Array<AlertState.Message> = []
    const advance = (): void => {
      const step = AlertState.advance(state, now, settings)
      state = step.state
      transitions.push(...step.transitions)
      messages.push(...step.messages)
    }
    advance()
    for (const signal of signals) {
      const step = AlertState.signal(state, signal, now, settings)
      state = step.state
      transitions.push(...step.transitions)
    }
    if (signals.length > 0) advance()
    for (const { alert, to } of transitions) {
      if (to !== "firing" && to !== "resolved") continue
      const { key, severity, since } = alert
      bus.publishUnsafe(now, {
        _tag: "AlertChanged",
        alert: key,
        severity,
        to,
        since,
        message: wordsOf(alert, now).title
      })
    }
    for (const { at, changes, group } of messages) {
      const [first, ...rest] = changes.map((change) => itemOf(change, now))
      if (first === undefined) continue
      postman.post({
        id: bus.nextIdUnsafe(),
        at,
        group,
        instance,
        ...(url === undefined ? {} : { url }),
        items: [first, ...rest]
      })
    }
    if (transitions.length > 0 || messages.length > 0) changed()
  }

  const annotate = Effect.annotateLogs({ logger: "alerts" })

  const resume = (document: Document, now: number): void => {
    state = AlertState.resume(document.state, now, settings)
    watch.resume(state.alerts, document.memory)
    const failing = state.alerts.flatMap(({ detail, rule, since, subject }) =>
      rule === "deliveryFailing" ? [[subject, { since, reason: detail }] as const] : []
    )
    postman.restore(document.outboxes, new Map(failing))
  }

  const load = store.load.pipe(
    Effect.retry(Schedule.spaced("500 millis")),
    Effect.mapError(({ reason }) => reason),
    Effect.timeoutOrElse({
      duration: options.loadTimeout ?? "10 seconds",
      orElse: () => Effect.fail("it does not answer")
    }),
    Effect.flatMap((saved) =>
      Option.isNone(saved)
        ? Effect.void
        : Schema.decodeEffect(Document)(saved.value).pipe(
            Effect.mapError(() => "it is not what this version writes"),
            Effect.flatMap((document) =>
              Effect.map(Clock.currentTimeMillis, (now) => {
                savedText = saved.value
                resume(document, now)
              })
            )
          )
    ),
    Effect.catch((reason) =>
      Effect.logWarning(`The alerts begin anew, since what was kept of them cannot be read: ${reason}`).pipe(annotate)
    )
  )

  const save = Effect.gen(function* () {
    const text = encode({
      version: 1,
      state,
      memory: watch.memory(),
      outboxes: postman.outboxes()
    })
    const unsaved = postman.unsaved()
    savedAt = yield* Clock.currentTimeMillis
    if (text === savedText) return postman.release(unsaved)
    const saved = yield* store.save(text).pipe(
      Effect.timeoutOrElse({
        duration: saveTimeout,
        orElse: () => Effect.fail(new AlertStoreError({ reason: "it does not answer" }))
      }),
      Effect.result
    )
    // People are told either way: twice after a crash is better than not at all.
    postman.release(unsaved)
    if (Result.isSuccess(saved)) {
      savedText = text
      if (isUnsaved) yield* Effect.logInfo("The state of the alerts is kept again").pipe(annotate)
      isUnsaved = false
      return
    }
    if (!isUnsaved) yield* Effect.logWarning(saved.failure.message).pipe(annotate)
    isUnsaved = true
  })

  const lookEvery = Duration.fromInputUnsafe(options.lookEvery ?? "1 second")
  const saveEveryMillis = Duration.toMillis(options.saveEvery ?? "30 seconds")
  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    turn(now, watch.look(now))
    if (now - savedAt >= saveEveryMillis) changed()
  })

  // Closed in the opposite order: what is still in the bus is heard, then nothing new is sent, then all of it is saved.
  const running: Array<Fiber.Fiber<unknown>> = []
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      yield* Fiber.interruptAll(running)
      yield* postman.close(options.closeTimeout ?? "3 seconds")
      if (Deferred.isDoneUnsafe(loaded)) yield* save
    })
  )
  yield* consume({
    take: (events) =>
      Effect.suspend(() => {
        const heard = Effect.forEach(events, hear, { discard: true })
        return Deferred.isDoneUnsafe(loaded) ? heard : Effect.andThen(Deferred.await(loaded), heard)
      })
  })
  const hear = (event: Parameters<Watch.Watch["observe"]>[0]): Effect.Effect<void> =>
    Effect.sync(() => {
      const signals = watch.observe(event)
      if (signals.length > 0) turn(event.at, signals)
    })
  running.push(
    yield* Effect.forkDetach(
      Effect.gen(function* () {
        yield* load
        yield* Deferred.succeed(loaded, undefined)
        yield* postman.start
        return yield* Effect.forever(Effect.andThen(look, Effect.sleep(lookEvery)))
      })
    ),
    yield* Effect.forkDetach(
      Effect.andThen(Deferred.await(loaded), Effect.forever(Effect.andThen(Queue.take(pokes), save)))
    )
  )

  const view = (alert: AlertState.Alert | AlertState.Resolved, now: number): View => {
    const { confirmBy, detail, firingSince, key, notifiedAt, routes: matters, rule, severity, since, subject } = alert
    const resolvedAt = "resolvedAt" in alert ? alert.resolvedAt : undefined
    return {
      key,
      rule,
      subject,
      severity,
      routes: matters,
      detail,
      ...(alert.provider === undefined ? {} : { provider: alert.provider }),
      ...(alert.lane === undefined ? {} : { lane: alert.lane }),
      phase: resolvedAt !== undefined ? "resolved" : firingSince === undefined ? "pending" : "firing",
      since,
      firingSince,
      resolvedAt,
      notifiedAt,
      isUnconfirmed: resolvedAt === undefined && confirmBy !== undefined,
      words: wordsOf(alert, now),
      silence: resolvedAt === undefined ? Silence.of(state.silences, alert, now) : undefined
    }
  }

  return Alerts.of({
    list: Effect.map(Clock.currentTimeMillis, (now) =>
      [...state.alerts, ...state.resolved.toReversed()].map((alert) => view(alert, now))
    ),
    silences: Effect.map(Clock.currentTimeMillis, (now) => state.silences.filter(({ until }) => until > now)),
    silence: Effect.fnUntraced(function* ({ by, duration, matcher, reason }: SilenceOptions) {
      // What is kept comes in place of what there is until then.
      yield* Deferred.await(loaded)
      const from = yield* Clock.currentTimeMillis
      const millis = Duration.toMillis(duration)
      if (!(millis > 0)) return yield* new InvalidSilence({ problem: "duration: expected more than nothing" })
      const made = yield* Effect.mapError(
        decodeSilence({ id: bus.nextIdUnsafe(), matcher, from, until: from + millis, reason, by }),
        (error) => new InvalidSilence({ problem: error.message })
      )
      state = AlertState.silence(state, made)
      changed()
      return made
    }),
    unsilence: (id) =>
      Effect.map(Deferred.await(loaded), () => {
        const isThere = state.silences.some((silence) => silence.id === id)
        state = AlertState.unsilence(state, id)
        if (isThere) changed()
        return isThere
      }),
    deliveries: postman.statuses,
    test: (only) => DeliveryTest.run({ deliveries, instance, url, only })
  })
})

const decodeSilence = Schema.decodeUnknownEffect(Silence.Silence, { onExcessProperty: "error" })

export const layer = (options: Options): Layer.Layer<Alerts, never, AlertStore | EventBus.EventBus> =>
  Layer.effect(Alerts, make(options))
