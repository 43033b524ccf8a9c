/**
 * What memory no longer has, or never had: asked of the store. It may be slow or away, so every question has an end, and
 * whoever asks is told that there is no answer instead of failing.
 */
import type * as DatabaseError from "@holdfast/store-sql/DatabaseError"
import * as OperatorRecords from "@holdfast/store-sql/OperatorRecords"
import * as Queries from "@holdfast/store-sql/Queries"
import * as TimeSeries from "@holdfast/store-sql/TimeSeries"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type * as Result from "effect/Result"
import { defined } from "./internal/defined.ts"
import { idOf } from "./internal/ErrorGroups.ts"
import * as Live from "./Live.ts"
import type * as Model from "./Model.ts"
import * as Series from "./Series.ts"

/** How long the store may take for one question. */
const patience = "5 seconds"

/** More say nothing more on a chart. */
const maxMarks = 500

/** How far back groups of errors are looked for, in milliseconds. */
const errorsMillis = 7 * 86_400_000

/** Pages ask for errors again and again; those of before this process do not change by themselves. */
const fresh = "15 seconds"

export interface Search {
  readonly text: string | undefined
  readonly route: string | undefined
  readonly result: string | undefined
  /** Only what ended before; default now. */
  readonly until: number | undefined
  readonly limit: number
}

/** An answer, or in a few words why there is none. */
export type Answer<A> = Effect.Effect<Result.Result<A, string>>

export class History extends Context.Service<
  History,
  {
    readonly series: (query: Series.Query) => Answer<Model.Series>
    readonly operations: (search: Search) => Answer<ReadonlyArray<Model.Operation>>
    /** `undefined` if the store knows nothing of it. */
    readonly trail: (operation: string) => Answer<Model.Trail | undefined>
    /** Groups of errors of before this process started, as they were a moment ago. */
    readonly earlierErrors: Answer<ReadonlyArray<Model.ErrorGroup>>
    /** Marks the errors of a group as seen to, with who said so and what. */
    readonly resolve: (
      group: Pick<Model.ErrorGroup, "class" | "rule" | "provider">,
      by: string,
      note: string
    ) => Answer<number>
  }
>()("@holdfast/gateway/admin/History") {}

export const make = Effect.gen(function* () {
  const queries = yield* Queries.Queries
  const sql = yield* SqlClient.SqlClient
  const { startedAt } = yield* Live.Live

  const answer = <A>(question: Effect.Effect<A, DatabaseError.DatabaseError>): Answer<A> =>
    question.pipe(
      Effect.mapError((error) => `The store does not answer: ${error.message}`),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.fail(`The store does not answer within ${patience}`)
      }),
      Effect.result
    )

  const groupsSince = (since: number, until?: number) => queries.errorGroups({ since, until, limit: 1000 })

  const before = { since: startedAt - errorsMillis, until: startedAt }
  const [earlierErrors, forget] = yield* Effect.cachedInvalidateWithTTL(
    answer(
      Effect.flatMap(groupsSince(before.since, before.until), (rows) =>
        Effect.map(queries.errorGroupDetails(rows, before), (details) => groupsOf(rows, details))
      )
    ),
    fresh
  )

  return History.of({
    series: (query) =>
      answer(
        Effect.gen(function* () {
          const step = Series.stepOf(query)
          const steps = yield* Effect.provideService(
            TimeSeries.attempts({ since: query.from, until: query.to, step, lane: query.lane }),
            SqlClient.SqlClient,
            sql
          )
          const changes = yield* queries.circuits({ since: query.from, until: query.to, circuit: query.lane })
          const done = yield* Effect.provideService(
            OperatorRecords.actions(maxMarks, { since: query.from, until: Math.min(query.to, startedAt) }),
            SqlClient.SqlClient,
            sql
          )
          return { ...seriesOf(query, step, steps, changes), marks: marksOf(done) }
        })
      ),
    operations: ({ limit, result, route, text, until }) =>
      answer(
        Effect.gen(function* () {
          const search = { since: 0, until, route, result, limit }
          if (text === undefined) return (yield* queries.search(search)).operations.map(operationOf)
          const found = yield* Effect.all([
            queries.search({ ...search, operation: text }),
            queries.search({ ...search, tenant: text })
          ])
          return found.flatMap(({ operations }) => operations.map(operationOf))
        })
      ),
    trail: (id) =>
      answer(Effect.map(queries.trail(id), (found) => (found === undefined ? undefined : trailOf(id, found)))),
    earlierErrors,
    resolve: (group, by, note) =>
      answer(
        Effect.gen(function* () {
          const groups = (yield* groupsSince(0)).filter((one) => idOf(keyOf(one)) === idOf(group))
          const counts = yield* Effect.forEach(groups, (one) => queries.resolve(one, by, note))
          return counts.reduce((sum, one) => sum + one, 0)
        })
      ).pipe(Effect.ensuring(forget))
  })
})

