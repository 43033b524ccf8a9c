/**
 * Documents, their passages and the vectors of these, in PostgreSQL. A vector is kept under the name of its space, and a
 * search sees one space only. It needs no extension: where pgvector is installed, an index of it is the next step.
 */
import { Array, Context, Effect, Layer, Schema } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import { DatabaseError } from "@holdfast/store-sql"
import type { Vector } from "./Embedder.ts"
import { cut, type Document, type Passage } from "./Passage.ts"

/** Nothing that is stored can be compared with the question: it was embedded by another model. */
export class SpaceNotIndexed extends Schema.TaggedError<SpaceNotIndexed>()("SpaceNotIndexed", {
  space: Schema.String,
  /** The spaces there are vectors of. */
  indexed: Schema.Array(Schema.String)
}) {
  override get message() {
    const others = this.indexed.length === 0 ? "there are none" : `there are those of ${this.indexed.join(", ")}`
    return `There are no vectors of ${this.space}; ${others}`
  }
}

/** A passage without a vector of some space. */
export interface Pending {
  readonly id: number
  readonly text: string
}

export interface Found extends Passage {
  /** From −1 to 1; of passages found by their words, a rank. */
  readonly score: number
}

export interface Coverage {
  readonly passages: number
  /** How many of them have a vector of the space. */
  readonly indexed: number
}

