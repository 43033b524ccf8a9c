import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Database, EventWriter } from "@holdfast/store-sql"
import { Effect, Exit, Layer, Scope } from "effect"
import * as Browser from "./Browser.ts"

const { primary } = Browser

const run = <A>(what: () => Promise<A>) => Effect.promise(what)

describe.skipIf(Browser.executable === undefined)("the dashboard after a restart", { timeout: 120_000 }, () => {
  layer(NodeFileSystem.layer, { excludeTestServices: true })((it) => {
    it.effect(
      "still shows the hold, who did what, why errors were resolved, and a trail of an operation from before",
      () =>
        Effect.gen(function* () {
          const database = Layer.succeedContext(yield* Layer.build(Layer.fresh(Database.layerEmbedded())))
          const plan = { rules: [{ when: { requests: { to: 2 } }, fault: { _tag: "ServerError" } as const }] }
          const first = yield* Scope.make()
          const { ask, context, url } = yield* Scope.provide(Browser.gateway({ database, plan }), first)
          yield* ask("chat")
          const tab = yield* Browser.tab(yield* Browser.browser)
          const { page } = tab
          const dialog = page.getByRole("dialog")
          yield* run(async () => {
            await Browser.signIn(tab, url)
            await page.getByRole("button", { name: `Drain ${primary}` }).click()
            await dialog.getByLabel("For", { exact: true }).selectOption("480")
            await Browser.confirm(tab, "a new key at noon", "Drain")
            const held = page.locator(".holds li", { hasText: "a new key at noon" })
            await held.getByText("outlives a restart").waitFor()
            assert.match((await held.textContent()) ?? "", /is drained by Ada since .* until /)

            await page.keyboard.press("4")
            await page.locator(".groups a").first().click()
            await page.getByRole("button", { name: "Resolve…" }).click()
            await Browser.confirm(tab, "their deploy, rolled back", "Resolve")
          })
          yield* Effect.provide(
            EventWriter.EventWriter.use(({ flush }) => flush),
            context
          )
          yield* Scope.close(first, Exit.void)

          const again = yield* Browser.gateway({ database, plan: {} })
          yield* again.ask("chat")
          assert.strictEqual((yield* again.gemini.journal).length, 0)
          yield* run(async () => {
            tab.problems.length = 0
            // The session goes on as well.
            await page.goto(`${again.url}/#/act`)
            await page
              .getByRole("heading", { name: "Degraded: Gemini is drained by Ada (a new key at noon)" })
              .waitFor()
            for (const done of [`Ada drained ${primary}`, "Ada resolved ServiceUnavailable of gemini"]) {
              await page.locator(".record li", { hasText: done }).waitFor()
            }
            assert.deepStrictEqual(await Browser.accessibility(tab), [])
            await page.setViewportSize({ width: 360, height: 740 })
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert.isAtMost(Number(overflow), 0)
            await page.setViewportSize({ width: 1280, height: 800 })

            await page.keyboard.press("4")
            await page.getByLabel(/Show resolved/).check()
            await page.locator(".groups a", { hasText: "resolved" }).click()
            await page.getByText(/Resolved by Ada at .*: their deploy, rolled back/).waitFor()
            // A trail that only the store has.
            await page.locator(".waterfall li").first().waitFor()
            assert.deepStrictEqual(await Browser.accessibility(tab), [])

            await page.keyboard.press("7")
            await page.getByRole("button", { name: "Release…" }).click()
            await Browser.confirm(tab, "it is in", "Release")
            await page.getByText("Nobody holds anything").waitFor()
            await page.getByRole("button", { name: `Observe ${primary}` }).click()
            await dialog.getByLabel(/On this gateway only/).check()
            await Browser.confirm(tab, "to see", "Observe")
            await page.getByText(/on holdfast only; outlives a restart/).waitFor()
            assert.deepStrictEqual(tab.problems, [])
          })
          yield* again.ask("chat")
          assert.isAbove((yield* again.gemini.journal).length, 0)
        })
    )
  })
})
