import { assert, layer } from "@effect/vitest"
import { Cause, Deferred, Effect, Redacted, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { spawnSync } from "node:child_process"
import { chown, readFile, stat, writeFile } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { join } from "node:path"
import { inspect } from "node:util"
import * as Database from "../src/Database.ts"
import type { DatabaseError } from "../src/DatabaseError.ts"
import * as SharingPostgres from "../src/SharingPostgres.ts"
import * as Certificates from "./Certificates.ts"
import { password, TestPostgres } from "./TestPostgres.ts"

/** Modes that ask for TLS. */
const modes = ["require", "verify-ca", "verify-full"] as const

/** Connects by a URL with these parameters, and answers whether it did so with TLS. */
const connect = (url: string, options: Database.UrlOptions = {}) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ ssl: boolean }>`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`
    return row?.ssl
  }).pipe(
    Effect.andThen((ssl) => Effect.as(Database.check, ssl)),
    Effect.provide(Database.layerUrl(Redacted.make(url), options), { local: true })
  )

/** Why it does not connect. Looks for the password everywhere. */
const refusal = Effect.fnUntraced(function* (
  url: string,
  reason: DatabaseError["reason"],
  says: string,
  options: Database.UrlOptions = {}
) {
  const told = yield* Effect.provide(Database.check, Database.layerUrl(Redacted.make(url), options), {
    local: true
  }).pipe(Effect.sandbox, Effect.flip)
  const error = Cause.squash(told)
  const texts = [
    String(error),
    Cause.pretty(told),
    JSON.stringify(error),
    inspect(error, { depth: null, showHidden: true })
  ]
  assert.deepInclude(error, { _tag: "DatabaseError", reason }, `${url.split("?")[1]}: ${texts[0]}`)
  assert.include(texts[0], says)
  for (const text of texts) assert.notInclude(text, password)
})

/** A server that answers the first bytes with these, or never, and says no more. Remembers what it was sent. */
const fake = (
  answer: string | undefined
): Effect.Effect<
  { readonly port: number; readonly received: () => string; readonly left: Effect.Effect<void> },
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const chunks: Array<Buffer> = []
    const sockets: Array<Socket> = []
    const left = Deferred.makeUnsafe<void>()
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on("error", () => undefined)
      socket.on("close", () => Deferred.doneUnsafe(left, Effect.void))
      socket.on("data", (chunk) => {
        if (chunks.push(chunk) === 1 && answer !== undefined) socket.write(answer)
      })
    })
    const port = yield* Effect.acquireRelease(
      Effect.callback<number>((resume) => {
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
        })
      }),
      () =>
        Effect.sync(() => {
          for (const socket of sockets) socket.destroy()
          server.close()
        })
    )
    return { port, received: () => Buffer.concat(chunks).toString("hex"), left: Deferred.await(left) }
  })

/** PostgreSQL manual, "Message Formats": length 8, and the code of `SSLRequest`. */
const sslRequest = "0000000804d2162f"

