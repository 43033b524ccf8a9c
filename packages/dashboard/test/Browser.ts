/** A real Chromium, and gateways before emulated providers for it to look at. */
import { NodeFileSystem } from "@effect/platform-node"
import { FaultPlan, GeminiEmulator, OpenAiEmulator } from "@holdfast/chaos"
import { Config, Gateway } from "@holdfast/gateway"
import { Database } from "@holdfast/store-sql"
import axe from "axe-core"
import { ConfigProvider, Effect, Layer, Logger, Schema } from "effect"
import { assert } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Browser, chromium, type Page } from "playwright-core"
import { build } from "vite"
import { afterAll } from "vitest"

const candidates = [process.env.CHROMIUM_PATH, "chromium", "chromium-browser", "google-chrome"]

/** Where Chromium is; `undefined` without one. Where one is required (`HOLDFAST_REQUIRE_CHROMIUM`), its absence throws. */
export const executable: string | undefined = candidates.find(
  (name) => name !== undefined && spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0
)

if (executable === undefined) {
  const how = "No Chromium: the dashboard is NOT tested. Install one (`apt-get install chromium`) or set CHROMIUM_PATH."
  if (process.env.HOLDFAST_REQUIRE_CHROMIUM !== undefined) throw new Error(how)
  console.error(`\n${"!".repeat(how.length)}\n${how}\n${"!".repeat(how.length)}\n`)
}

const root = join(import.meta.dirname, "..")

/** Where the built page is: built once for each file of tests, beside those that other files look at meanwhile. */
let built: Promise<string> | undefined
const buildPage = async (): Promise<string> => {
  const outDir = await mkdtemp(join(tmpdir(), "holdfast-dashboard-"))
  await build({ configFile: join(root, "vite.config.ts"), build: { outDir } })
  return outDir
}
afterAll(async () => {
  if (built !== undefined) await rm(await built, { recursive: true, force: true })
})
const page = Effect.promise(() => (built ??= buildPage()))

export const browser = Effect.acquireRelease(
  Effect.promise(() =>
    chromium.launch({ executablePath: pathOf(executable ?? ""), args: ["--no-sandbox", "--disable-dev-shm-usage"] })
  ),
  (browser) => Effect.promise(() => browser.close())
)

const pathOf = (name: string): string =>
  name.includes("/") ? name : spawnSync("which", [name], { encoding: "utf8" }).stdout.trim()

/** An embedded database. */
const embedded = Layer.provide(Database.layerEmbedded(), NodeFileSystem.layer)

export const key = "a-key-of-the-tests-own"
export const primary = "gemini/gemini-3.5-flash"
export const secondary = "openai/gpt-4o-mini"

/** The demonstration's storm, in seconds instead of minutes. */
export const storm: FaultPlan.Input = {
  healthy: { latency: "30 millis", chunkDelay: "2 millis" },
  rules: [
    { when: { span: { from: "1 second", for: "3 seconds", every: "8 seconds" } }, fault: { _tag: "Overloaded" } },
    {
      when: { span: { from: "5 seconds", for: "1 second", every: "8 seconds" } },
      fault: { _tag: "RateLimit", retryAfter: "1 second" }
    },
    { when: { rate: 0.1 }, fault: { _tag: "ServerError" } }
  ]
}

export interface Options {
  readonly plan?: FaultPlan.Input
  readonly port?: number
  /** Lanes besides those of the two providers, of one route of their own. */
  readonly extraLanes?: number
  readonly isKeyed?: boolean
  /** The section of that name. */
  readonly alerts?: object
  readonly env?: { readonly [name: string]: string }
  /** Where it keeps what it knows. Default: a database of its own. */
  readonly database?: Layer.Layer<Database.Database>
}

