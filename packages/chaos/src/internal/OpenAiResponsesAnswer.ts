/** OpenAI's healthy answers to `POST /v1/responses`: one response, whole or as the events that build it up. */
import * as Answer from "./Answer.ts"
import { headers } from "./OpenAiAnswer.ts"
import * as OpenAiResponse from "./OpenAiResponse.ts"
import * as OpenAiResponsesHistory from "./OpenAiResponsesHistory.ts"
import type * as OpenAiResponsesRequest from "./OpenAiResponsesRequest.ts"
import type { Occasion } from "./Surface.ts"

export const create = (request: OpenAiResponsesRequest.Create, occasion: Occasion): Answer.Answer => {
  const refusal = OpenAiResponsesHistory.refusal(request, occasion.id)
  if (refusal !== undefined) return refusal
  const plan = OpenAiResponse.plan(request, occasion)
  return request.stream === true ? streamed(plan, occasion.id) : whole(plan, occasion.id)
}

const whole = (plan: OpenAiResponse.Plan, id: number): Answer.Whole => ({
  ...Answer.json(200, OpenAiResponse.ended(plan), headers(id)),
  broken: (error) => Answer.json(200, OpenAiResponse.failed(plan, error), headers(id))
})

const streamed = (plan: OpenAiResponse.Plan, id: number): Answer.Events => {
  const opening = openingOf(plan)
  const content = contentOf(plan)
  return {
    ...Answer.events({
      headers: headers(id),
      opening: numbered(opening, 0),
      content: numbered(content, opening.length),
      closing: numbered(closingOf(plan), opening.length + content.length)
    }),
    // The service sends the error first and ends the response after it.
    broken: (error, sent) =>
      numbered(
        [
          { type: "error", error: { ...OpenAiResponse.errorOf(error), param: null } },
          { type: "response.failed", response: OpenAiResponse.failed(plan, error) }
        ],
        sent
      )
  }
}

type Event = OpenAiResponse.Fields & { readonly type: string }

/** The texts of events, each under its type and numbered from `first`. */
const numbered = (events: ReadonlyArray<Event>, first: number): ReadonlyArray<string> =>
  events.map((event, n) => {
    const data = { ...event, sequence_number: first + n }
    return `event: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`
  })

/** Where the nth item stands. */
const place = ({ items, reasoning }: OpenAiResponse.Plan, n: number) => ({
  item_id: items[n]?.fields.id,
  output_index: reasoning === undefined ? n : n + 1
})

const openingOf = (plan: OpenAiResponse.Plan): ReadonlyArray<Event> => {
  const response = OpenAiResponse.begun(plan)
  return [
    { type: "response.created", response },
    { type: "response.in_progress", response },
    ...(plan.reasoning === undefined ? [] : reasoningEvents(plan.reasoning)),
    ...begin(plan, plan.items[0], 0)
  ]
}

/** Of several items, those in between begin and end within the content. */
const contentOf = (plan: OpenAiResponse.Plan): ReadonlyArray<Event> =>
  plan.items.flatMap((item, n) => [
    ...(n === 0 ? [] : begin(plan, item, n)),
    ...item.pieces.map((delta) =>
      item.isCall
        ? { type: "response.function_call_arguments.delta", ...place(plan, n), delta }
        : { type: "response.output_text.delta", ...place(plan, n), content_index: 0, delta, logprobs: [] }
    ),
    ...(n === plan.items.length - 1 ? [] : end(plan, item, n))
  ])

const closingOf = (plan: OpenAiResponse.Plan): ReadonlyArray<Event> => [
  ...plan.items.slice(-1).flatMap((item) => end(plan, item, plan.items.length - 1)),
  { type: `response.${plan.status}`, response: OpenAiResponse.ended(plan) }
]

const begin = (plan: OpenAiResponse.Plan, item: OpenAiResponse.Item, n: number): ReadonlyArray<Event> => {
  const { item_id, output_index } = place(plan, n)
  const part = { item_id, output_index, content_index: 0, part: OpenAiResponse.part("") }
  return [
    { type: "response.output_item.added", output_index, item: OpenAiResponse.item(item, "in_progress", undefined) },
    ...(item.isCall ? [] : [{ type: "response.content_part.added", ...part }])
  ]
}

const end = (plan: OpenAiResponse.Plan, item: OpenAiResponse.Item, n: number): ReadonlyArray<Event> => {
  const { item_id, output_index } = place(plan, n)
  const text = item.pieces.join("")
  const inPart = { item_id, output_index, content_index: 0 }
  return [
    ...(item.isCall
      ? [{ type: "response.function_call_arguments.done", item_id, output_index, arguments: text }]
      : [
          { type: "response.output_text.done", ...inPart, text, logprobs: [] },
          { type: "response.content_part.done", ...inPart, part: OpenAiResponse.part(text) }
        ]),
    { type: "response.output_item.done", output_index, item: OpenAiResponse.item(item, plan.status, text) }
  ]
}

/** Reasoning is over before the content begins. */
const reasoningEvents = (reasoning: OpenAiResponse.Reasoning): ReadonlyArray<Event> => {
  const inSummary = { item_id: reasoning.id, output_index: 0, summary_index: 0 }
  return [
    { type: "response.output_item.added", output_index: 0, item: { ...reasoning, summary: [] } },
    ...reasoning.summary.flatMap((part) => [
      { type: "response.reasoning_summary_part.added", ...inSummary, part: { ...part, text: "" } },
      { type: "response.reasoning_summary_text.delta", ...inSummary, delta: part.text },
      { type: "response.reasoning_summary_text.done", ...inSummary, text: part.text },
      { type: "response.reasoning_summary_part.done", ...inSummary, part }
    ]),
    { type: "response.output_item.done", output_index: 0, item: reasoning }
  ]
}
