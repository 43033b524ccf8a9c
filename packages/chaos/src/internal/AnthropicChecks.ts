/** What the API rejects in a request whose fields all have the right type, in its own words. Pure. */
import * as Predicate from "effect/Predicate"
import * as AnthropicAnswer from "./AnthropicAnswer.ts"
import * as AnthropicRequest from "./AnthropicRequest.ts"

/** Why the request is rejected, if it is. */
export const objection = (request: AnthropicRequest.Create, version: string): string | undefined =>
  ofSampling(request, version) ?? ofThinking(request) ?? ofMessages(request) ?? ofSchema(request)

const ofSampling = (request: AnthropicRequest.Create, version: string): string | undefined => {
  const sampler = (["temperature", "top_p", "top_k"] as const).find((name) => request[name] !== undefined)
  if (sampler !== undefined && version === "2026-10-21") return `${sampler}: Extra inputs are not permitted`
  return request.stop_sequences?.some((sequence) => sequence.trim() === "") === true
    ? "stop_sequences: each stop sequence must contain non-whitespace"
    : undefined
}

const ofThinking = ({ max_tokens, thinking, tool_choice }: AnthropicRequest.Create): string | undefined => {
  if (thinking?.type !== "enabled") return undefined
  if (thinking.budget_tokens === undefined) return "thinking.enabled.budget_tokens: Field required"
  if (thinking.budget_tokens >= max_tokens) return "`max_tokens` must be greater than `thinking.budget_tokens`."
  return tool_choice?.type === "any" || tool_choice?.type === "tool"
    ? "Thinking may not be enabled when tool_choice forces tool use."
    : undefined
}

const ofMessages = ({ messages }: AnthropicRequest.Create): string | undefined => {
  const all = messages.map(({ content, role }) => ({ role, blocks: AnthropicRequest.blocksOf(content) }))
  for (const [n, { blocks, role }] of all.entries()) {
    if (blocks.length === 0) return `messages.${n}: all messages must have non-empty content`
    for (const [m, block] of blocks.entries()) {
      const objection = ofBlock(block)
      if (objection !== undefined) return `messages.${n}.content.${m}: ${objection}`
    }
    const calls = role === "assistant" ? idsOf(blocks, "tool_use") : []
    const results = role === "user" ? idsOf(blocks, "tool_result") : []
    const answered = idsOf(all[n + 1]?.blocks ?? [], "tool_result")
    const open = calls.filter((id) => !answered.includes(id))
    if (open.length > 0) {
      return `messages.${n}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(", ")}.`
    }
    const called = idsOf(all[n - 1]?.blocks ?? [], "tool_use")
    const stray = results.find((id) => !called.includes(id))
    if (stray !== undefined) {
      return `messages.${n}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}.`
    }
    if (blocks.slice(results.length).some((block) => block.type === "tool_result")) {
      return `messages.${n}: \`tool_result\` blocks must come first.`
    }
  }
  const last = all.at(-1)
  return last?.role === "assistant" && /\s$/.test(last.blocks.at(-1)?.text ?? "")
    ? "messages: final assistant content cannot end with trailing whitespace"
    : undefined
}

const ofBlock = (block: AnthropicRequest.Block): string | undefined => {
  switch (block.type) {
    case "text":
      return (block.text ?? "").trim() === "" ? "text content blocks must contain non-whitespace text" : undefined
    case "thinking":
      return AnthropicAnswer.isSignature(block.signature) ? undefined : "Invalid `signature` in `thinking` block"
    case "tool_use":
      return /^[a-zA-Z0-9_-]+$/.test(block.id ?? "")
        ? undefined
        : "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    default:
      return undefined
  }
}

const idsOf = (
  blocks: ReadonlyArray<AnthropicRequest.Block>,
  type: "tool_use" | "tool_result"
): ReadonlyArray<string> =>
  blocks
    .filter((block) => block.type === type)
    .map((block) => (type === "tool_use" ? block.id : block.tool_use_id) ?? "")

const ofSchema = (request: AnthropicRequest.Create): string | undefined =>
  isClosed(request.output_config?.format?.schema)
    ? undefined
    : "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"

const isClosed = (schema: unknown): boolean => {
  if (Array.isArray(schema)) return schema.every(isClosed)
  if (!Predicate.isObject(schema)) return true
  if (schema["type"] === "object" && schema["additionalProperties"] !== false) return false
  return Object.values(schema).every(isClosed)
}
