/**
 * What OpenAI finds wrong with the history of a request for a response. The emulated server stores no response, so a
 * history must stand on its own, as with `store: false`.
 */
import * as Answer from "./Answer.ts"
import { headers } from "./OpenAiAnswer.ts"
import * as OpenAiResponsesRequest from "./OpenAiResponsesRequest.ts"

/** The `encrypted_content` of an emulated reasoning item; no other opens here. */
export const seal = (id: number): string => `emulated-seal-${String(id).padStart(8, "0")}`

/** The error that answers the request, if its history is none. */
export const refusal = (request: OpenAiResponsesRequest.Create, id: number): Answer.Whole | undefined => {
  const error = (status: number, message: string, code: string | null = null, param = "input") =>
    Answer.json(status, { error: { message, type: "invalid_request_error", param, code } }, headers(id))

  if (typeof request.previous_response_id === "string") {
    const message = "Previous response with this id not found."
    return error(400, message, "previous_response_not_found", "previous_response_id")
  }
  const open = new Set<string>()
  const items = OpenAiResponsesRequest.items(request)
  for (const item of items) {
    if (item.type === "function_call") open.add(item.call_id)
    if (item.type === "function_call_output" && !open.delete(item.call_id)) {
      return error(400, "No tool call found for function call output with this call_id.")
    }
    if (item.type !== "reasoning") continue
    if (typeof item.encrypted_content !== "string") {
      const stored = "Items are not persisted when `store` is set to false. Try again with `store` set to true, or"
      return error(404, `Item with this id not found. ${stored} remove this item from your input.`)
    }
    if (!/^emulated-seal-\d{8}$/.test(item.encrypted_content)) {
      return error(400, "The encrypted content could not be verified.", "invalid_encrypted_content")
    }
  }
  if (items.at(-1)?.type === "reasoning") {
    return error(400, "An item of type 'reasoning' was provided without its required following item.")
  }
  return open.size === 0 ? undefined : error(400, "No tool output found for a function call.")
}
