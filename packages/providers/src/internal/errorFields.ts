/**
 * The fields of one error object, whatever its provider calls them: codes from the more specific to the more general, the
 * status it names, its message, the windows of its quotas and the waits it asks for.
 */
import { type Bag, bag, elements, firstText, get, isBag, parse, text } from "./errorRead.ts"
import { grpcName } from "./errorGrpc.ts"
import * as Duration from "./errorDuration.ts"
import * as Quota from "./errorQuota.ts"

/** What one error object says about itself. */
export interface Layer {
  /** `code`, `type`, `status`, `reason` and what is like them, as sent, the more specific first. */
  readonly codes: Array<string>
  /** Windows of the quotas it names; see `errorQuota.ts`. */
  readonly quotas: Array<string>
  /** The HTTP status it names. */
  status: number | undefined
  message: string | undefined
  /** Structured waits: `RetryInfo` before the others. Milliseconds. */
  readonly waits: Array<number>
  /** Response headers that a gateway passed on inside the body. */
  headers: Bag | undefined
  requestId: string | undefined
  /** Whether it was found inside a text or a `raw` field of the layer before it, hence comes from another server. */
  isWrapped: boolean
}

/** Characters of a message that are kept at all. */
const maxMessage = 4096
const codeKeys = ["code", "error_code", "errorCode", "Code", "__type", "type", "error_type", "errorType"]
const messageKeys = [
  "message",
  "Message",
  "msg",
  "errorMessage",
  "error_message",
  "error_description",
  "faultstring",
  "detail",
  "title"
]

/** A layer that says nothing yet. */
export const empty = (): Layer => ({
  codes: [],
  quotas: [],
  status: undefined,
  message: undefined,
  waits: [],
  headers: undefined,
  requestId: undefined,
  isWrapped: false
})

/** Whether a layer says anything. */
export const isFilled = (layer: Layer): boolean =>
  layer.message !== undefined || layer.codes.length > 0 || layer.status !== undefined || layer.waits.length > 0

export const cut = (message: string): string => (message.length > maxMessage ? message.slice(0, maxMessage) : message)

/** What one error object says. */
export const describe = (value: Bag): Layer => {
  const layer = empty()
  readDetails(value, layer)
  for (const key of ["innererror", "inner_error"]) {
    const inner = bag(value, key)
    if (inner !== undefined) addCode(layer, get(inner, "code"))
  }
  const details = bag(value, "details")
  if (details !== undefined) addCode(layer, get(details, "error_code"))
  const metadata = bag(value, "metadata")
  if (metadata !== undefined) readMetadata(metadata, layer)
  const incomplete = bag(value, "incomplete_details")
  if (incomplete !== undefined) addCode(layer, get(incomplete, "reason"))
  addCode(layer, get(value, "reason"))
  for (const error of elements(get(value, "errors"), 4)) {
    if (isBag(error)) addCode(layer, get(error, "reason"))
  }
  const fault = bag(value, "detail")
  if (fault !== undefined) addCode(layer, get(fault, "errorcode"))
  const param = text(value, "param")
  for (const key of codeKeys) {
    const code = get(value, key)
    // A code together with the parameter it blames is the more specific of the two.
    if (key === "code" && typeof code === "string" && param !== undefined && param.length < 200) {
      addCode(layer, `${code}@${param.replace(/[^A-Za-z_].*$/s, "")}`)
    }
    addCode(layer, code)
  }
  const status = get(value, "status")
  addCode(layer, status)
  for (const key of ["statusCode", "status_code", "http_code", "raw_status_code"]) {
    const number = get(value, key)
    if (typeof number === "number") addCode(layer, number)
  }
  const error = get(value, "error")
  const message = typeof error === "string" && error !== "" ? error : firstText(value, messageKeys)
  if (message !== undefined) setMessage(layer, message)
  // RFC 6749, section 5.2: the code is called `error`, the text `error_description`.
  if (typeof error === "string" && /^[A-Za-z]+(?:[_-][A-Za-z]+){1,5}$/.test(error)) layer.codes.push(error)
  if (layer.message !== undefined) Quota.fromMessage(layer.message, layer.quotas)
  readWaits(value, layer)
  layer.requestId = firstText(value, ["request_id", "requestId", "requestID"])
  return layer
}

