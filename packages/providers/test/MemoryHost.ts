/** A host in memory: answers every request with the same status, headers and chunks, and keeps what it was sent. */
import { Effect, Layer } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"

export interface Sent {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Text, JSON, the chunks of a body, or the body itself. */
  readonly body?: string | object | ReadonlyArray<Uint8Array> | ReadableStream<Uint8Array>
}

export interface MemoryHost {
  readonly sent: Array<Sent>
  readonly layer: Layer.Layer<HttpClient.HttpClient>
}

export const make = (reply: Reply | ((sent: Sent) => Reply)): MemoryHost => {
  const sent: Array<Sent> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      const text = request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      const one: Sent = {
        method: request.method,
        url: url.href,
        headers: { ...request.headers },
        body: text === "" ? undefined : JSON.parse(text)
      }
      sent.push(one)
      const { body = "", headers = {}, status = 200 } = typeof reply === "function" ? reply(one) : reply
      return HttpClientResponse.fromWeb(
        request,
        new Response(status === 204 ? null : bodyInit(body), { status, headers: { ...headers } })
      )
    })
  )
  return { sent, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const bodyInit = (body: NonNullable<Reply["body"]>) => {
  if (typeof body === "string" || body instanceof ReadableStream) return body
  if (!Array.isArray(body)) return JSON.stringify(body)
  return new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of body) controller.enqueue(chunk)
      controller.close()
    }
  })
}

/** Server-sent events, one per value; texts go in as they are. */
export const events = (...values: ReadonlyArray<unknown>): string =>
  values.map((value) => `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`).join("")

/** A text cut into chunks of bytes at the given offsets, also inside characters. */
export const cut = (text: string, offsets: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const bytes = new TextEncoder().encode(text)
  const at = [...new Set(offsets.map((offset) => offset % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length)).filter((c) => c.length > 0)
}

/** What stands at a path in a body. */
export const at = (body: unknown, ...path: ReadonlyArray<string | number>): unknown => {
  let found = body
  for (const key of path) found = typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined
  return found
}

/** What stands at a path in every element of an array. */
export const each = (elements: unknown, ...path: ReadonlyArray<string | number>): ReadonlyArray<unknown> =>
  Array.isArray(elements) ? elements.map((element) => at(element, ...path)) : []
