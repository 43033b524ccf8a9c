import { assert, layer } from "@effect/vitest"
import { CircuitBreaker } from "@holdfast/core"
import { Effect, Exit, Fiber, Queue, Schema, Scope, Stream } from "effect"
import { request } from "node:http"
import * as Headline from "../../src/admin/Headline.ts"
import * as Model from "../../src/admin/Model.ts"
import { embedded, primary, question, secondary, start } from "../Harness.ts"

const key = "a-key-of-the-tests-own"
const keyed = { config: { admin: { key: { env: "ADMIN_KEY" } } }, env: { ADMIN_KEY: key } }

const get = <S extends Schema.ConstraintDecoder<unknown>>(schema: S, url: string) =>
  Effect.promise(() => fetch(url).then((response) => response.json())).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(schema))
  )

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body)
    })
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as {
        readonly id: string
        readonly message: string
        readonly resolution: { readonly note: string }
      }
    }
  })

const withKey = { "x-holdfast-admin-key": key }

/** What Node's own client gets, which may send any `Host`. */
const statusAs = (url: string, headers: Record<string, string>) =>
  Effect.callback<number>((resume) => {
    const asked = request(url, { headers }, (response) => {
      response.resume()
      resume(Effect.succeed(response.statusCode ?? 0))
    })
    asked.end()
  })

interface Message {
  readonly event: string
  readonly id: string
  readonly data: unknown
}

/** Server-sent events, one by one, until the scope of the stream is left. */
const messages = (url: string, lastEventId?: string) =>
  Stream.unwrap(
    Effect.map(
      Effect.promise((signal) =>
        fetch(`${url}/api/events`, {
          signal,
          headers: lastEventId === undefined ? {} : { "last-event-id": lastEventId }
        })
      ),
      (response) =>
        Stream.fromReadableStream({
          evaluate: () => response.body!,
          onError: (cause) => new Error("the feed broke", { cause })
        })
    )
  ).pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.mapAccum(
      (): Partial<Message> => ({}),
      (message, line): readonly [Partial<Message>, ReadonlyArray<Message>] => {
        if (line === "") return message.data === undefined ? [{}, []] : [{}, [message as Message]]
        const [name = "", ...rest] = line.split(": ")
        const value = rest.join(": ")
        return [{ ...message, [name]: name === "data" ? JSON.parse(value) : value }, []]
      }
    )
  )

const eventsOf = (all: ReadonlyArray<Message>): ReadonlyArray<Model.Event> =>
  all.filter(({ event }) => event === "events").flatMap(({ data }) => data as ReadonlyArray<Model.Event>)

const ends = (event: Model.Event): boolean => event._tag === "OperationEnded"

