/** What the tests of OpenAI's Responses API share. */
import type OpenAI from "openai"
import { sixtyWords } from "../../src/Healthy.ts"

export const responses = { path: "/v1/responses" }

export const input = "What holds a kelp to its rock?"

export const body = (more: Readonly<Record<string, unknown>> = {}) => ({ model: "m", input, ...more })

export const textOf = (events: ReadonlyArray<OpenAI.Responses.ResponseStreamEvent>) =>
  events.map((event) => (event.type === "response.output_text.delta" ? event.delta : "")).join("")

export const words = (count: number) => sixtyWords.split(" ").slice(0, count).join(" ")

/** The names and the parsed data of the events in a body, chunk framing included. */
export const eventsOf = (body: string) =>
  [...body.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map((match) => ({
    name: match[1] ?? "",
    data: JSON.parse(match[2] ?? "") as { readonly type: string; readonly sequence_number: number }
  }))
