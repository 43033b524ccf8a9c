/** `@copilotkit/aimock`, a mock server that others wrote, as a host of the contract. */
import { type ChatCompletionRequest, type FixtureOpts, type FixtureResponse, LLMock } from "@copilotkit/aimock"
import { Duration, Effect } from "effect"
import { sixtyWords } from "../../src/Healthy.ts"
import { city, countWords, type Host, prompts, type Scene, thought, wait } from "./Scene.ts"
import { goodKey } from "./Subject.ts"

/** Pieces of a stream, in characters: some sixty of them in the usual answer. */
const chunkSize = 6

const fixtures: { readonly [Of in Scene]: FixtureOpts } = {
  healthy: { chunkSize },
  slow: { chunkSize, latency: 20 },
  silent: { chaos: { latencyMs: 30_000 } },
  limited: {},
  cut: { chunkSize, truncateAfterChunks: 10, latency: 2 }
}

export const host: Host = {
  name: "aimock",
  open: (scene) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const mock = new LLMock({ port: 0, auth: { apiKeys: [goodKey] } })
        if (scene === "limited") mock.on({}, limit)
        else mock.on({ endpoint: "chat" }, answer, fixtures[scene])
        await mock.start()
        return mock
      }),
      (mock) => Effect.promise(() => mock.stop())
    ).pipe(Effect.map((mock) => mock.port))
}

const limit: FixtureResponse = {
  error: { message: "Rate limit reached", type: "rate_limit_error", code: "rate_limit_exceeded" },
  status: 429,
  retryAfter: Duration.toSeconds(wait)
}

/** The answer to the last of the messages, with tokens as if each word were one. */
const answer = ({ messages }: ChatCompletionRequest): FixtureResponse => {
  const texts = messages.map((message) => textOf(message.content))
  const last = messages.findLast((message) => message.role === "user")
  const asked = textOf(last?.content ?? null)
  const said = whatIsSaid(asked)
  const output = "content" in said ? said.content : ""
  const prompt_tokens = texts.reduce((sum, text) => sum + countWords(text), 0)
  return { ...said, usage: { prompt_tokens, completion_tokens: countWords(output) } }
}

const whatIsSaid = (asked: string) => {
  switch (asked) {
    case prompts.brief:
      return { content: "A holdfast", finishReason: "length" }
    case prompts.tool:
      return { toolCalls: [call("weather", city)] }
    case prompts.tools:
      return { toolCalls: [call("weather", city), call("clock", { zone: "sample" })] }
    case prompts.json:
      return { content: JSON.stringify(city) }
    case prompts.think:
      return { content: sixtyWords, reasoning: thought }
    default:
      return { content: sixtyWords }
  }
}

const call = (name: string, args: object) => ({ name, arguments: JSON.stringify(args) })

const textOf = (content: ChatCompletionRequest["messages"][number]["content"]): string =>
  typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("")
