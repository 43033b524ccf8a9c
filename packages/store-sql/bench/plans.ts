/** How PostgreSQL answers the questions of `Queries`: each statement as it is sent, explained. */
import { Effect, Layer, Ref } from "effect"
import { SqlClient, Statement } from "effect/sql"
import * as Queries from "../src/Queries.ts"

interface Node {
  readonly "Node Type": string
  readonly "Index Name"?: string
  readonly "Relation Name"?: string
  readonly "Actual Rows"?: number
  readonly Plans?: ReadonlyArray<Node>
}

export interface Plan {
  readonly name: string
  /** Planning and execution, in milliseconds. */
  readonly millis: number
  /** The indexes it was answered from, without the week in their names. */
  readonly indexes: ReadonlyArray<string>
  /** Tables of which whole partitions were read. */
  readonly scanned: ReadonlyArray<string>
}

const span = (now: number, days: number) => ({ since: now - days * 86_400_000, until: now })

/** The questions of a dashboard, as it asks them. */
export const questions = (now: number) =>
  Effect.gen(function* () {
    const queries = yield* Queries.Queries
    const hour = span(now, 1 / 24)
    const day = span(now, 1)
    const week = span(now, 7)
    const route = "chat"
    const { next } = yield* queries.search({ ...week, route })
    const [latest] = (yield* queries.search(week)).operations
    return {
      "health of a lane, a day": queries.health("openai/gpt-4o-mini", day),
      "error groups, a day": queries.errorGroups(day),
      "error groups of a lane, a week": queries.errorGroups({ ...week, lane: "openai/gpt-4o-mini" }),
      "unresolved error groups, a day": queries.errorGroups({ ...day, unresolvedOnly: true }),
      "changes of a circuit, a week": queries.circuits({ ...week, circuit: "gemini/gemini-3.5-flash" }),
      "changes of all circuits, a day": queries.circuits(day),
      "cost by route, an hour": queries.cost("route", hour),
      "cost by tenant, a day": queries.cost("tenant", day),
      "cost by lane, a week": queries.cost("lane", week),
      "slowest operations, a day": queries.slowest(day),
      "slowest operations of a route, a week": queries.slowest({ ...week, route }),
      "one operation and its attempts": queries.trail(latest?.operation ?? ""),
      "operations, the latest": queries.search(week),
      "operations of a route, the next page": queries.search({ ...week, route, after: next }),
      "operations of a tenant": queries.search({ ...week, tenant: "team-seldom" }),
      "operations that failed": queries.search({ ...week, result: "AllLanesFailed" })
    }
  })

/** Asks a question, and has what was sent explained while it is run once more. */
const explain = Effect.fnUntraced(function* (name: string, question: Effect.Effect<unknown, unknown>) {
  const sql = yield* SqlClient.SqlClient
  const sent = yield* Ref.make<ReadonlyArray<readonly [sql: string, params: ReadonlyArray<unknown>]>>([])
  yield* Effect.orDie(question).pipe(
    Effect.provideService(Statement.CurrentTransformer, (statement) =>
      Effect.as(
        Ref.update(sent, (all) => [...all, statement.compile()]),
        statement
      )
    )
  )
  let millis = 0
  const nodes: Array<Node> = []
  for (const [text, params] of yield* Ref.get(sent)) {
    const [row] = yield* sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: Node } & Record<string, number>> }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      params
    )
    for (const plan of row?.["QUERY PLAN"] ?? []) {
      millis += (plan["Planning Time"] ?? 0) + (plan["Execution Time"] ?? 0)
      nodes.push(...flatten(plan.Plan))
    }
  }
  return {
    name,
    millis,
    indexes: distinct(nodes.flatMap((node) => node["Index Name"] ?? [])),
    scanned: distinct(nodes.flatMap((node) => (node["Node Type"] === "Seq Scan" ? (node["Relation Name"] ?? []) : [])))
  } satisfies Plan
})

export const plans = (now: number) =>
  Effect.flatMap(questions(now), (all) =>
    Effect.forEach(Object.entries(all), ([name, question]) => explain(name, question))
  ).pipe(Effect.provide(Queries.layer.pipe(Layer.fresh)))

const flatten = (node: Node): ReadonlyArray<Node> => [node, ...(node.Plans ?? []).flatMap(flatten)]

/** The partitions of one index have the week, or a number, in their names. */
const distinct = (names: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(names.map((name) => name.replace(/_\d{8}/, "")))
]