export const layer: Layer.Layer<History, never, SqlClient.SqlClient | Live.Live> = Layer.provide(
  Layer.effect(History, make),
  Queries.layer
)

const seriesOf = (
  query: Series.Query,
  step: number,
  steps: ReadonlyArray<TimeSeries.Step>,
  changes: ReadonlyArray<Queries.CircuitChange>
): Omit<Model.Series, "marks"> => {
  const at = Series.instantsOf(query)
  const byInstant = new Map(steps.map((one) => [one.at, one]))
  const points = at.map((instant) => byInstant.get(instant))
  const classes = [...new Set(steps.flatMap(({ errors }) => [...errors.keys()]))].toSorted()
  return {
    from: query.from,
    to: query.to,
    step,
    source: "store",
    at,
    ok: points.map((point) => point?.ok ?? 0),
    failed: points.map((point) => point?.failed ?? 0),
    p50Millis: points.map((point) => point?.p50Millis ?? null),
    p95Millis: points.map((point) => point?.p95Millis ?? null),
    usd: points.map((point) => point?.usd ?? 0),
    errors: Object.fromEntries(classes.map((name) => [name, points.map((point) => point?.errors.get(name) ?? 0)])),
    bands: bandsOf(changes, query)
  }
}

/** What people did to circuits, oldest first. */
const marksOf = (actions: ReadonlyArray<OperatorRecords.Action>): Model.Series["marks"] =>
  actions.toReversed().flatMap(({ action, at, by, reason, target }) => {
    const kind = markKinds[action]
    return kind === undefined ? [] : [{ at, kind, text: `${by}: ${action} ${target} (${reason})` }]
  })

const markKinds: { readonly [action: string]: Model.Series["marks"][number]["kind"] | undefined } = {
  hold: "hold",
  drain: "hold",
  release: "release",
  expire: "release"
}

/** Spans in which a circuit was not closed. One that was open before the span began is known by its next change. */
const bandsOf = (changes: ReadonlyArray<Queries.CircuitChange>, { from }: Series.Query): Model.Series["bands"] => {
  const bands: Array<Model.Series["bands"][number]> = []
  const current = new Map<string, Queries.CircuitChange>()
  for (const change of changes) {
    const before = current.get(change.circuit)
    const state = before?.to ?? change.from
    if (state === "open" || state === "half-open") {
      bands.push({
        circuit: change.circuit,
        state,
        from: before?.at ?? from,
        to: change.at,
        reason: before?.reason ?? ""
      })
    }
    current.set(change.circuit, change)
  }
  for (const { at, circuit, reason, to } of current.values()) {
    if (to === "open" || to === "half-open") bands.push({ circuit, state: to, from: at, reason })
  }
  return bands.toSorted((a, b) => a.from - b.from)
}

const operationOf = (row: Queries.OperationSummary): Model.Operation =>
  defined<Model.Operation>({
    operation: row.operation,
    route: row.route,
    kind: row.kind,
    result: row.result,
    lane: row.lane ?? undefined,
    tenant: row.tenant ?? undefined,
    attempts: row.attempts,
    startedAt: row.startedAt,
    durationMillis: row.durationMillis,
    degraded: row.degraded,
    source: row.source ?? undefined,
    classes: []
  })