export class PassageStore extends Context.Service<
  PassageStore,
  {
    /** Keeps a document, in place of one with the same id. Answers with the number of its passages. */
    readonly put: (document: Document) => Effect.Effect<number, DatabaseError.DatabaseError>
    /** Passages that have no vector of the space yet, oldest first: new ones, and all of them when the space is new. */
    readonly pending: (
      space: string,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Pending>, DatabaseError.DatabaseError>
    /** Keeps vectors. Those of passages that have gone in the meantime are dropped. */
    readonly index: (
      space: string,
      vectors: ReadonlyArray<{ readonly id: number; readonly vector: Vector }>
    ) => Effect.Effect<void, DatabaseError.DatabaseError>
    readonly coverage: (space: string) => Effect.Effect<Coverage, DatabaseError.DatabaseError>
    /** The passages nearest to a vector of the space. Fails when there are passages, and none has a vector of it. */
    readonly nearest: (
      space: string,
      vector: Vector,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Found>, SpaceNotIndexed | DatabaseError.DatabaseError>
    /** The passages that have most words of the question: PostgreSQL's own search, which asks no model. */
    readonly withWords: (
      question: string,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Found>, DatabaseError.DatabaseError>
  }
>()("example-rag/PassageStore") {}

const migrate = Migrator.make({})({
  table: "rag_migrations",
  loader: Migrator.fromRecord({
    "0001_passages": Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE rag_documents (
        id text PRIMARY KEY,
        title text NOT NULL,
        added_at timestamptz NOT NULL DEFAULT now()
      )`
      yield* sql`CREATE TABLE rag_passages (
        id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        document text NOT NULL REFERENCES rag_documents ON DELETE CASCADE,
        position integer NOT NULL,
        text text NOT NULL,
        words tsvector GENERATED ALWAYS AS (to_tsvector('english', text)) STORED
      )`
      yield* sql`CREATE INDEX rag_passages_document ON rag_passages (document)`
      yield* sql`CREATE INDEX rag_passages_words ON rag_passages USING gin (words)`
      yield* sql`CREATE TABLE rag_vectors (
        passage integer NOT NULL REFERENCES rag_passages ON DELETE CASCADE,
        space text NOT NULL,
        vector real[] NOT NULL,
        PRIMARY KEY (space, passage)
      )`
    })
  })
})

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* migrate

  const put = Effect.fn("PassageStore.put")(function* ({ id, text, title }: Document) {
    const passages: ReadonlyArray<{ readonly [column: string]: unknown }> = cut(text).map((text, position) => ({
      document: id,
      position,
      text
    }))
    yield* sql`INSERT INTO rag_documents (id, title) VALUES (${id}, ${title})
      ON CONFLICT (id) DO UPDATE SET title = excluded.title, added_at = now()`
    yield* sql`DELETE FROM rag_passages WHERE document = ${id}`
    if (Array.isReadonlyArrayNonEmpty(passages)) yield* sql`INSERT INTO rag_passages ${sql.insert(passages)}`
    return passages.length
  }, sql.withTransaction)

  const coverage = Effect.fn("PassageStore.coverage")(function* (space: string) {
    const [row = { passages: 0, indexed: 0 }] = yield* sql<Coverage>`
      SELECT count(*)::integer AS passages, count(v.passage)::integer AS indexed
      FROM rag_passages p LEFT JOIN rag_vectors v ON v.passage = p.id AND v.space = ${space}`
    return row
  })

  const nearest = Effect.fn("PassageStore.nearest")(function* (space: string, vector: Vector, limit: number) {
    const found = yield* sql<Found>`
      SELECT p.document, d.title, p.text,
        (SELECT sum(a * b) FROM unnest(v.vector, ${arrayOf(vector)}::real[]) AS pair(a, b))::float8 AS score
      FROM rag_vectors v JOIN rag_passages p ON p.id = v.passage JOIN rag_documents d ON d.id = p.document
      WHERE v.space = ${space}
      ORDER BY score DESC, p.id LIMIT ${limit}`
    if (found.length === 0 && (yield* coverage(space)).passages > 0) {
      const rows = yield* sql<{ readonly space: string }>`SELECT DISTINCT space FROM rag_vectors ORDER BY space`
      return yield* new SpaceNotIndexed({ space, indexed: rows.map((row) => row.space) })
    }
    return found
  })

  return PassageStore.of({
    put: (document) => Effect.mapError(put(document), DatabaseError.fromSqlError),
    pending: (space, limit) =>
      sql<Pending>`
        SELECT p.id, p.text FROM rag_passages p
        WHERE NOT EXISTS (SELECT FROM rag_vectors v WHERE v.passage = p.id AND v.space = ${space})
        ORDER BY p.id LIMIT ${limit}`.pipe(Effect.mapError(DatabaseError.fromSqlError)),
    index: (space, vectors) =>
      sql`
        INSERT INTO rag_vectors (passage, space, vector)
        SELECT p.id, ${space}, new.vector
        FROM jsonb_to_recordset(${JSON.stringify(vectors)}::text::jsonb) AS new(id integer, vector real[])
        JOIN rag_passages p ON p.id = new.id
        FOR KEY SHARE OF p
        ON CONFLICT DO NOTHING`.pipe(Effect.asVoid, Effect.mapError(DatabaseError.fromSqlError)),
    coverage: (space) => Effect.mapError(coverage(space), DatabaseError.fromSqlError),
    nearest: (space, vector, limit) =>
      Effect.catchTag(nearest(space, vector, limit), "SqlError", (error) =>
        Effect.fail(DatabaseError.fromSqlError(error))
      ),
    withWords: (question, limit) =>
      sql<Found>`
        WITH asked AS (
          -- Any of the words, not all of them: a question has more words than its answer repeats.
          SELECT replace(plainto_tsquery('english', ${question})::text, '&', '|')::tsquery AS words
        )
        SELECT p.document, d.title, p.text, ts_rank(p.words, asked.words)::float8 AS score
        FROM asked, rag_passages p JOIN rag_documents d ON d.id = p.document
        WHERE p.words @@ asked.words
        ORDER BY score DESC, p.id LIMIT ${limit}`.pipe(Effect.mapError(DatabaseError.fromSqlError))
  })
})

/** Brings its tables up to date first. Fails if the database is away. */
export const layer: Layer.Layer<PassageStore, SqlError.SqlError | Migrator.MigrationError, SqlClient.SqlClient> =
  Layer.effect(PassageStore, make)

const arrayOf = (vector: Vector): string => `{${vector.join(",")}}`
