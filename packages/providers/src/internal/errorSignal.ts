/**
 * Evidence in one flat form, so that rules read fields instead of shapes: tokens in the order of precedence, messages,
 * headers and waits. Built once per classification, bounded in depth and size, never throwing.
 */
import { type Bag, get, isBag, text } from "./errorRead.ts"
import type { Layer } from "./errorFields.ts"
import { budget } from "./errorLayers.ts"
import { type Chain, walk } from "./errorChain.ts"
import { type Input, isAnswer, isSuccess, readEvidence, saidError, statusOf } from "./errorEvidence.ts"
import * as Headers from "./errorHeaders.ts"
import * as Quota from "./errorQuota.ts"
import type { Field } from "../rules/Rule.ts"

/** One value of one field. */
export interface Token {
  readonly field: Exclude<Field, "message">
  readonly value: string
  /** The HTTP status that goes with it, 0 for none. */
  readonly status: number
  /** Said by a gateway about an answer it passes on: it yields to anything that answer says. */
  readonly isOuter: boolean
}

export interface Signal {
  readonly provider: string
  readonly kind: Input["kind"]
  /** The HTTP status of the answer; none for an error in a 2xx answer. */
  readonly status: number | undefined
  readonly headers: Headers.HeaderMap
  /** In the order in which rules read them. */
  readonly tokens: ReadonlyArray<Token>
  /** Innermost first, at most three. */
  readonly messages: ReadonlyArray<string>
  /** Structured waits in milliseconds, the one that counts first. */
  readonly waits: ReadonlyArray<number>
  /** Response headers that a gateway passed on in the body. */
  readonly innerHeaders: Headers.HeaderMap | undefined
  readonly providerCode: string | undefined
  readonly requestId: string | undefined
  readonly now: number | undefined
}

const requestIdHeaders = [
  "x-request-id",
  "request-id",
  "x-amzn-requestid",
  "apim-request-id",
  "x-ms-request-id",
  "x-goog-request-id",
  "cf-ray"
]

export const read = (input: Input): Signal => {
  const spent = budget()
  const layers: Array<Layer> = []
  const answer: Array<string> = []
  const chain = input.error === undefined || input.error === null ? undefined : walk(input.error, spent)
  if (chain !== undefined) layers.push(...chain.layers)
  readEvidence(input, layers, answer, spent)
  const headers = Headers.read(input.headers ?? chain?.headers)
  const status = statusOf(input.status) ?? chain?.status
  const failed = isSuccess(status) ? undefined : status
  const statuses = statusesOf(layers, failed ?? 0).toReversed()
  layers.reverse()
  const own = statuses[0] ?? failed ?? 0
  const tokens: Array<Token> = []
  const add = (field: Token["field"], value: string, status = own, isOuter = false) =>
    tokens.push({ field, value, status, isOuter })
  if (failed === undefined && chain !== undefined) {
    for (const code of chain.transport.toReversed()) add("transport", code)
  }
  addCodes(layers, statuses, headers, chain, input, add)
  for (const finding of answer) if (finding !== saidError) add("answer", finding)
  if (own !== 0) add("status", String(own))
  for (const status of new Set([...statuses, failed ?? 0])) {
    if (status !== own && status !== 0) add("status", String(status), status, own === 0)
  }
  for (const name of chain?.names.toReversed() ?? []) add("code", name.slice(0, 120))
  addHeaders(headers, add)
  if (answer.includes(saidError)) add("answer", saidError)
  else if (isAnswer(input) && tokens.length === 0) add("answer", "unrecognised")
  return {
    provider: input.provider,
    kind: input.kind,
    status: failed,
    headers,
    tokens,
    messages: messagesOf(layers, chain),
    waits: layers.flatMap((layer) => layer.waits),
    innerHeaders: innerHeaders(layers),
    providerCode: providerCode(layers, headers, chain),
    requestId: requestId(layers, headers, chain),
    now: input.now !== undefined && Number.isFinite(input.now) ? input.now : undefined
  }
}

/**
 * The status that goes with each layer, outermost first: its own, else that of the layer around it. Where a gateway says
 * 5xx about an answer it passes on, that says only that the upstream failed, not how.
 */
