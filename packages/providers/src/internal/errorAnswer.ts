/**
 * What is wrong with an answer that says 200: blocked, cut, empty, not an answer at all. One token per finding, read by
 * the `answer` rules; none for a sound answer. It reads a handful of fields, so a client may ask for every chunk.
 */
import { type Bag, bag, elements, get, isBag, text } from "./errorRead.ts"

/** Findings in a decoded body. `complete` says that nothing follows, so that an empty answer is a finding too. */
export const ofBody = (body: unknown, complete: boolean, found: Array<string>): void => {
  if (!isBag(body)) return
  if (Array.isArray(body)) {
    for (const element of elements(body, 16)) ofBody(element, false, found)
    return
  }
  gemini(body, complete, found)
  openAi(body, complete, found)
  responses(body, complete, found)
  anthropic(body, complete, found)
  bedrock(body, complete, found)
}

/** Findings in a body that is a text: a page, cut JSON, keep-alive comments, nothing. */
export const ofText = (body: string, found: Array<string>): void => {
  const start = body.slice(0, 256).trimStart()
  if (start === "") found.push("nothing")
  else if (start.startsWith("<")) found.push("html")
  else if (start.startsWith("{") || start.startsWith("[")) found.push("cut-json")
  else if (start.startsWith(":") || /^(?:event|data|id|retry):/.test(start)) found.push("event-stream")
  else found.push("text")
}

const finish = (reason: unknown, found: Array<string>): string | undefined => {
  if (typeof reason !== "string" || reason === "" || reason.length > 64) return undefined
  found.push(`finish:${reason}`)
  return reason.toLowerCase()
}

const gemini = (body: Bag, complete: boolean, found: Array<string>): void => {
  const feedback = bag(body, "promptFeedback")
  const blocked = feedback === undefined ? undefined : text(feedback, "blockReason")
  if (blocked !== undefined) found.push("blocked")
  const candidates = elements(get(body, "candidates"), 1)
  const candidate = candidates[0]
  if (isBag(candidate)) {
    const reason = finish(get(candidate, "finishReason"), found)
    const content = bag(candidate, "content")
    if (complete && reason !== undefined && !hasParts(content)) emptyAfter(reason, found)
  } else if (complete && blocked === undefined && isGemini(body)) found.push("no-candidates")
}

const isGemini = (body: Bag): boolean =>
  Array.isArray(get(body, "candidates")) ||
  ((isBag(get(body, "usageMetadata")) || isBag(get(body, "promptFeedback"))) && get(body, "totalTokens") === undefined)

const hasParts = (content: Bag | undefined): boolean => {
  if (content === undefined) return false
  for (const part of elements(get(content, "parts"), 64)) {
    if (!isBag(part) || get(part, "thought") === true) continue
    const said = get(part, "text")
    if (typeof said === "string" ? said !== "" : Object.keys(part).length > 0) return true
  }
  return false
}

const openAi = (body: Bag, complete: boolean, found: Array<string>): void => {
  const choices = get(body, "choices")
  if (!Array.isArray(choices)) return
  const choice = elements(choices, 1)[0]
  if (!isBag(choice)) {
    if (complete) found.push("no-choices")
    return
  }
  const reason = finish(get(choice, "finish_reason"), found)
  const message = bag(choice, "message") ?? bag(choice, "delta")
  if (message !== undefined && text(message, "refusal") !== undefined) found.push("refusal")
  const whole = bag(choice, "message")
  if (complete && reason !== undefined && whole !== undefined && !saysSomething(whole)) emptyAfter(reason, found)
}

const saysSomething = (message: Bag): boolean => {
  const content = get(message, "content")
  if (typeof content === "string" ? content.trim() !== "" : elements(content, 1).length > 0) return true
  return ["tool_calls", "function_call", "refusal", "audio", "images"].some((key) => {
    const value = get(message, key)
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null
  })
}

const emptyAfter = (reason: string, found: Array<string>): void => {
  found.push(["length", "max_tokens", "max_output_tokens"].includes(reason) ? "empty-at-limit" : "empty")
}

/** Responses API, as a body and inside its `response.*` events. */
const responses = (body: Bag, complete: boolean, found: Array<string>): void => {
  const response = bag(body, "response") ?? body
  const status = text(response, "status")
  if (status === undefined || (get(response, "object") !== "response" && response === body)) return
  if (status === "failed" || status === "cancelled") found.push(`response:${status}`)
  const output = elements(get(response, "output"), 16)
  for (const item of output) {
    if (!isBag(item)) continue
    for (const part of elements(get(item, "content"), 4)) {
      if (isBag(part) && get(part, "type") === "refusal") found.push("refusal")
    }
  }
  if (status !== "incomplete") return
  const details = bag(response, "incomplete_details")
  const reason = finish(details && get(details, "reason"), found)
  const spoke = output.some((item) => isBag(item) && get(item, "type") !== "reasoning")
  if (complete && reason !== undefined && !spoke) emptyAfter(reason, found)
}

const anthropic = (body: Bag, complete: boolean, found: Array<string>): void => {
  const delta = bag(body, "delta")
  const reason = finish(get(body, "stop_reason") ?? (delta && get(delta, "stop_reason")), found)
  const content = get(body, "content")
  if (complete && reason !== undefined && Array.isArray(content)) {
    const spoke = content.slice(0, 64).some((block) => isBag(block) && get(block, "type") !== "thinking")
    if (!spoke) emptyAfter(reason, found)
  }
}

const bedrock = (body: Bag, complete: boolean, found: Array<string>): void => {
  const stop = bag(body, "messageStop")
  const reason = finish(get(body, "stopReason") ?? (stop && get(stop, "stopReason")), found)
  const output = bag(body, "output")
  const message = output && bag(output, "message")
  if (complete && reason !== undefined && message !== undefined) {
    if (elements(get(message, "content"), 1).length === 0) emptyAfter(reason, found)
  }
  // Cohere and Ollama name it at the top level.
  finish(get(body, "finish_reason") ?? get(body, "done_reason"), found)
}
