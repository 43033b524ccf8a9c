import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Html, type Scenario, Simulation, Subject } from "@holdfast/simulator"
import { interactive, scenario, well } from "./Storm.ts"

const storm = {
  description: 'One that is < 1 hour & "short".',
  providers: {
    "a/one": {
      ...well,
      limits: { requestsPerMinute: 600 },
      outages: [{ at: "10 minutes", for: "5 minutes", kind: "service-unavailable" }]
    },
    "b/two": { ...well, capacity: { slots: 50 } }
  }
} as const satisfies Partial<Scenario.Input>

const page = Effect.gen(function* () {
  const one = yield* scenario(storm)
  const first = yield* Simulation.run(one, interactive)
  return Html.render(one, [first, yield* Simulation.run(one, Subject.sdk)])
})

const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0
)

describe("the page of a run", () => {
  it.effect("shows both policies, the lanes' states and the providers' limits, with the text as text", () =>
    Effect.gen(function* () {
      const html = yield* page
      assert.include(html, "One that is &lt; 1 hour &amp; &quot;short&quot;.")
      assert.include(html, "its limit: 600 per minute")
      assert.include(html, "what its 50 slots can serve")
      assert.match(html, /class="band open"[^>]*><title>a\/one: open \(/)
      assert.include(html, ">interactive<")
      assert.include(html, ">sdk<")
    })
  )

  it.effect.skipIf(chromium === undefined)("is drawn by a browser without an error", () =>
    Effect.gen(function* () {
      const file = join(mkdtempSync(join(tmpdir(), "holdfast-page-")), "page.html")
      // What the script of the page has done to it shows that it has run: a pointer over the first chart.
      const probe = `<script>
        const chart = document.querySelector("svg[data-lines]"), box = chart.getBoundingClientRect()
        chart.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2, clientY: box.top + 9 }))
      </script>`
      writeFileSync(file, (yield* page).replace("</body>", `${probe}</body>`))
      const { stderr, stdout } = spawnSync(
        chromium ?? "",
        [
          "--headless",
          "--no-sandbox",
          "--disable-gpu",
          "--enable-logging=stderr",
          "--dump-dom",
          pathToFileURL(file).href
        ],
        { encoding: "utf8", timeout: 60_000 }
      )
      assert.notMatch(stderr, /Uncaught|Refused to/)
      assert.match(stdout, /<div id="tip"[^>]*>0:1\d\ninteractive: \d/)
    })
  )
})
