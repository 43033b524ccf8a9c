/** The other ends of deliveries, on real sockets: an HTTP server that takes what Slack, PagerDuty and webhooks are sent, and a mail server. */
import { Effect } from "effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { SMTPServer } from "smtp-server"

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What to answer; `undefined` leaves the sender waiting. */
export type Reply = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined

/** Something that comes from elsewhere, and can be waited for. */
class Arrivals<A> {
  readonly all: Array<A> = []
  readonly #waiting = new Set<() => void>()
  add(one: A): void {
    this.all.push(one)
    for (const wake of this.#waiting) wake()
  }
  /** Waits until so much has come that the claim holds. */
  readonly until = (claim: (all: ReadonlyArray<A>) => boolean): Effect.Effect<ReadonlyArray<A>> =>
    Effect.callback((resume) => {
      const look = (): void => {
        if (!claim(this.all)) return
        this.#waiting.delete(look)
        resume(Effect.succeed([...this.all]))
      }
      this.#waiting.add(look)
      look()
      return Effect.sync(() => this.#waiting.delete(look))
    })
}

/** Takes every POST, and answers 200 unless it is told otherwise. */
export const http = Effect.gen(function* () {
  const arrivals = new Arrivals<Received>()
  const left = new Arrivals<Received>()
  let reply: (received: Received) => Reply = () => ({ status: 200 })
  const server = createServer((request, response) => {
    let body = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => {
      body += chunk
    })
    request.on("end", () => {
      const received = { path: request.url ?? "", headers: request.headers, body }
      const answer = reply(received)
      response.on("close", () => {
        if (!response.writableFinished) left.add(received)
      })
      arrivals.add(received)
      if (answer !== undefined) response.writeHead(answer.status, answer.headers).end("ok")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    received: arrivals.all,
    until: arrivals.until,
    /** The same for those whose sender left before there was an answer. */
    untilLeft: left.until,
    /** What it answers from now on. */
    replies: (next: (received: Received) => Reply): void => {
      reply = next
    }
  }
})

export interface Mail {
  readonly from: string
  readonly to: ReadonlyArray<string>
  /** Headers and body as they came. */
  readonly raw: string
}

/** Takes mail from one user, and refuses it with the code of an SMTP reply when it is told to. */
export const smtp = (account: { readonly user: string; readonly password: string }) =>
  Effect.gen(function* () {
    const arrivals = new Arrivals<Mail>()
    let refusal: number | undefined
    const server = new SMTPServer({
      // No certificate: a test's password may travel in the clear over loopback.
      disabledCommands: ["STARTTLS"],
      authMethods: ["PLAIN"],
      onAuth: (auth, _session, callback) =>
        auth.username === account.user && auth.password === account.password
          ? callback(null, { user: account.user })
          : callback(new Error("wrong password")),
      onData: (stream, session, callback) => {
        let raw = ""
        stream.setEncoding("utf8")
        stream.on("data", (chunk: string) => {
          raw += chunk
        })
        stream.on("end", () => {
          if (refusal !== undefined) return callback(Object.assign(new Error("refused"), { responseCode: refusal }))
          const { mailFrom, rcptTo } = session.envelope
          arrivals.add({
            from: mailFrom === false ? "" : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            raw
          })
          return callback()
        })
      }
    })
    server.on("error", () => {})
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.callback<void>((resume) => server.close(() => resume(Effect.void)))
    )
    const { password, user } = account
    return {
      url: `smtp://${user}:${password}@127.0.0.1:${portOf(server.server.address())}`,
      received: arrivals.all,
      until: arrivals.until,
      /** Refuses what comes from now on; takes it again without a code. */
      refuses: (code?: number): void => {
        refusal = code
      }
    }
  })

const portOf = (address: AddressInfo | string | null): number =>
  typeof address === "object" && address !== null ? address.port : 0
