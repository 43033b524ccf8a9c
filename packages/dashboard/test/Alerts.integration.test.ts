import { assert, describe, layer } from "@effect/vitest"
import * as Receivers from "@holdfast/telemetry/test/Receivers"
import { Effect, Exit, Layer, Scope } from "effect"
import * as Browser from "./Browser.ts"

const { primary } = Browser

const run = <A>(what: () => Promise<A>) => Effect.promise(what)

/** Two ways of telling people: one works, one is refused. */
const told = Effect.gen(function* () {
  const sound = yield* Receivers.http
  const broken = yield* Receivers.http
  broken.replies(() => ({ status: 403 }))
  return {
    sound,
    broken,
    env: { SLACK_URL: `${sound.url}/services/canary` },
    alerts: {
      groupWait: "0 seconds",
      rules: { breakerOpen: { for: "0 seconds", clear: "1 second" }, routeDegraded: false, laneUnhealthy: false },
      deliveries: {
        ops: { kind: "slack", url: { env: "SLACK_URL" } },
        hook: { kind: "webhook", url: `${broken.url}/hook`, atLeast: "warning" }
      }
    }
  }
})

const down = { rules: [{ fault: { _tag: "ServiceUnavailable" } as const }] }

describe.skipIf(Browser.executable === undefined)("the view of alerts, in Chromium", { timeout: 120_000 }, () => {
  layer(Layer.empty, { excludeTestServices: true })((it) => {
    it.effect("shows what fires and who is told, silences, ends a silence, and tests a delivery", () =>
      Effect.gen(function* () {
        const { alerts, broken, env, sound } = yield* told
        const { ask, gemini, url } = yield* Browser.gateway({ plan: down, alerts, env })
        for (let n = 0; n < 6; n++) yield* ask("chat")
        yield* sound.until((all) => all.length > 0)
        yield* broken.until((all) => all.length > 0)
        const tab = yield* Browser.tab(yield* Browser.browser)
        const { page } = tab
        const firing = page.locator(".alert", { hasText: `The circuit of ${primary} is open` })
        yield* run(async () => {
          await Browser.signIn(tab, url)
          await page.keyboard.press("5")
          // Two: the circuit, and that one of those who would be told of it is not.
          await page.getByRole("link", { name: "Alerts 2 firing" }).waitFor()
          await firing.getByText("Told at").waitFor()
          await firing.getByText("Breaker open").waitFor()
          await firing.getByRole("link", { name: primary }).waitFor()
          await firing.getByRole("link", { name: "chat" }).waitFor()
          await page.locator(".alert", { hasText: "Alerts cannot be delivered by hook" }).waitFor()
          const hook = page.getByRole("row", { name: /^hook/ })
          await hook.getByText(/Fails since .*it answered 403/).waitFor()
          await page.getByRole("row", { name: /^ops/ }).getByText("Works").waitFor()
          assert.deepStrictEqual(await Browser.accessibility(tab), [])

          await firing.getByRole("button", { name: "Silence" }).click()
          const dialog = page.getByRole("dialog")
          await dialog.getByText("1 alert now").waitFor()
          // With nothing chosen everything would be silent.
          await dialog.getByLabel("Rule").selectOption("")
          await dialog.getByLabel("Subject").fill("")
          await dialog.getByText("At least one of these has to be chosen").waitFor()
          await dialog.getByLabel("Provider").selectOption("gemini")
          await dialog.getByText("1 alert now").waitFor()
          await dialog.getByLabel("For", { exact: true }).selectOption("240")
          await Browser.confirm(tab, "they move house", "Silence")
          await firing.getByText(/Silenced by Ada until .*: they move house/).waitFor()
          await page.getByRole("link", { name: "Alerts 1 firing" }).waitFor()
          await page
            .getByText(/Every alert of gemini, by Ada until .*\((4 h|3 h 59 min) left\): they move house/)
            .waitFor()
          await page.getByRole("button", { name: "End the silence: Every alert of gemini" }).click()
          await Browser.confirm(tab, "they have moved", "End it")
          await page.getByText("Nothing is silenced").waitFor()

          await page.getByRole("button", { name: "Test ops" }).click()
          await Browser.confirm(tab, "is the channel there?", "Send the test")
          await page.getByText(/^ops took the test in \d+ ms$/).waitFor()
          // One that fails says so where it was asked for.
          await page.getByRole("button", { name: "Test hook" }).click()
          await dialog.getByRole("textbox", { name: "Reason" }).fill("and this one?")
          await dialog.getByRole("button", { name: "Send the test" }).click()
          await dialog.getByText("Not delivered: it answered 403").waitFor()
          await page.keyboard.press("Escape")

          await page.keyboard.press("7")
          for (const done of [
            "silenced provider gemini",
            "ended the silence of provider gemini",
            "tested the delivery ops",
            "tested the delivery hook"
          ]) {
            await page.locator(".record li", { hasText: `Ada ${done}` }).waitFor()
          }
        })
        assert.isTrue(sound.received.some(({ body }) => body.includes("This is a test")))
        yield* gemini.setPlan({ ...(yield* gemini.plan), rules: [] })
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(ask("chat"), Effect.sleep("100 millis"))))
        yield* run(async () => {
          await page.keyboard.press("5")
          await page.getByRole("row", { name: /The circuit of .* is closed again/ }).waitFor()
          assert.deepStrictEqual(await Browser.accessibility(tab), [])
          assert.deepStrictEqual(tab.problems, [])
        })
      })
    )

    it.effect(
      "is read by whoever may not act, in both themes and on a small screen, and when the gateway is away",
      () =>
        Effect.gen(function* () {
          const { alerts, env } = yield* told
          const scope = yield* Scope.make()
          const { ask, url } = yield* Scope.provide(Browser.gateway({ plan: down, alerts, env }), scope)
          for (let n = 0; n < 6; n++) yield* ask("chat")
          const browser = yield* Browser.browser
          for (const [theme, width, height] of [
            ["dark", 1280, 800],
            ["light", 360, 740]
          ] as const) {
            const tab = yield* Browser.tab(browser, { theme, width, height })
            yield* run(async () => {
              await tab.page.goto(`${url}/#/alerts`)
              await tab.page.locator(".alert").nth(1).waitFor()
              for (const button of await tab.page.getByRole("button", { name: /Silence|Test/ }).all()) {
                assert.isTrue(await button.isDisabled())
              }
              await tab.page.getByRole("link", { name: "sign in under Act" }).waitFor()
              assert.deepStrictEqual(await Browser.accessibility(tab), [])
              const overflow = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
              assert.isAtMost(Number(overflow), 0)
              assert.deepStrictEqual(tab.problems, [])
            })
          }
          const tab = yield* Browser.tab(browser)
          yield* run(async () => {
            // Neither an answer nor a refusal, then a refusal, then an answer.
            const held = Promise.withResolvers<void>()
            await tab.page.route("**/api/alerts", async (route) => {
              await held.promise
              await route.fulfill({ status: 503, json: { message: "It is being restarted" } })
            })
            await tab.page.goto(`${url}/#/alerts`)
            await tab.page.getByRole("status", { name: "Loading" }).waitFor()
            held.resolve()
            await tab.page.getByText("The alerts cannot be shown").waitFor()
            await tab.page.getByRole("alert").filter({ hasText: "It is being restarted" }).waitFor()
            assert.deepStrictEqual(await Browser.accessibility(tab), [])
            await tab.page.unroute("**/api/alerts")
            await tab.page.locator(".alert").nth(1).waitFor()
          })
          yield* Scope.close(scope, Exit.void)
          yield* run(async () => {
            await tab.page.getByText(/These are the alerts as of .*; others may fire by now/).waitFor()
            // What was known stays.
            await tab.page.locator(".alert").nth(1).waitFor()
          })
        })
    )
  })
})
