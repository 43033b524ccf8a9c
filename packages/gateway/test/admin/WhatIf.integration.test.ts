import { NodeServices } from "@effect/platform-node"
import { assert, describe, layer } from "@effect/vitest"
import { Workers } from "@holdfast/simulator"
import { Deferred, Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import { request } from "node:http"
import * as WhatIf from "../../src/admin/WhatIf.ts"
import * as Model from "../../src/admin/WhatIfModel.ts"
import { embedded, primary, secondary, start } from "../Harness.ts"

const key = "a-key-of-the-tests-own"
const keyed = { config: { admin: { key: { env: "ADMIN_KEY" } } }, env: { ADMIN_KEY: key } }
const action = { "x-holdfast-action": "1" }

/** Twenty minutes of the library. */
const short = { route: "chat", storm: "chaos-outage", against: "sdk", seed: 3 }

interface Message {
  readonly event: string
  readonly data: { readonly part?: number; readonly ahead?: number; readonly message?: string }
}

const ask = (url: string, body: object, headers: Record<string, string>, signal?: AbortSignal) =>
  fetch(`${url}/api/what-if/runs`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal })
  })

const parse = (frame: string): Message => {
  const [event = "", data = ""] = frame.split("\n")
  return { event: event.slice(7), data: JSON.parse(data.slice(6)) }
}

/** The messages of a run; leaving the stream's scope closes the connection. */
const run = (url: string, body: object = short, headers: Record<string, string> = action) =>
  Stream.unwrap(
    Effect.map(
      Effect.promise((signal) => ask(url, body, headers, signal)),
      (response) =>
        Stream.fromReadableStream({
          evaluate: () => response.body!,
          onError: (cause) => new Error("the run broke", { cause })
        })
    )
  ).pipe(Stream.decodeText, Stream.splitLines, blocks, Stream.map(parse))

function blocks<E>(lines: Stream.Stream<string, E>): Stream.Stream<string, E> {
  return lines.pipe(
    Stream.mapAccum(
      () => "",
      (block, line): readonly [string, ReadonlyArray<string>] =>
        line === "" ? ["", [block]] : [block === "" ? line : `${block}\n${line}`, []]
    )
  )
}

const status = (url: string, body: object, headers: Record<string, string>) =>
  Effect.promise(async () => {
    const response = await ask(url, body, headers)
    await response.body?.cancel()
    return response.status
  })

/** As Node's own client may, under any `Host`. */
const statusAs = (url: string, headers: Record<string, string>) =>
  Effect.callback<number>((resume) => {
    const asked = request(url, { method: "POST", headers: { "content-type": "application/json", ...headers } })
    asked.on("response", (response) => {
      response.destroy()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    asked.end(JSON.stringify(short))
  })

const optionsOf = (url: string) =>
  Effect.promise(() => fetch(`${url}/api/what-if`).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Model.Options))
  )

