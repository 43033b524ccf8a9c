import { assert, describe, layer } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { readFileSync } from "node:fs"
import type { Page } from "playwright-core"
import * as Browser from "./Browser.ts"

const run = <A>(what: () => Promise<A>) => Effect.promise(what)

/** The page at the view, with a storm of twenty thousand operations chosen. */
const at = (url: string, query = "") => `${url}/#/what-if?storm=chaos-outage${query}`

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true })

/** What the browser itself says of an answer that is a refusal. */
const isRefusal = (problem: string): boolean => problem.includes("Failed to load resource")

describe.skipIf(Browser.executable === undefined)("what if, in Chromium", { timeout: 240_000 }, () => {
  layer(Layer.empty, { excludeTestServices: true })((it) => {
    it.effect("shows a storm under the route's policy and another one, in both themes and on a small screen", () =>
      Effect.gen(function* () {
        const { ask, url } = yield* Browser.gateway({ plan: Browser.storm })
        yield* Effect.forkScoped(Effect.repeat(ask("chat"), Schedule.spaced("500 millis")))
        const browser = yield* Browser.browser
        for (const [theme, width, height, against] of [
          ["light", 1280, 800, "sdk"],
          ["dark", 1280, 800, "mission"],
          ["light", 360, 740, "nothing"]
        ] as const) {
          const tab = yield* Browser.tab(browser, { theme, width, height })
          const { page } = tab
          page.setDefaultTimeout(60_000)
          const seen = async (what: string): Promise<void> => {
            assert.deepStrictEqual(await Browser.accessibility(tab), [], `${what}, ${theme}, ${width} px`)
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert.isAtMost(Number(overflow), 0, `${what} is wider than a screen of ${width} px`)
          }
          yield* run(async () => {
            await page.goto(at(url, `&against=${against}`))
            await page.getByText("Nothing was run yet").waitFor()
            await page.getByText("gemini/gemini-flash plays gemini/gemini-3.5-flash").waitFor()
            await seen("before")
            await button(page, "Run the storm").click()
            await page.getByText(/^Simulating, \d+ %/).waitFor()
            await seen("under way")
            const words = await page.locator(".verdict p").innerText()
            assert.match(words, /^\d+(\.\d\d)? % of 2\d,\d{3} operations would be answered by chat in chaos-outage/)
            if (against === "sdk") {
              assert.match(words, /; without Holdfast, as the official SDKs ask, \d+\.\d\d %\.$/)
              const [ours = 0, theirs = 1] = [...words.matchAll(/([\d.]+) %/g)].map(([, part]) => Number(part))
              assert.isAbove(ours, theirs)
            }
            const charts = page.locator(".storm .chart canvas")
            await charts.nth(3).waitFor()
            assert.strictEqual(await charts.count(), 4)
            assert.strictEqual(await page.locator(".storm .bands").count(), against === "mission" ? 2 : 1)
            assert.isAbove(await page.locator(".storm .bands i.open").count(), 0)
            assert.strictEqual(await page.locator(".storm thead th").count(), against === "nothing" ? 1 : 2)
            await seen("the picture")
            assert.deepStrictEqual(tab.problems, [])
          })
          if (against === "sdk") {
            yield* run(async () => {
              const [download] = await Promise.all([
                page.waitForEvent("download"),
                page.getByRole("link", { name: "Download the report" }).click()
              ])
              const html = readFileSync(await download.path(), "utf8")
              assert.include(html, "chaos-outage under chat")
              assert.include(html, ">sdk<")
            })
          }
        }
      })
    )

    it.effect("is worked by keys alone, stops when told to, and when the reader leaves", () =>
      Effect.gen(function* () {
        const { url } = yield* Browser.gateway()
        const tab = yield* Browser.tab(yield* Browser.browser)
        const { page } = tab
        yield* run(async () => {
          await page.goto(url)
          await page.getByText("Live", { exact: true }).waitFor()
          await page.keyboard.press("8")
          await page.getByLabel("Route").focus()
          await page.keyboard.press("Tab")
          await page.keyboard.type("thundering-herd")
          assert.strictEqual(await page.getByLabel("Storm").inputValue(), "thundering-herd")
          await page.getByText("A provider comes back into a crowd").waitFor()
          await page.keyboard.press("Tab")
          await page.keyboard.press("Tab")
          await page.keyboard.type("12")
          // What is chosen is in the address, to be sent to somebody.
          assert.match(page.url(), /storm=thundering-herd&seed=12$/)
          await page.keyboard.press("Enter")
          await page.getByText(/^Simulating/).waitFor()
          await button(page, "Stop").click()
          await page.getByText("The run was stopped").waitFor()
          assert.deepStrictEqual(await Browser.accessibility(tab), [])

          await page.getByLabel("Compared with").selectOption("changed")
          await page.getByLabel("Changed").selectOption("hedge.enabled")
          assert.strictEqual(await page.locator("label", { hasText: /^To/ }).locator("select").inputValue(), "true")
          assert.deepStrictEqual(await Browser.accessibility(tab), [])
          const [asked] = await Promise.all([
            page.waitForRequest("**/api/what-if/runs"),
            button(page, "Run the storm").click()
          ])
          assert.deepStrictEqual(asked.postDataJSON(), {
            route: "chat",
            storm: "thundering-herd",
            seed: 12,
            change: { name: "hedge.enabled", value: true }
          })
          await page.getByText(/^Simulating/).waitFor()
          await button(page, "Stop").click()

          await button(page, "Run the storm").click()
          await page.getByText(/^Simulating/).waitFor()
          await page.keyboard.press("1")
          await page.getByRole("heading", { name: "Lanes" }).or(page.locator(".cards").first()).first().waitFor()
          await page.keyboard.press("8")
          await page.getByText("The run was stopped").waitFor()
          assert.deepStrictEqual(tab.problems, [])
        })
      })
    )

    it.effect("says who is before it, what failed, and that there is nothing to choose from", () =>
      Effect.gen(function* () {
        const { url } = yield* Browser.gateway()
        const tab = yield* Browser.tab(yield* Browser.browser)
        const { page } = tab
        const other = new AbortController()
        yield* run(async () => {
          const response = await fetch(`${url}/api/what-if/runs`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-holdfast-action": "1" },
            body: JSON.stringify({ route: "chat", storm: "thundering-herd" }),
            signal: other.signal
          })
          await response.body?.getReader().read()
          await page.goto(at(url))
          await button(page, "Run the storm").click()
          await page.getByText("Waiting: 1 run of others is before this one").waitFor()
          assert.deepStrictEqual(await Browser.accessibility(tab), [])
          other.abort()
          await page.getByText(/^Simulating/).waitFor()
          await button(page, "Stop").click()
          assert.deepStrictEqual(tab.problems, [])

          const refuse = (status: number, message: string) => ({
            status,
            contentType: "application/json",
            body: JSON.stringify({ message })
          })
          await page.route("**/api/what-if/runs", (route) => route.fulfill(refuse(429, "4 runs wait already")))
          await button(page, "Run the storm").click()
          await page.getByRole("alert").filter({ hasText: "4 runs wait already" }).waitFor()
          assert.deepStrictEqual(await Browser.accessibility(tab), [])
          await page.route("**/api/what-if/runs", (route) =>
            route.fulfill({
              contentType: "text/event-stream",
              body: 'event: problem\ndata: {"message":"The simulation was not finished: a worker died"}\n\n'
            })
          )
          await button(page, "Run the storm").click()
          await page.getByRole("alert").filter({ hasText: "a worker died" }).waitFor()
          await page.route("**/api/what-if", (route) => route.fulfill(refuse(500, "The disk is gone")))
          await page.reload()
          await page.getByText("The storms cannot be listed").waitFor()
          assert.deepStrictEqual(
            tab.problems.filter((problem) => !isRefusal(problem)),
            []
          )
        })
      })
    )
  })
})