layer(TestPostgres.layer, { excludeTestServices: true, timeout: "60 seconds" })("TLS to PostgreSQL", (it) => {
  /** Writes a file which only the server may read, as it insists on for keys, and answers its path. */
  const place = Effect.fnUntraced(function* (name: string, text: string) {
    const { directory } = yield* TestPostgres
    const path = join(directory, name)
    yield* Effect.promise(async () => {
      const { gid, uid } = await stat(directory)
      await writeFile(path, text, { mode: 0o600 })
      await chown(path, uid, gid)
    })
    return path
  })

  /** Has the server use that certificate, and whatever else its configuration is to say. */
  const serve = Effect.fnUntraced(function* (certificate: Certificates.Certificate, more = "") {
    const server = yield* TestPostgres
    yield* server.stop
    yield* place("server.crt", certificate.cert)
    yield* place("server.key", certificate.private)
    yield* place("postgresql.auto.conf", `ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n${more}`)
    yield* server.start
  })

  const urlOf = (host: string, parameters: string) =>
    TestPostgres.useSync(({ port }) => `postgres://holdfast:${password}@${host}:${port}/postgres?${parameters}`)

  it.effect("is not done without where the server has none", () =>
    Effect.gen(function* () {
      assert.isFalse(yield* connect(yield* urlOf("127.0.0.1", "")))
      assert.isFalse(yield* connect(yield* urlOf("127.0.0.1", "sslmode=disable")))
      for (const parameters of [...modes.map((mode) => `sslmode=${mode}`), "ssl=true"]) {
        yield* refusal(yield* urlOf("127.0.0.1", parameters), "Untrusted", "has no TLS, which the URL asks for")
      }
    })
  )

  it.effect("sends nothing but the question for TLS to a server which says that it has none", () =>
    Effect.gen(function* () {
      for (const mode of modes) {
        const { left, port, received } = yield* fake("N")
        const url = `postgres://holdfast:${password}@127.0.0.1:${port}/postgres?sslmode=${mode}`
        yield* refusal(url, "Untrusted", "has no TLS")
        yield* left
        assert.strictEqual(received(), sslRequest)
      }
    })
  )

  it.effect("does not wait for a server that never answers, nor believe one that speaks something else", () =>
    Effect.gen(function* () {
      for (const [answer, reason, says] of [
        [undefined, "Unreachable", "Connection timed out"],
        ["S", "Unreachable", "Connection timed out"],
        ["SR\0\0\0\x08\0\0\0\0", "Unreachable", "10 bytes in response to SSLRequest"],
        ["HTTP/1.1 400 Bad Request\r\n\r\n", "Unreachable", "in response to SSLRequest"]
      ] as const) {
        const { left, port, received } = yield* fake(answer)
        const url = `postgres://holdfast:${password}@127.0.0.1:${port}/postgres?sslmode=require`
        yield* refusal(url, reason, says, { connectTimeout: "200 millis" })
        yield* left
        // Behind the question there may be the beginning of TLS, and nothing that can be read.
        assert.strictEqual(received().slice(0, 16), sslRequest)
        assert.notInclude(Buffer.from(received(), "hex").toString("latin1"), "holdfast")
      }
    })
  )

  it.effect("trusts a certificate of the right authority, for the right name, in its time", () =>
    Effect.gen(function* () {
      const ours = yield* Certificates.authority("Ours")
      const theirs = yield* Certificates.authority("Theirs")
      const ca = `sslrootcert=${encodeURIComponent(yield* place("ours.pem", ours.cert))}`
      const wrong = `sslrootcert=${encodeURIComponent(yield* place("theirs.pem", theirs.cert))}`
      const both = `sslrootcert=${encodeURIComponent(yield* place("both.pem", `${theirs.cert}\n${ours.cert}`))}`
      yield* serve(yield* Certificates.of("localhost", ours))

      assert.isFalse(yield* connect(yield* urlOf("localhost", "")))
      assert.isFalse(yield* connect(yield* urlOf("localhost", `sslmode=disable&${ca}`)))
      for (const mode of modes) {
        assert.isTrue(yield* connect(yield* urlOf("localhost", `sslmode=${mode}&${ca}`)), mode)
        assert.isTrue(yield* connect(yield* urlOf("localhost", `sslmode=${mode}&${both}`)), mode)
        for (const authorities of [wrong, "sslrootcert=system", ""]) {
          const url = yield* urlOf("localhost", `sslmode=${mode}&${authorities}`)
          yield* refusal(url, "Untrusted", "is of no authority that is trusted; sslrootcert in the URL names one")
        }
      }
      assert.isTrue(yield* connect(yield* urlOf("localhost", `ssl=true&${ca}`)))

      // The same server under a name that is not in its certificate.
      assert.isTrue(yield* connect(yield* urlOf("127.0.0.1", `sslmode=verify-ca&${ca}`)))
      for (const mode of ["require", "verify-full"]) {
        const url = yield* urlOf("127.0.0.1", `sslmode=${mode}&${ca}`)
        yield* refusal(url, "Untrusted", "is for another name than the host in the URL")
      }

      yield* serve(yield* Certificates.of("localhost", ours, true))
      for (const mode of modes) {
        const url = yield* urlOf("localhost", `sslmode=${mode}&${ca}`)
        yield* refusal(url, "Untrusted", "is not valid: certificate has expired")
      }
    })
  )

  it.effect("trusts a certificate that a server signed itself, where that is named", () =>
    Effect.gen(function* () {
      const own = yield* Certificates.selfSigned("localhost")
      const named = `sslrootcert=${encodeURIComponent(yield* place("self.pem", own.cert))}`
      yield* serve(own)
      assert.isTrue(yield* connect(yield* urlOf("localhost", `sslmode=verify-full&${named}`)))
      yield* refusal(yield* urlOf("127.0.0.1", `sslmode=verify-full&${named}`), "Untrusted", "another name")
      yield* refusal(yield* urlOf("localhost", "sslmode=verify-full"), "Untrusted", "no authority that is trusted")
    })
  )

  it.effect("trusts the authorities of Node and of its environment where the URL names none", () =>
    Effect.gen(function* () {
      const ours = yield* Certificates.authority("Ours")
      const pem = yield* place("ours.pem", ours.cert)
      yield* serve(yield* Certificates.of("localhost", ours))
      const url = yield* urlOf("localhost", "sslmode=verify-full")
      // Node reads its environment when it starts.
      const program = `
        import { Effect, Redacted } from "effect"
        import * as Database from ${JSON.stringify(new URL("../src/Database.ts", import.meta.url).href)}
        const layer = Database.layerUrl(Redacted.make(process.env.URL))
        console.log(await Effect.runPromise(Effect.match(Effect.provide(Database.check, layer), {
          onSuccess: () => "connected",
          onFailure: ({ reason }) => reason
        })))`
      const says = (env: Record<string, string>) =>
        Effect.sync(() =>
          spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
            cwd: import.meta.dirname,
            env: { ...env, URL: url },
            encoding: "utf8"
          }).stdout.trim()
        )
      assert.strictEqual(yield* says({ NODE_EXTRA_CA_CERTS: pem }), "connected")
      assert.strictEqual(yield* says({}), "Untrusted")
    })
  )

  it.effect("ends a statement at the server when nobody waits for it any more", () =>
    Effect.gen(function* () {
      const ours = yield* Certificates.authority("Ours")
      const ca = `sslrootcert=${encodeURIComponent(yield* place("ours.pem", ours.cert))}`
      yield* serve(yield* Certificates.of("localhost", ours))
      const url = yield* urlOf("localhost", `sslmode=verify-full&${ca}`)
      const asleep = yield* Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.timeoutOption(sql`SELECT pg_sleep(600)`, "200 millis")
        return yield* sql`SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND state = 'active'`
      }).pipe(Effect.provide(Database.layerUrl(Redacted.make(url)), { local: true }))
      assert.deepStrictEqual(asleep, [])
    })
  )

  it.effect("is for those who share through the database as well", () =>
    Effect.gen(function* () {
      const ours = yield* Certificates.authority("Ours")
      const ca = `sslrootcert=${encodeURIComponent(yield* place("ours.pem", ours.cert))}`
      yield* serve(yield* Certificates.of("localhost", ours))
      const share = (url: string) => SharingPostgres.make({ url: Redacted.make(url) }).connect
      yield* share(yield* urlOf("localhost", `sslmode=verify-full&${ca}`))
      const encrypted = yield* SqlClient.SqlClient.use(
        (sql) => sql<{ ssl: boolean }>`SELECT DISTINCT ssl FROM pg_stat_ssl
          JOIN pg_stat_activity USING (pid) WHERE application_name = 'holdfast sharing'`
      ).pipe(Effect.provide(Database.layerUrl(Redacted.make(yield* urlOf("localhost", ""))), { local: true }))
      assert.deepStrictEqual(encrypted, [{ ssl: true }])
      const away = yield* Effect.flip(share(yield* urlOf("127.0.0.1", `sslmode=verify-full&${ca}`)))
      assert.strictEqual(away.message, "The shared store is away: Untrusted (ERR_TLS_CERT_ALTNAME_INVALID)")
    }).pipe(Effect.scoped)
  )

  it.effect("is said to be missing by a server that insists on it, as is a certificate of ours", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres
      const ours = yield* Certificates.authority("Ours")
      const ca = `sslmode=verify-full&sslrootcert=${encodeURIComponent(yield* place("ours.pem", ours.cert))}`
      const client = yield* Certificates.of("holdfast", ours)
      const stranger = yield* Certificates.of("holdfast", yield* Certificates.authority("Theirs"))
      const pair = Effect.fnUntraced(function* (name: string, { cert, private: key }: Certificates.Certificate) {
        const [certPath, keyPath] = [yield* place(`${name}.crt`, cert), yield* place(`${name}.key`, key)]
        return `sslcert=${encodeURIComponent(certPath)}&sslkey=${encodeURIComponent(keyPath)}`
      })
      const rules = join(server.directory, "pg_hba.conf")
      const before = yield* Effect.promise(() => readFile(rules, "utf8"))
      yield* place("pg_hba.conf", "hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n")
      yield* serve(yield* Certificates.of("localhost", ours), "ssl_ca_file = 'ours.pem'\n").pipe(
        Effect.ensuring(place("pg_hba.conf", before))
      )

      yield* refusal(yield* urlOf("localhost", "sslmode=disable"), "Refused", "no encryption")
      yield* refusal(yield* urlOf("localhost", ca), "Refused", "requires a valid client certificate")
      assert.isTrue(yield* connect(yield* urlOf("localhost", `${ca}&${yield* pair("client", client)}`)))
      yield* refusal(
        yield* urlOf("localhost", `${ca}&${yield* pair("stranger", stranger)}`),
        "Untrusted",
        "no agreement on TLS"
      )
    })
  )

  it.effect("is refused where a URL asks for what there is not, before anything is sent", () =>
    Effect.gen(function* () {
      const { cert, private: key } = yield* Certificates.authority("Ours")
      const pem = encodeURIComponent(yield* place("ours.pem", cert))
      const keyPem = encodeURIComponent(yield* place("ours.key", key))
      const text = encodeURIComponent(yield* place("text.pem", "no certificate"))
      for (const [parameters, says] of [
        ["sslmode=maybe", "sslmode is one of disable, require, verify-ca, verify-full"],
        ["sslmode=", "sslmode is one of"],
        ["sslmode=prefer", "say require, or disable"],
        ["sslmode=allow", "say require, or disable"],
        ["ssl=1", "ssl can only be true"],
        ["sslmode=require&sslcrl=x", "sslcrl is not supported"],
        ["sslnegotiation=direct", "sslnegotiation is not supported"],
        ["sslmode=require&sslrootcert=/nowhere/ca.pem", "sslrootcert: ENOENT"],
        [`sslmode=require&sslrootcert=${text}`, "sslrootcert: "],
        [`sslmode=require&sslcert=${pem}`, "sslcert and sslkey need each other"],
        [`sslmode=require&sslcert=${pem}&sslkey=${text}`, "sslkey: "],
        [`sslmode=require&sslcert=${text}&sslkey=${keyPem}`, "sslcert: "]
      ] as const) {
        yield* refusal(`postgres://holdfast:${password}@127.0.0.1:1/postgres?${parameters}`, "Invalid", says)
      }
    })
  )
})