describe("what if, over the admin API", { timeout: 120_000 }, () => {
  layer(embedded, { excludeTestServices: true })((it) => {
    it.effect("says which routes, storms and policies there are, and which lanes stand for which", () =>
      Effect.gen(function* () {
        const { url } = yield* start()
        const { against, limitSeconds, routes, storms } = yield* optionsOf(url)
        assert.deepStrictEqual(
          routes.map(({ lanes, route }) => [route, lanes]),
          [
            ["chat", [primary, secondary]],
            ["back", [secondary, primary]]
          ]
        )
        assert.deepInclude(routes[0]?.policy ?? [], { name: "Hedge", value: "off" })
        // What the policy has already, or cannot have, is nothing to compare with.
        const changes = new Map(routes[0]?.changes.map(({ name, values }) => [name, values]))
        assert.deepStrictEqual(changes.get("retry.maxRetries"), [0, 1, 3, 5])
        assert.deepStrictEqual(changes.get("hedge.enabled"), [true])
        assert.isFalse(changes.has("clocks.firstContent"))
        assert.isAtLeast(storms.length, 17)
        const december = storms.find(({ name }) => name === "openai-2024-12-11")
        assert.include(december?.description ?? "", "Four hours")
        assert.include(december?.sources[0] ?? "", "https://status.openai.com/")
        assert.includeMembers(
          against.map(({ name }) => name),
          ["interactive", "sdk", "none"]
        )
        assert.strictEqual(limitSeconds, 60)
      })
    )

    it.effect("runs the route's policy through a storm, and keeps the page", () =>
      Effect.gen(function* () {
        const { url } = yield* start({ chat: { policy: "interactive" } })
        const messages = yield* Stream.runCollect(run(url))
        assert.deepStrictEqual([messages[0]?.event, messages[0]?.data.part], ["running", 0])
        const parts = messages.slice(0, -1).map(({ data }) => data.part ?? -1)
        assert.deepStrictEqual(
          parts,
          parts.toSorted((a, b) => a - b)
        )
        assert.isAbove(parts.length, 5)
        const last = messages.at(-1)
        assert.strictEqual(last?.event, "picture")
        const { id, lanes, picture } = yield* Schema.decodeUnknownEffect(Model.Answer)(last?.data)
        assert.deepStrictEqual(
          lanes.map(({ standsFor }) => standsFor),
          [primary, secondary]
        )
        assert.strictEqual(picture.seed, 3)
        assert.deepStrictEqual(
          picture.policies.map(({ policy }) => policy),
          ["chat", "sdk"]
        )
        const [ours, theirs] = picture.policies
        assert.isAbove(ours.successRate, theirs?.successRate ?? 1)
        assert.isAbove(ours.lanes[0]?.states.length ?? 0, 0)
        assert.strictEqual(ours.success.length, Math.round(picture.spanMs / picture.sliceMs))

        const page = yield* Effect.promise(() => fetch(`${url}/api/what-if/runs/${id}/page`))
        assert.match(page.headers.get("content-disposition") ?? "", /^attachment/)
        assert.include(yield* Effect.promise(() => page.text()), "chaos-outage under chat")
        const gone = yield* Effect.promise(() => fetch(`${url}/api/what-if/runs/none/page`))
        assert.strictEqual(gone.status, 404)

        assert.strictEqual(yield* status(url, { ...short, route: "embed" }, action), 404)
        assert.strictEqual(yield* status(url, { ...short, storm: "../../../package.json" }, action), 404)
        assert.strictEqual(yield* status(url, { ...short, against: "nobody" }, action), 404)
        assert.strictEqual(yield* status(url, { ...short, seed: -1 }, action), 400)
        const changed = (name: string, value: unknown) =>
          status(url, { ...short, against: undefined, change: { name, value } }, action)
        assert.strictEqual(yield* changed("breaker.open", "60 seconds"), 404)
        assert.strictEqual(yield* changed("retry.maxRetries", 4), 404)
        assert.strictEqual(yield* changed("hedge.enabled", true), 200)
      })
    )

    it.effect("runs one at a time, and the next as soon as the reader of the first one leaves", () =>
      Effect.gen(function* () {
        const { url } = yield* start()
        const begun = yield* Deferred.make<void>()
        const first = yield* Effect.forkChild(
          Stream.runForEach(run(url, { ...short, storm: "thundering-herd" }), () => Deferred.succeed(begun, undefined))
        )
        yield* Deferred.await(begun)
        const waits = yield* Deferred.make<Message>()
        const second = yield* Effect.forkChild(
          run(url).pipe(
            Stream.tap((message) => Deferred.succeed(waits, message)),
            Stream.filter(({ event }) => event === "running"),
            Stream.runHead
          )
        )
        assert.deepStrictEqual(yield* Deferred.await(waits), { event: "waiting", data: { ahead: 1 } })
        yield* Fiber.interrupt(first)
        assert.isTrue(Option.isSome(yield* Fiber.join(second)))
      })
    )

    it.effect("begins for this machine or with the key, and for no foreign page", () =>
      Effect.gen(function* () {
        const open = yield* start()
        const closed = yield* start(keyed)
        const runs = "/api/what-if/runs"
        for (const { url } of [open, closed]) {
          assert.strictEqual(yield* statusAs(url + runs, action), 200)
          assert.strictEqual(yield* statusAs(url + runs, {}), 403)
          assert.strictEqual(yield* statusAs(url + runs, { ...action, origin: "https://evil.example" }), 403)
          assert.strictEqual(yield* statusAs(url + runs, { ...action, origin: url }), 200)
        }
        const elsewhere = { ...action, "x-forwarded-for": "203.0.113.7" }
        assert.strictEqual(yield* statusAs(open.url + runs, elsewhere), 403)
        assert.strictEqual(yield* statusAs(closed.url + runs, elsewhere), 401)
        assert.strictEqual(yield* statusAs(closed.url + runs, { ...elsewhere, "x-holdfast-admin-key": key }), 200)
        const described = yield* Effect.promise(() => fetch(`${open.url}/api/openapi.json`).then((one) => one.text()))
        assert.include(described, runs)
      })
    )

    it.effect("ends what takes too long, says what failed, and lets no more than four wait", () =>
      Effect.gen(function* () {
        const { context } = yield* start()
        const made = (settings: WhatIf.Settings) =>
          WhatIf.make(settings).pipe(Effect.provide(context), Effect.provide(NodeServices.layer))
        const fake = (draw: Effect.Effect<Workers.Drawn, Workers.RunFailed>) => () =>
          Layer.succeed(Workers.Workers, { count: 1, run: () => Effect.never, draw: () => draw })
        const heard = (one: WhatIf.WhatIf["Service"]) =>
          Effect.map(Stream.unwrap(one.run(short)).pipe(Stream.map(parse), Stream.runCollect), (all) =>
            all.map(({ data, event }) => [event, data.message ?? ""])
          )

        const slow = yield* made({ limit: "50 millis", workers: fake(Effect.never) })
        assert.deepStrictEqual(yield* heard(slow), [
          ["running", ""],
          ["problem", "The simulation was not finished: it took longer than 50ms"]
        ])
        const failing = yield* made({ workers: fake(Effect.fail(new Workers.RunFailed({ problem: "a worker died" }))) })
        assert.deepStrictEqual((yield* heard(failing)).at(-1), [
          "problem",
          "The simulation was not finished: a worker died"
        ])

        const stuck = yield* made({ workers: fake(Effect.never) })
        for (let count = 0; count < 5; count++) {
          const begun = yield* Deferred.make<void>()
          yield* Effect.forkScoped(
            Stream.runForEach(Stream.unwrap(stuck.run(short)), () => Deferred.succeed(begun, undefined))
          )
          yield* Deferred.await(begun)
        }
        assert.strictEqual((yield* Effect.flip(stuck.run(short)))._tag, "Busy")
      })
    )
  })
})