layer(embedded, { excludeTestServices: true })("the admin API", (it) => {
  it.effect("says what lanes and routes do, as the schema says it", () =>
    Effect.gen(function* () {
      const { client, url } = yield* start({
        gemini: { rules: [{ fault: { _tag: "ServiceUnavailable" } }] },
        policy: { retry: { maxRetries: 0 } }
      })
      for (let n = 0; n < 6; n++) yield* Effect.promise(() => client.chat.completions.create(question))
      const state = yield* get(Model.State, `${url}/api/state`)
      const lane = state.lanes.find((one) => one.lane === primary)
      assert.strictEqual(lane?.circuit.state, "open")
      assert.isAbove(lane?.circuit.probeAt ?? 0, state.at)
      assert.deepStrictEqual(lane?.errors, { ServiceUnavailable: 5 })
      assert.deepStrictEqual(lane?.routes, ["chat", "back"])
      const chat = state.routes.find(({ route }) => route === "chat")
      assert.strictEqual(chat?.operations, 6)
      assert.deepStrictEqual(chat?.answers, { [secondary]: 6 })
      assert.strictEqual(chat?.degraded, 6)
      assert.strictEqual(state.headline.tone, "degraded")
      assert.include(Headline.toText(state.headline, String), "unavailable")

      const series = yield* get(Model.Series, `${url}/api/series?from=${state.at - 60_000}&to=${state.at + 1}`)
      const sum = (counts: ReadonlyArray<number>) => counts.reduce((total, one) => total + one, 0)
      assert.strictEqual(sum(series.ok), 6)
      assert.strictEqual(sum(series.errors["ServiceUnavailable"] ?? []), 5)
      assert.deepStrictEqual(
        series.bands.map(({ circuit, state, to }) => ({ circuit, state, to })),
        [{ circuit: primary, state: "open", to: undefined }]
      )

      const found = yield* get(Schema.Array(Model.Operation), `${url}/api/operations?result=ServiceUnavailable`)
      assert.strictEqual(found.length, 5)
      const trail = yield* get(Model.Trail, `${url}/api/operations/${found[0]?.operation}`)
      assert.deepStrictEqual(
        trail.spans.map(({ kind, lane, result }) => [kind, lane, result]),
        [
          ["attempt", primary, "ServiceUnavailable"],
          ["fallback", secondary, "ServiceUnavailable"],
          ["attempt", secondary, "Success"]
        ]
      )
      const [group] = yield* get(Schema.Array(Model.ErrorGroup), `${url}/api/errors`)
      assert.strictEqual(group?.class, "ServiceUnavailable")
      assert.strictEqual(group?.count, 5)
      assert.deepStrictEqual(group?.lanes, { [primary]: 5 })
      assert.strictEqual(yield* statusAs(`${url}/api/operations/none`, {}), 404)
    })
  )

  it.effect("without a key: it is read here only, and nobody acts", () =>
    Effect.gen(function* () {
      const { url } = yield* start()
      const { host } = new URL(url)
      const state = `${url}/api/state`
      assert.strictEqual(yield* statusAs(state, {}), 200)
      assert.strictEqual(yield* statusAs(state, { host: "evil.example:80" }), 403)
      assert.strictEqual(yield* statusAs(state, { host, "x-forwarded-for": "203.0.113.7" }), 403)
      assert.strictEqual(yield* statusAs(`${url}/`, { host: "evil.example" }), 403)
      assert.deepStrictEqual(yield* get(Model.Access, `${url}/api/access`), { key: false, session: false })
      const denied = yield* post(`${url}/api/drains`, { lane: primary, reason: "why not" }, withKey)
      assert.strictEqual(denied.status, 403)
      assert.include(denied.body.message, "No admin key is configured")
    })
  )

  it.effect("with a key: the header acts, a wrong one does not, and too many are looked at no more", () =>
    Effect.gen(function* () {
      const { url } = yield* start(keyed)
      const hold = (headers: Record<string, string>) =>
        post(`${url}/api/holds`, { circuit: primary, mode: "observe", reason: "to see" }, headers)
      assert.strictEqual((yield* hold({})).status, 401)
      assert.strictEqual((yield* hold({ "x-holdfast-action": "1" })).status, 401)
      assert.strictEqual((yield* hold({ ...withKey, origin: "http://evil.example" })).status, 403)
      const held = yield* hold(withKey)
      assert.strictEqual(held.status, 200)
      // The next test has the same database.
      yield* post(`${url}/api/holds/${held.body.id}/release`, { reason: "seen" }, withKey)
      assert.strictEqual(yield* statusAs(`${url}/api/state`, { host: "gateway.example", ...withKey }), 200)
      assert.strictEqual(yield* statusAs(`${url}/api/state`, { host: "gateway.example" }), 401)
      const wrong = { "x-holdfast-admin-key": `${key}.` }
      const statuses = yield* Effect.forEach(Array.from({ length: 25 }), () => hold(wrong))
      assert.deepStrictEqual([...new Set(statuses.map(({ status }) => status))], [401, 429])
      assert.strictEqual((yield* hold(withKey)).status, 429)
      // Reading here stays open meanwhile.
      assert.strictEqual(yield* statusAs(`${url}/api/state`, {}), 200)
    })
  )

  it.effect("a session's cookie acts together with our header, holds over a restart, and not under another key", () =>
    Effect.gen(function* () {
      const { url } = yield* start(keyed)
      const login = yield* post(`${url}/api/session`, {}, withKey)
      const [cookie = ""] = login.headers.getSetCookie()
      assert.match(cookie, /HttpOnly/)
      assert.match(cookie, /SameSite=Strict/)
      assert.notInclude(cookie, key)
      const session = cookie.split(";", 1)[0] ?? ""
      const resolve = (base: string, headers: Record<string, string>) =>
        Effect.map(post(`${base}/api/errors/resolve`, { id: "none", reason: "x" }, headers), ({ status }) => status)
      assert.strictEqual(yield* resolve(url, { cookie: session }), 401)
      assert.strictEqual(yield* resolve(url, { cookie: session, "x-holdfast-action": "1" }), 404)
      assert.strictEqual(
        yield* resolve(url, { cookie: session, "x-holdfast-action": "1", origin: "http://127.0.0.1:1" }),
        403
      )
      const forged = session.replace(/=\d+/, "=9999999999999")
      assert.strictEqual(yield* resolve(url, { cookie: forged, "x-holdfast-action": "1" }), 401)
      const again = yield* start(keyed)
      assert.strictEqual(yield* resolve(again.url, { cookie: session, "x-holdfast-action": "1" }), 404)
      const other = yield* start({ ...keyed, env: { ADMIN_KEY: "another-key-altogether" } })
      assert.strictEqual(yield* resolve(other.url, { cookie: session, "x-holdfast-action": "1" }), 401)
    })
  )

  it.effect("a short key stops the start", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(start({ ...keyed, env: { ADMIN_KEY: "short" } }))
      assert.include(String(error), "admin.key")
      assert.notInclude(String(error), "short")
    })
  )

  it.effect("a drained lane gets no call until it is released, and all of it is written down", () =>
    Effect.gen(function* () {
      const { client, context, gemini, url } = yield* start(keyed)
      const lane = Effect.promise(() => client.chat.completions.create(question).withResponse()).pipe(
        Effect.map(({ response }) => response.headers.get("x-holdfast-lane"))
      )
      const drained = yield* post(`${url}/api/drains`, { lane: primary, by: "Ada", reason: "new key" }, withKey)
      assert.strictEqual(drained.status, 200)
      assert.strictEqual(yield* lane, secondary)
      assert.strictEqual((yield* gemini.journal).length, 0)
      const state = yield* get(Model.State, `${url}/api/state`)
      assert.deepStrictEqual(
        state.holds.map(({ by, circuit, drain, reason }) => ({ by, circuit, drain, reason })),
        [{ by: "Ada", circuit: primary, drain: true, reason: "new key" }]
      )
      assert.include(Headline.toText(state.headline, String), "Gemini is drained by Ada (new key)")
      const release = (id: string) =>
        post(`${url}/api/holds/${id}/release`, { by: "Bob", reason: "key is in" }, withKey)
      assert.strictEqual((yield* release(drained.body.id)).status, 200)
      assert.strictEqual((yield* release(drained.body.id)).status, 404)
      assert.strictEqual(yield* lane, primary)
      assert.deepStrictEqual((yield* Effect.provide(CircuitBreaker.state(primary), context)).holds, [])
      const actions = yield* get(Schema.Array(Model.Action), `${url}/api/actions`)
      assert.deepStrictEqual(
        actions.slice(0, 2).map(({ action, by, reason }) => [by, action, reason]),
        [
          ["Bob", "release", "key is in"],
          ["Ada", "drain", "new key"]
        ]
      )
      assert.strictEqual(
        (yield* post(`${url}/api/holds`, { circuit: "no/such", mode: "observe", reason: "x" }, withKey)).status,
        404
      )
      for (const reason of ["", "  ", "x".repeat(501), "two\nlines", "a\0byte"]) {
        assert.strictEqual((yield* post(`${url}/api/drains`, { lane: primary, reason }, withKey)).status, 400)
      }
    })
  )

  it.effect("a resolved group opens again when it comes back", () =>
    Effect.gen(function* () {
      const { client, gemini, url } = yield* start({
        ...keyed,
        gemini: { rules: [{ when: { requests: { to: 1 } }, fault: { _tag: "ServerError" } }] }
      })
      const groups = get(Schema.Array(Model.ErrorGroup), `${url}/api/errors`)
      yield* Effect.promise(() => client.chat.completions.create(question))
      const [group] = yield* groups
      const resolved = yield* post(`${url}/api/errors/resolve`, { id: group?.id, by: "Ada", reason: "seen" }, withKey)
      assert.strictEqual(resolved.body.resolution.note, "seen")
      assert.strictEqual((yield* groups)[0]?.resolution?.by, "Ada")
      yield* gemini.setPlan({ ...(yield* gemini.plan), rules: [{ fault: { _tag: "ServerError" } }] })
      yield* Effect.promise(() => client.chat.completions.create(question))
      const [back] = yield* groups
      assert.isUndefined(back?.resolution)
      assert.isTrue(back?.regressed)
    })
  )

  it.effect("the feed: a full state first, then what changes; what was missed comes again, once", () =>
    Effect.gen(function* () {
      const { client, url } = yield* start(keyed)
      const ask = Effect.promise(() => client.chat.completions.create(question))
      yield* ask
      const first = yield* messages(url).pipe(
        Stream.takeUntil(({ event }) => event === "events"),
        Stream.runCollect
      )
      assert.deepStrictEqual(first[0]?.data, { replayed: false, missed: 0 })
      const seen = eventsOf(first)
      assert.isTrue(seen.some(ends))
      const { id = "" } = first.at(-1) ?? {}

      // Away for a while.
      yield* ask
      const state = Schema.decodeUnknownEffect(Model.State)
      const second = yield* messages(url, id).pipe(
        Stream.takeUntil((message) => eventsOf([message]).some(ends)),
        Stream.runCollect
      )
      assert.deepStrictEqual(second[0]?.data, { replayed: true, missed: 0 })
      const again = eventsOf(second)
      const ids = new Set(seen.map((event) => event.id))
      assert.isTrue(again.every((event) => !ids.has(event.id)))
      assert.strictEqual(again.filter(ends).length, 1)
      const whole = yield* state(second.find(({ event }) => event === "state")?.data)
      assert.strictEqual(whole.lanes.length, 3)

      // A number of another process is none of ours.
      const stranger = yield* messages(url, "12345:99").pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(stranger[0]?.data, { replayed: false, missed: 0 })
    })
  )

  it.effect("a gateway that stops does not wait for those who listen", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { url } = yield* Scope.provide(start(), scope)
      const heard = yield* Queue.unbounded<Message>()
      const listening = yield* messages(url).pipe(
        Stream.runForEach((message) => Queue.offer(heard, message)),
        Effect.exit,
        Effect.forkChild
      )
      yield* Queue.take(heard)
      const began = performance.now()
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(listening)
      // It drains for a second where something is in flight.
      assert.isBelow(performance.now() - began, 900)
    })
  )
})