const trailOf = (
  id: string,
  { attempts, operation }: NonNullable<Effect.Success<ReturnType<Queries.Queries["Service"]["trail"]>>>
): Model.Trail => {
  const [first] = attempts
  const summary: Model.Operation =
    operation === undefined
      ? {
          operation: id,
          route: "unknown",
          kind: "text",
          result: "running",
          attempts: attempts.length,
          startedAt: first?.startedAt ?? 0,
          durationMillis: Math.max(0, ...attempts.map(({ at }) => at - (first?.startedAt ?? at))),
          degraded: false,
          classes: []
        }
      : operationOf(operation)
  const from = (at: number): number => Math.max(0, at - summary.startedAt)
  const isFailed = (result: string): boolean => result !== "Success" && result !== "Cancelled"
  return {
    operation: {
      ...summary,
      classes: [...new Set(attempts.map(({ result }) => result).filter(isFailed))]
    },
    spans: attempts.flatMap((attempt): ReadonlyArray<Model.Span> => {
      const start = from(attempt.startedAt)
      const span = defined<Model.Span>({
        kind: "attempt",
        lane: attempt.lane,
        fromMillis: start,
        toMillis: start + attempt.durationMillis,
        firstContentMillis: attempt.firstContentMillis ?? undefined,
        result: attempt.result,
        hedge: attempt.hedge ? true : undefined,
        text: attempt.message ?? undefined,
        rule: attempt.rule ?? undefined,
        status: attempt.status ?? undefined,
        requestId: attempt.requestId ?? undefined,
        tokens:
          attempt.inputTokens === null && attempt.outputTokens === null
            ? undefined
            : (attempt.inputTokens ?? 0) + (attempt.outputTokens ?? 0)
      })
      if (attempt.waitedMillis < 1) return [span]
      const wait = { kind: "wait", lane: attempt.lane, result: "queue", text: "waits before the attempt" } as const
      return [{ ...wait, fromMillis: Math.max(0, start - attempt.waitedMillis), toMillis: start }, span]
    })
  }
}

/** The store tells lanes and wordings apart; here errors of one class, rule and provider are one. */
const groupsOf = (
  rows: ReadonlyArray<Queries.ErrorGroup>,
  details: ReadonlyArray<Queries.ErrorGroupDetail>
): ReadonlyArray<Model.ErrorGroup> => {
  const groups = new Map<string, Model.ErrorGroup & { readonly unresolved: number }>()
  for (const [place, row] of rows.entries()) {
    const { operations = [], resolution } = details[place] ?? {}
    const key = keyOf(row)
    const id = idOf(key)
    const known = groups.get(id)
    const latest = latestOf(
      known?.resolution,
      resolution === undefined
        ? undefined
        : { ...resolution, by: resolution.by === "" ? "somebody" : resolution.by, note: resolution.note ?? "" }
    )
    groups.set(id, {
      ...key,
      id,
      firstSeen: Math.min(known?.firstSeen ?? Infinity, row.firstSeen),
      lastSeen: Math.max(known?.lastSeen ?? 0, row.lastSeen),
      count: (known?.count ?? 0) + row.count,
      lanes: { ...known?.lanes, [row.lane]: (known?.lanes[row.lane] ?? 0) + row.count },
      operations: [...new Set([...(known?.operations ?? []), ...operations])],
      message: known?.message ?? row.message ?? "",
      ...(latest === undefined ? {} : { resolution: latest }),
      regressed: false,
      unresolved: (known?.unresolved ?? 0) + row.unresolved
    })
  }
  return [...groups.values()].map(({ resolution, unresolved, ...group }) =>
    resolution === undefined ? group : unresolved > 0 ? { ...group, regressed: true } : { ...group, resolution }
  )
}

type Resolution = NonNullable<Model.ErrorGroup["resolution"]>

const latestOf = (a: Resolution | undefined, b: Resolution | undefined): Resolution | undefined =>
  a === undefined || (b !== undefined && b.at > a.at) ? b : a

const keyOf = (row: Queries.ErrorGroup) => ({
  class: row.errorType,
  rule: row.rule ?? "",
  provider: row.lane.slice(0, Math.max(0, row.lane.indexOf("/")))
})
