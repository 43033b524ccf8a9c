import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ChatRequest from "../src/openai/ChatRequest.ts"

const fault = (messages: unknown) =>
  Effect.map(Effect.flip(ChatRequest.parse({ model: "chat", messages })), ({ param, problem }) => [param, problem])

describe("a message that cannot be read", () => {
  it.effect.each([
    ["without content", { role: "user" }, "messages.0.content", "messages.0.content: Missing key"],
    [
      "with a number",
      { role: "user", content: 3 },
      "messages.0.content",
      "messages.0.content: Expected string | array"
    ],
    [
      "with a part without text",
      { role: "user", content: [{ type: "text" }] },
      "messages.0.content.0.text",
      "messages.0.content.0.text: Missing key"
    ],
    [
      "of nobody we know",
      { role: "nobody", content: "x" },
      "messages.0.role",
      "messages.0.role: expected one of system, developer, user, assistant, tool"
    ],
    [
      "without a role",
      { content: "x" },
      "messages.0.role",
      "messages.0.role: expected one of system, developer, user, assistant, tool"
    ]
  ] as const)("%s is refused with the field at fault", ([, message, param, problem]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* fault([message]), [param, problem])
    })
  )
})
