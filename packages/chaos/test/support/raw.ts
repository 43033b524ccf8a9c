/** A client that shows what SDKs hide: the bytes of the answer, and whether the server sent FIN or RST. */
import { Effect } from "effect"
import { connect } from "node:net"
import type { Emulator } from "../../src/Emulator.ts"

export interface Seen {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>>
  /** As it came, chunk framing included. */
  readonly body: string
  readonly closed: "fin" | "reset"
}

export interface Ask {
  readonly path: string
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends one request with `connection: close` and reads until the server closes. Interruption destroys the socket. */
export const ask = (emulator: Emulator, { body, headers = {}, method = "POST", path }: Ask): Effect.Effect<Seen> =>
  Effect.callback<Seen>((resume) => {
    const payload = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
    const socket = connect(emulator.port, "127.0.0.1")
    let text = ""
    const done = (closed: Seen["closed"]) => resume(Effect.succeed(parse(text, closed)))
    socket
      .setEncoding("utf8")
      .on("data", (chunk: string) => {
        text += chunk
      })
      .on("end", () => done("fin"))
      .on("error", () => done("reset"))
    const lines = [
      `${method} ${path} HTTP/1.1`,
      "host: 127.0.0.1",
      "connection: close",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(payload)}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    ]
    socket.write(`${lines.join("\r\n")}\r\n\r\n${payload}`)
    return Effect.sync(() => socket.destroy())
  })

const parse = (text: string, closed: Seen["closed"]): Seen => {
  const split = text.indexOf("\r\n\r\n")
  const [first, ...lines] = split < 0 ? [] : text.slice(0, split).split("\r\n")
  return {
    status: first === undefined ? undefined : Number(first.split(" ")[1]),
    headers: Object.fromEntries(lines.map((line) => [line.split(": ")[0]?.toLowerCase(), line.split(": ")[1]])),
    body: split < 0 ? "" : text.slice(split + 4),
    closed
  }
}

export const chat = { path: "/v1/chat/completions" }

export const chatBody = (more: Readonly<Record<string, unknown>> = {}) => ({
  model: "m",
  messages: [{ role: "user", content: "What holds a kelp to its rock?" }],
  ...more
})

/** The end of a chunked body that was not cut. */
export const lastChunk = "0\r\n\r\n"