/** A gateway with its page and a database of its own, in the present scope. */
export const gateway = Effect.fnUntraced(function* (options: Options = {}) {
  const gemini = yield* GeminiEmulator.make({ plan: FaultPlan.make(options.plan ?? {}), seed: "gemini" })
  const openAi = yield* OpenAiEmulator.make({ plan: FaultPlan.make({}), seed: "openai", dimensions: 1536 })
  const policy = {
    preset: "interactive",
    retry: { maxRetries: 1, base: "20 millis", maxDelay: "100 millis" },
    breaker: { open: "2 seconds", openMax: "2 seconds" }
  }
  const extra = Array.from({ length: options.extraLanes ?? 0 }, (_, index) => `local/model-${index + 1}`)
  const config = yield* Schema.decodeUnknownEffect(Config.Config)({
    ...(options.isKeyed === false ? {} : { admin: { key: { env: "ADMIN_KEY" } } }),
    ...(options.alerts === undefined ? {} : { alerts: options.alerts }),
    providers: {
      gemini: { key: { env: "KEY" }, baseUrl: gemini.url },
      openai: { key: { env: "KEY" }, baseUrl: openAi.url },
      local: { kind: "openai-compatible", baseUrl: `${openAi.url}/v1` }
    },
    routes: {
      chat: { lanes: [primary, secondary], policy },
      embed: { lanes: ["openai/text-embedding-3-small"], policy },
      ...Object.fromEntries(extra.map((lane) => [lane.slice(6), { kind: "text", lanes: [lane], policy }]))
    }
  })
  const context = yield* Layer.build(
    Gateway.layerNoDatabase({ config, page: yield* page, port: options.port ?? 0, drainTimeout: "1 second" }).pipe(
      Layer.provide([
        // A page shows what the store has of gateways before: no test sees another's.
        options.database ?? Layer.fresh(embedded),
        ConfigProvider.layer(ConfigProvider.fromUnknown({ KEY: "sk-canary-key", ADMIN_KEY: key, ...options.env })),
        // A storm has more to say than anybody reads here.
        Logger.layer([])
      ])
    )
  )
  const url = yield* Effect.provide(Gateway.url, context)
  return { url, context, gemini, ask: (model = "chat", stream = false) => ask(url, model, stream) }
})

const ask = (url: string, model: string, stream: boolean) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/v1/${model === "embed" ? "embeddings" : "chat/completions"}`, {
      method: "POST",
      body: JSON.stringify(
        model === "embed" ? { model, input: "kelp" } : { model, stream, messages: [{ role: "user", content: "hi" }] }
      )
    })
    await response.text()
    return response.status
  })

/** A tab that remembers what went wrong in it. */
export interface Tab {
  readonly page: Page
  readonly problems: Array<string>
}

export const tab = Effect.fnUntraced(function* (
  browser: Browser,
  options: { readonly width?: number; readonly height?: number; readonly theme?: "light" | "dark" } = {}
) {
  const context = yield* Effect.acquireRelease(
    Effect.promise(() =>
      browser.newContext({
        viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
        colorScheme: options.theme ?? "light",
        timezoneId: "Europe/Helsinki",
        reducedMotion: "reduce"
      })
    ),
    (context) => Effect.promise(() => context.close())
  )
  const page = yield* Effect.promise(() => context.newPage())
  page.setDefaultTimeout(15_000)
  const problems: Array<string> = []
  page.on("pageerror", (error) => problems.push(`error: ${error.message}`))
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(`console: ${message.text()}`)
  })
  return { page, problems } satisfies Tab
})

/** Signs in under Act, with the key of the tests. */
export const signIn = async ({ page }: Tab, url: string): Promise<void> => {
  await page.goto(`${url}/#/act`)
  await page.getByLabel("Admin key").fill(key)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("button", { name: "Sign out" }).waitFor()
}

/** Fills in the question before an action, and gives the answer to it. */
export const confirm = async (tab: Tab, reason: string, verb: string): Promise<void> => {
  const dialog = tab.page.getByRole("dialog")
  await dialog.waitFor()
  assert.deepStrictEqual(await accessibility(tab), [])
  // Without a reason nothing happens.
  await dialog.getByRole("button", { name: verb, exact: true }).click()
  assert.isTrue(await dialog.isVisible())
  await dialog.getByRole("textbox", { name: /^(Reason|Note)/ }).fill(reason)
  await dialog.getByLabel(/Your name/).fill("Ada")
  await dialog.getByRole("button", { name: verb, exact: true }).click()
  await dialog.waitFor({ state: "hidden" })
}

/** What axe finds to be wrong by WCAG A and AA, seriously. */
export const accessibility = async ({ page }: Tab): Promise<ReadonlyArray<string>> => {
  // The page allows no script but its own, so axe comes by the debugger.
  await page.evaluate(axe.source)
  const found = await page.evaluate(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
  )
  const { violations } = found as axe.AxeResults
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`).join(" | ")}`
    )
}
