/**
 * Walks a thrown value: the error, its causes, the errors an `AggregateError` collects, and the answers that SDK errors
 * carry. Cycles and depth are bounded, and no getter can throw its way out.
 */
import { type Bag, bag, elements, get, isBag, looksJson, text } from "./errorRead.ts"
import type { Layer } from "./errorFields.ts"
import { type Budget, jsonIn, readBody } from "./errorLayers.ts"
import { grpcName } from "./errorGrpc.ts"

/** What a thrown value says, outermost first. */
export interface Chain {
  /** Codes and class names of transport errors. */
  readonly transport: Array<string>
  /** Exception types of AWS, which are the names of its errors. */
  readonly exceptions: Array<string>
  /** Class names of other errors; for the most part they only repeat the status. */
  readonly names: Array<string>
  readonly messages: Array<string>
  readonly layers: Array<Layer>
  status: number | undefined
  headers: Bag | undefined
  requestId: string | undefined
}

const maxNodes = 16
/** Names that say nothing. */
const generic: ReadonlySet<string> = new Set(["Error", "TypeError", "AggregateError", "Object"])
/** `connect ECONNREFUSED 127.0.0.1:443`, where only the text was kept. */
const systemCode =
  /^(?:connect|getaddrinfo|query[A-Z][A-Za-z]{0,5}|read|write|send|recv|bind|request to \S{1,200} failed, reason:)(?: connect| getaddrinfo| read| write)? (E[A-Z0-9_]{2,30})\b/
