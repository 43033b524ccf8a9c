/**
 * Reads the body of an answer, decoded or not: JSON, JSON lines, server-sent events, a plain sentence, a page. What it
 * says about errors becomes layers, what is wrong with its shape becomes findings.
 */
import * as Answer from "./errorAnswer.ts"
import type { Layer } from "./errorFields.ts"
import { type Budget, readBody } from "./errorLayers.ts"
import { isBag, parse } from "./errorRead.ts"

/** Characters of a plain text that count as its message. */
const maxRawMessage = 4096
/** Characters of a raw stream that are looked at, and events of it. */
const maxRead = 65_536
const maxEvents = 6
/** The last resort: the answer says that it failed, and nothing else about it. */
export const saidError = "said-error"

/** What a classifier is given; the public form of it is `Classifier.Evidence`. */
export interface Input {
  readonly provider: string
  readonly kind: "http" | "response-200" | "stream" | "sdk" | "transport"
  readonly status?: number | null | undefined
  readonly headers?: unknown
  readonly body?: unknown
  readonly event?: string | null | undefined
  readonly error?: unknown
  readonly now?: number | undefined
}

/** An HTTP status, or nothing. */
export const statusOf = (status: unknown): number | undefined =>
  typeof status === "number" && Number.isInteger(status) && status >= 100 && status <= 999 ? status : undefined

/** A body is decoded here if it is not yet: JSON text, server-sent events, a plain sentence, a page. */
export const readEvidence = (input: Input, layers: Array<Layer>, answer: Array<string>, spent: Budget): void => {
  const body = input.body
  if (typeof body === "string") readTextBody(body, input, layers, answer, spent)
  else if (isBag(body)) {
    const said = readBody(body, layers, spent)
    Answer.ofBody(body, true, answer)
    if ((said || input.event === "error") && isAnswer(input)) answer.push(saidError)
  } else if (isAnswer(input)) answer.push("nothing")
}

/** An answer that began as a success. */
export const isAnswer = (input: Input): boolean =>
  input.kind === "response-200" || input.kind === "stream" || isSuccess(statusOf(input.status))

export const isSuccess = (status: number | undefined): boolean => status !== undefined && status >= 200 && status <= 299

const readTextBody = (body: string, input: Input, layers: Array<Layer>, answer: Array<string>, spent: Budget): void => {
  const before = layers.length
  const value = /^\s{0,64}["{[]/.test(body) ? (parse(body) ?? lastLine(body)) : undefined
  if (isBag(value)) {
    const said = readBody(value, layers, spent)
    Answer.ofBody(value, true, answer)
    if (said && isAnswer(input)) answer.push(saidError)
    return
  }
  const kind: Array<string> = []
  Answer.ofText(body, kind)
  if (kind.includes("event-stream")) {
    readEvents(body, layers, answer, spent)
    if (layers.length === before && answer.length === 0) answer.push("nothing")
    return
  }
  answer.push(...kind)
  if (!kind.includes("text")) return
  const message = typeof value === "string" ? value : body.slice(0, maxRawMessage).trim()
  readBody({ message, code: plainCode(message) }, layers, spent)
}

/** The last line of a stream of JSON lines, as Ollama sends them: an error is always the last. */
const lastLine = (body: string): unknown => {
  const text = body.length > maxRead ? "" : body.trimEnd()
  const line = text.slice(text.lastIndexOf("\n") + 1)
  return line.length < text.length ? parse(line) : undefined
}

/** Cloudflare's shortest form: `error code: 1015`. */
const plainCode = (message: string): number | string | undefined => {
  const code = /^error code: (\d{3,4})$/.exec(message)?.[1]
  if (code === undefined) return undefined
  return code.length === 3 ? Number(code) : `cloudflare-${code}`
}

/** The last events of a raw event stream: an error ends it. */
const readEvents = (body: string, layers: Array<Layer>, answer: Array<string>, spent: Budget): void => {
  const lines = body.length > maxRead ? body.slice(-maxRead).split("\n", 4096) : body.split("\n", 4096)
  const data: Array<string> = []
  for (const line of lines) {
    const match = /^(data|event): ?(.*)$/.exec(line.trimEnd())
    if (match?.[2] === undefined) continue
    if (match[1] === "data") data.push(match[2])
    else if (match[2] === "error") answer.push(saidError)
  }
  for (const text of data.slice(-maxEvents)) {
    const value = parse(text)
    if (!isBag(value)) continue
    if (readBody(value, layers, spent)) answer.push(saidError)
    Answer.ofBody(value, false, answer)
  }
}
