/** The packages of this workspace, lowest first, and what each may import: the architecture as a table. */
export interface Row {
  /** Names under `@holdfast/`. A row names only rows above it, so packages cannot form a cycle. */
  readonly packages: ReadonlyArray<string>
  /** npm packages that `src` may import: these, or everything that its own package.json lists as a dependency. */
  readonly npm: ReadonlyArray<string> | "dependencies"
  /** Whether `src` may import Node's own modules. */
  readonly node: boolean
  /** Uses the others as anybody would: only what their `index.ts` lists, in its tests as well. */
  readonly isUser?: true
}

export const scope = "@holdfast/"

export const rows: Readonly<Record<string, Row>> = {
  core: { packages: [], npm: ["effect"], node: false },
  providers: { packages: ["core"], npm: ["effect", "gpt-tokenizer", "tokenx"], node: false },
  "store-sql": {
    packages: ["core"],
    npm: ["effect", "@effect/sql-pg", "@electric-sql/pglite", "@electric-sql/pglite-socket"],
    node: true
  },
  telemetry: { packages: ["core"], npm: ["effect", "nodemailer", "rotating-file-stream"], node: false },
  chaos: { packages: ["core", "providers"], npm: ["effect"], node: true },
  // Runs in worker threads, which are the platform's.
  simulator: { packages: ["core", "chaos"], npm: ["effect", "@effect/platform-node"], node: true },
  gateway: {
    packages: ["core", "providers", "store-sql", "telemetry", "chaos", "simulator"],
    npm: "dependencies",
    node: true
  },
  dashboard: { packages: ["core", "store-sql", "telemetry", "chaos", "gateway"], npm: "dependencies", node: false },
  cli: {
    packages: ["core", "providers", "store-sql", "telemetry", "chaos", "simulator", "gateway", "dashboard"],
    npm: "dependencies",
    node: true
  },
  "example-rag": {
    packages: ["core", "providers", "store-sql", "telemetry", "chaos", "gateway"],
    npm: "dependencies",
    node: true,
    isUser: true
  }
}

/** Directions that hold for types only, or for values only of the modules that are named. */
export const narrowed: ReadonlyArray<{
  readonly from: string
  readonly to: string
  readonly values?: ReadonlyArray<string>
}> = [
  { from: "dashboard", to: "core" },
  { from: "dashboard", to: "store-sql" },
  { from: "dashboard", to: "chaos" },
  { from: "dashboard", to: "gateway" },
  // A simulation would keep the gateway's own thread from serving, so the gateway has what hands it to a worker, what
  // crosses to there and back, and nothing that runs one.
  {
    from: "gateway",
    to: "simulator",
    values: ["Knobs", "NodeWorkers", "Storms", "Subject", "Workers", "report/Picture"]
  }
]