const statusesOf = (layers: ReadonlyArray<Layer>, status: number): ReadonlyArray<number> => {
  let known = status
  return layers.map((layer) => {
    if (layer.status !== undefined) known = layer.status
    else if (layer.isWrapped && known >= 500) known = 0
    return known
  })
}

const addCodes = (
  layers: ReadonlyArray<Layer>,
  statuses: ReadonlyArray<number>,
  headers: Headers.HeaderMap,
  chain: Chain | undefined,
  input: Input,
  add: (field: Token["field"], value: string, status?: number) => void
): void => {
  const exception = exceptionOf(headers)
  if (exception !== undefined) add("code", exception)
  for (const [at, layer] of layers.entries()) {
    const window = Quota.windows.find((name) => layer.quotas.includes(name))
    if (window !== undefined) add("quota", window)
    for (const code of layer.codes) add("code", bareType(code), statuses[at])
  }
  for (const name of chain?.exceptions.toReversed() ?? []) add("code", bareType(name))
  if (typeof input.event === "string" && input.event.endsWith("Exception")) add("code", input.event.slice(0, 120))
}

/** AWS puts the type in a header, with a namespace after a colon; an event stream has headers of its own. */
const exceptionOf = (headers: Headers.HeaderMap): string | undefined => {
  const type = headers.get("x-amzn-errortype") ?? headers.get(":exception-type") ?? headers.get(":error-code")
  return type === undefined ? undefined : bareType(type)
}

/** `com.amazonaws#ThrottlingException:http://…` is `ThrottlingException`. */
const bareType = (type: string): string => {
  if (!type.includes("#") && !type.includes("Exception:")) return type.slice(0, 120)
  const colon = type.indexOf("Exception:")
  const end = colon === -1 ? type : type.slice(0, colon + 9)
  return end.slice(end.lastIndexOf("#") + 1).slice(0, 120)
}

const toldHeaders = ["cf-mitigated", "x-envoy-overloaded", "proxy-authenticate"]

const addHeaders = (headers: Headers.HeaderMap, add: (field: Token["field"], value: string) => void): void => {
  if (headers.size === 0) return
  for (const name of toldHeaders) {
    const value = headers.get(name)
    if (value !== undefined) add("header", `${name}: ${value.slice(0, 32)}`)
  }
}

const messagesOf = (layers: ReadonlyArray<Layer>, chain: Chain | undefined): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const layer of layers) {
    if (layer.message !== undefined && found.length < 3 && !found.includes(layer.message)) found.push(layer.message)
  }
  if (found.length === 0 && chain !== undefined) found.push(...chain.messages.slice(0, 3))
  return found
}

const innerHeaders = (layers: ReadonlyArray<Layer>): Headers.HeaderMap | undefined => {
  const found = layers.find((layer) => layer.headers !== undefined)?.headers
  return found === undefined ? undefined : Headers.read(found)
}

const providerCode = (
  layers: ReadonlyArray<Layer>,
  headers: Headers.HeaderMap,
  chain: Chain | undefined
): string | undefined => {
  for (const layer of layers) {
    const code = layer.codes.find((candidate) => !candidate.includes("@"))
    if (code !== undefined) return code
  }
  return exceptionOf(headers) ?? chain?.transport[0] ?? chain?.exceptions[0] ?? chain?.names[0]
}

const requestId = (
  layers: ReadonlyArray<Layer>,
  headers: Headers.HeaderMap,
  chain: Chain | undefined
): string | undefined => {
  for (const name of requestIdHeaders) {
    const value = headers.get(name)
    if (value !== undefined && value !== "") return value
  }
  return layers.find((layer) => layer.requestId !== undefined)?.requestId ?? chain?.requestId
}

/** Whether a decoded 2xx body or event says by itself that it failed: the cheap look of `Classifier.inspect`. */
export const isFlagged = (body: unknown, event: string | undefined): boolean => {
  if (event === "error" || event === "response.failed") return true
  if (!isBag(body)) return false
  const list = Array.isArray(body) ? body : [body]
  return list.slice(0, 16).some((element: unknown) => isBag(element) && saysError(element))
}

const saysError = (body: Bag): boolean => {
  const error = get(body, "error")
  if (isBag(error) || (typeof error === "string" && error !== "")) return true
  const type = text(body, "type")
  return type === "error" || type === "response.failed" || get(body, "object") === "error"
}