/** `8 RESOURCE_EXHAUSTED: …` of grpc-js. */
const grpcMessage = /^(\d{1,2}) ([A-Z_]{2,30}): /
/** Codes that come in families; an unknown member is judged by its family. */
const family = /^(?:ERR_(?:SSL|TLS|OSSL|HTTP2|STREAM|SOCKET|BROTLI|ZLIB|ZSTD)_|NGHTTP2_|CERT_|HPE_|UND_ERR_|EAI_|Z_)/
/** Node puts the HTTP/2 error code into the text. */
const http2Code = /^(?:Stream|Session) closed with error code (NGHTTP2_[A-Z_]{2,40})/
/** undici, tunnel and https-proxy-agent, when a forward proxy refuses to open a tunnel. */
const proxyAnswer =
  /^(?:Proxy response \(|tunneling socket could not be established, statusCode=|Proxy response: )(\d{3})/

export const walk = (thrown: unknown, spent: Budget): Chain => {
  const chain: Chain = {
    transport: [],
    exceptions: [],
    names: [],
    messages: [],
    layers: [],
    status: undefined,
    headers: undefined,
    requestId: undefined
  }
  if (typeof thrown === "string") chain.messages.push(thrown)
  const seen = new Set<unknown>()
  const queue: Array<unknown> = [thrown]
  for (let at = 0; at < queue.length && at < maxNodes; at++) {
    const node = queue[at]
    if (!isBag(node) || seen.has(node)) continue
    seen.add(node)
    readNode(node, chain, spent)
    queue.push(get(node, "cause"), ...elements(get(node, "errors"), 4), get(node, "lastError"), get(node, "reason"))
  }
  return chain
}

const readNode = (node: Bag, chain: Chain, spent: Budget): void => {
  const name = nameOf(node)
  if (name !== undefined && !generic.has(name)) {
    const isAws = name.endsWith("Exception") || bag(node, "$metadata") !== undefined
    const names = isAws ? chain.exceptions : chain.names
    names.push(name)
  }
  const message = text(node, "message")
  if (message !== undefined) chain.messages.push(message)
  readTransport(node, message, name, chain)
  readStatus(node, chain)
  // The error itself, then the answer it carries, which is the inner one.
  const layers: Array<Layer> = []
  const answer: Array<Layer> = []
  if (message !== undefined && jsonIn(message) !== undefined) readBody(message, answer, spent)
  readBody(withoutCause(node, answer.length === 0 ? message : undefined), layers, spent)
  layers.push(...answer)
  for (const key of ["body", "responseBody", "data"]) readAnswer(get(node, key), layers, spent)
  const response = bag(node, "response")
  if (response !== undefined) {
    for (const key of ["data", "body"]) readAnswer(get(response, key), layers, spent)
  }
  chain.layers.push(...layers)
}

const readAnswer = (answer: unknown, layers: Array<Layer>, spent: Budget): void => {
  if (isBag(answer) || (typeof answer === "string" && looksJson(answer))) readBody(answer, layers, spent)
}

/** The class where it is known: every error of the `openai` package is named `Error`. */
const nameOf = (node: Bag): string | undefined => {
  const name = text(node, "name")
  if (name !== undefined && name !== "Error") return name
  const className = text(node, "className")
  if (className !== undefined) return className
  const constructor = get(node, "constructor")
  const found = typeof constructor === "function" ? functionName(constructor) : undefined
  return found === undefined || found === "" || found === "Object" ? name : found
}

const functionName = (constructor: object): string | undefined => {
  try {
    const name: unknown = Reflect.get(constructor, "name")
    return typeof name === "string" ? name : undefined
  } catch {
    return undefined
  }
}

const readTransport = (node: Bag, message: string | undefined, name: string | undefined, chain: Chain): void => {
  const code = text(node, "code")
  const found = code ?? (message === undefined ? undefined : systemCode.exec(message)?.[1])
  if (found !== undefined && found.length <= 64) {
    // Read from the end: the code itself, then the family it belongs to.
    const prefix = family.exec(found)
    if (prefix !== null) chain.transport.push(prefix[0])
    chain.transport.push(found)
  }
  // A DOMException says what it is by name; so do the fetch wrappers.
  if (name !== undefined && code === undefined && !generic.has(name)) chain.transport.push(name)
  if (message === undefined) return
  const http2 = http2Code.exec(message)
  if (http2?.[1] !== undefined) chain.transport.push(http2[1])
  const proxy = proxyAnswer.exec(message)
  if (proxy !== null) chain.transport.push(`proxy-${proxy[1]}`)
}

/** Only the fields of an error that describe it; its causes are nodes of their own. */
const withoutCause = (node: Bag, message: string | undefined): Bag => {
  const grpc = message === undefined ? null : grpcMessage.exec(message)
  const code = get(node, "code")
  const isGrpc = grpc !== null && (grpcName(Number(grpc[1])) === grpc[2] || code === Number(grpc[1]))
  const details = get(node, "details")
  return {
    code: isGrpc ? grpc[2] : typeof code === "number" && code < 400 ? undefined : code,
    type: get(node, "type"),
    param: get(node, "param"),
    reason: typeof get(node, "reason") === "string" ? get(node, "reason") : undefined,
    error: get(node, "error"),
    details: typeof details === "string" ? undefined : (get(node, "statusDetails") ?? details),
    detail: get(node, "detail"),
    metadata: get(node, "errorInfoMetadata"),
    requestID: get(node, "requestID"),
    message: isGrpc && typeof details === "string" ? details : isGrpc ? message?.slice(grpc[0].length) : message
  }
}

const readStatus = (node: Bag, chain: Chain): void => {
  const metadata = bag(node, "$metadata")
  const response = bag(node, "response")
  for (const status of [
    get(node, "status"),
    get(node, "statusCode"),
    metadata && get(metadata, "httpStatusCode"),
    response && get(response, "status"),
    response && get(response, "statusCode")
  ]) {
    if (chain.status === undefined && typeof status === "number" && status >= 100 && status <= 599)
      chain.status = status
  }
  chain.headers ??= bag(node, "headers") ?? bag(node, "responseHeaders") ?? (response && bag(response, "headers"))
  chain.requestId ??= text(node, "requestID") ?? text(node, "request_id") ?? (metadata && text(metadata, "requestId"))
}