const statusBefore: ReadonlyArray<RegExp> = [
  /^([1-5]\d\d) (?=\S)/,
  // The retired @google/generative-ai client.
  /^\[GoogleGenerativeAI Error\]: Error fetching from \S{1,400} \[([1-5]\d\d)[^\]]{0,60}\] ?/,
  // axios, the OpenAI client of Python, Cohere's SDK, Spring, Go: where only the text was kept.
  /^(?:Error: )?(?:Request failed with status code|Error code:|Status code:|got status:|HTTP error:?|HTTP status:?|HTTP|Unexpected status code:?|API error:?|API request failed with) ([45]\d\d)\b(?: - |[:,.]? )?/i
]

/** Without the status that clients put before it, which counts as the status; unwrapped if it is one JSON string. */
const setMessage = (layer: Layer, message: string): void => {
  let bare = cut(message)
  for (const pattern of statusBefore) {
    const match = pattern.exec(bare)
    if (match === null) continue
    addCode(layer, Number(match[1]))
    bare = bare.slice(match[0].length)
    break
  }
  if (bare.startsWith('"') && bare.endsWith('"')) {
    const value = parse(bare)
    if (typeof value === "string") bare = value
  }
  layer.message = bare
}

/** A number is an HTTP status, a gRPC code or a name; a text of digits likewise. */
const addCode = (layer: Layer, code: unknown): void => {
  if (typeof code === "string") {
    if (code === "" || code.length > 200) return
    if (/^\d{1,6}$/.test(code)) addNumber(layer, Number(code))
    else layer.codes.push(code)
  } else if (typeof code === "number") addNumber(layer, code)
}

const addNumber = (layer: Layer, code: number): void => {
  if (code >= 400 && code <= 599) layer.status ??= code
  else {
    const name = grpcName(code)
    if (name !== undefined) layer.codes.push(name)
    else if (Number.isInteger(code) && code >= 600) layer.codes.push(String(code))
  }
}

/** `google.rpc` details: `ErrorInfo`, `QuotaFailure`, `RetryInfo`. They are told apart by their fields. */
const readDetails = (value: Bag, layer: Layer): void => {
  for (const detail of elements(get(value, "details"), 16)) {
    if (!isBag(detail)) continue
    addCode(layer, get(detail, "reason"))
    const metadata = bag(detail, "metadata")
    if (metadata !== undefined) {
      Quota.fromName(get(metadata, "quota_limit"), get(metadata, "quota_limit_value"), layer.quotas)
      const delay = text(metadata, "quotaResetDelay")
      if (delay !== undefined) addWait(layer, Duration.compact(delay))
    }
    for (const violation of elements(get(detail, "violations"), 16)) {
      if (!isBag(violation)) continue
      Quota.fromName(get(violation, "quotaId"), get(violation, "quotaValue"), layer.quotas)
      const description = text(violation, "description")
      if (description !== undefined) Quota.fromMessage(cut(description), layer.quotas)
    }
    addFirst(layer, get(detail, "retryDelay"))
  }
}

/** OpenRouter's facts about the failure, beside the upstream body. */
const readMetadata = (metadata: Bag, layer: Layer): void => {
  for (const key of ["limit_source", "error_type", "provider_code", "quota_limit"]) addCode(layer, get(metadata, key))
  if (elements(get(metadata, "reasons"), 1).length > 0 && get(metadata, "flagged_input") !== undefined) {
    layer.codes.push("flagged_input")
  }
  layer.headers = bag(metadata, "headers")
  addWait(layer, Duration.seconds(get(metadata, "retry_after_seconds")))
}

const readWaits = (value: Bag, layer: Layer): void => {
  addFirst(layer, get(value, "retryDelay"))
  const millis = get(value, "retry_after_ms")
  if (typeof millis === "number") addWait(layer, Duration.ceilMillis(millis))
  for (const key of ["retry_after", "retry_after_seconds", "resets_in_seconds"]) {
    const seconds = get(value, key)
    if (typeof seconds === "number") addWait(layer, Duration.seconds(seconds))
  }
}

const addWait = (layer: Layer, millis: number | undefined): void => {
  if (millis !== undefined) layer.waits.push(millis)
}

/** `RetryInfo` goes before other waits of its layer. */
const addFirst = (layer: Layer, delay: unknown): void => {
  const millis = Duration.proto(delay)
  if (millis !== undefined) layer.waits.unshift(millis)
}
