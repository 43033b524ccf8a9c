/**
 * A chat completion as OpenAI's clients ask for it, read into our own request. Nothing that is set is dropped in silence:
 * what no lane of ours can honour is refused by name, what changes no answer is listed as ignored.
 */
import type * as TextModel from "@holdfast/core/TextModel"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The request cannot be served as it is. */
export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", {
  /** The field at fault. */
  param: Schema.NullOr(Schema.String),
  code: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/** What was asked for. */
export interface ChatRequest {
  /** What the caller put in `model`: the name of a route. */
  readonly route: string
  readonly stream: boolean
  /** Whether a stream ends with a chunk about usage. */
  readonly includeUsage: boolean
  readonly request: TextModel.Request
  /** Fields that were set and change nothing here. */
  readonly ignored: ReadonlyArray<string>
}

const nullish = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const TextPart = Schema.Struct({ type: Schema.Literal("text"), text: Schema.String })
const ImagePart = Schema.Struct({
  type: Schema.Literal("image_url"),
  image_url: Schema.Struct({ url: Schema.String, detail: nullish(Schema.String) })
})
const Text = Schema.Union([Schema.String, Schema.Array(TextPart)])
const ToolCall = Schema.Struct({
  id: Schema.String,
  type: Schema.optionalKey(Schema.Literal("function")),
  function: Schema.Struct({ name: Schema.String, arguments: Schema.String })
})
const roles = ["system", "developer", "user", "assistant", "tool"] as const
// A member per role, so that what is wrong with a message is said of its own role's form.
const Message = Schema.Union([
  Schema.Struct({ role: Schema.Literal("system"), content: Text }),
  Schema.Struct({ role: Schema.Literal("developer"), content: Text }),
  Schema.Struct({
    role: Schema.Literal("user"),
    content: Schema.Union([Schema.String, Schema.Array(Schema.Union([TextPart, ImagePart]))])
  }),
  Schema.Struct({
    role: Schema.Literal("assistant"),
    content: nullish(Text),
    tool_calls: nullish(Schema.Array(ToolCall))
  }),
  Schema.Struct({ role: Schema.Literal("tool"), tool_call_id: Schema.String, content: Text })
])
const Tool = Schema.Struct({
  type: Schema.Literal("function"),
  function: Schema.Struct({
    name: Schema.String,
    description: nullish(Schema.String),
    parameters: nullish(Schema.Record(Schema.String, Schema.Unknown)),
    strict: nullish(Schema.Boolean)
  })
})
const ToolChoice = Schema.Union([
  Schema.Literals(["none", "auto", "required"]),
  Schema.Struct({ type: Schema.Literal("function"), function: Schema.Struct({ name: Schema.String }) })
])
const ResponseFormat = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["text", "json_object"]) }),
  Schema.Struct({
    type: Schema.Literal("json_schema"),
    json_schema: Schema.Struct({
      name: Schema.String,
      schema: Schema.Record(Schema.String, Schema.Unknown),
      strict: nullish(Schema.Boolean)
    })
  })
])

const positive = Schema.Int.check(Schema.isGreaterThan(0))
const Body = Schema.Struct({
  model: Schema.NonEmptyString,
  messages: Schema.NonEmptyArray(Message),
  stream: nullish(Schema.Boolean),
  stream_options: nullish(Schema.Struct({ include_usage: nullish(Schema.Boolean) })),
  temperature: nullish(Schema.Finite),
  top_p: nullish(Schema.Finite),
  max_tokens: nullish(positive),
  max_completion_tokens: nullish(positive),
  stop: nullish(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  seed: nullish(Schema.Int),
  frequency_penalty: nullish(Schema.Finite),
  presence_penalty: nullish(Schema.Finite),
  reasoning_effort: nullish(Schema.Literals(["none", "minimal", "low", "medium", "high", "xhigh"])),
  tools: nullish(Schema.Array(Tool)),
  tool_choice: nullish(ToolChoice),
  response_format: nullish(ResponseFormat)
})
type Body = typeof Body.Type

/** Fields that would change the answer and that no lane can honour, with the values that ask for nothing. */
const unsupported = new Map<string, (value: unknown) => boolean>([
  ["n", (value) => value === 1],
  ["logprobs", (value) => value === false],
  ["top_logprobs", (value) => value === 0],
  ["logit_bias", (value) => Predicate.isObject(value) && Object.keys(value).length === 0],
  ["modalities", (value) => Array.isArray(value) && value.every((one) => one === "text")],
  ["parallel_tool_calls", (value) => value === true],
  ["audio", () => false],
  ["prediction", () => false],
  ["web_search_options", () => false],
  ["functions", (value) => Array.isArray(value) && value.length === 0],
  ["function_call", (value) => value === "none"]
])

const decode = Schema.decodeUnknownResult(Body)

/** Reads a request's JSON. Fails with the field that is at fault. */
export const parse = Effect.fnUntraced(function* (json: unknown): Effect.fn.Return<ChatRequest, BadRequest> {
  const decoded = decode(json)
  if (Result.isFailure(decoded)) return yield* roleFault(json) ?? invalid(decoded.failure)
  const body = decoded.success
  const ignored: Array<string> = []
  for (const [field, value] of Object.entries(Predicate.isObject(json) ? json : {})) {
    if (Object.hasOwn(Body.fields, field) || value === null || value === undefined) continue
    const harmless = unsupported.get(field)
    if (harmless === undefined) ignored.push(field)
    else if (!harmless(value)) {
      return yield* new BadRequest({
        param: field,
        code: "unsupported_parameter",
        problem: `${field} is not supported by this gateway`
      })
    }
  }
  return {
    route: body.model,
    stream: body.stream ?? false,
    includeUsage: body.stream_options?.include_usage ?? false,
    ignored,
    request: {
      prompt: Prompt.fromMessages(yield* messagesOf(body)),
      tools: (body.tools ?? []).map(({ function: tool }) => ({
        name: tool.name,
        description: tool.description ?? undefined,
        parameters: tool.parameters ?? { type: "object", properties: {} },
        strict: tool.strict ?? undefined
      })),
      toolChoice: choiceOf(body),
      responseFormat: formatOf(body),
      sampling: {
        temperature: body.temperature ?? undefined,
        topP: body.top_p ?? undefined,
        maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
        stop: typeof body.stop === "string" ? [body.stop] : (body.stop ?? undefined),
        seed: body.seed ?? undefined,
        frequencyPenalty: body.frequency_penalty ?? undefined,
        presencePenalty: body.presence_penalty ?? undefined,
        reasoningEffort: body.reasoning_effort ?? undefined
      }
    }
  }
})

/** The first message whose role is none: what a schema would say about it is the form of all of them. */
const roleFault = (json: unknown): BadRequest | undefined => {
  if (!Predicate.hasProperty(json, "messages") || !Array.isArray(json.messages)) return undefined
  const at = json.messages.findIndex(
    (message: unknown) =>
      Predicate.isObject(message) && !roles.some((role) => "role" in message && message.role === role)
  )
  return at === -1
    ? undefined
    : new BadRequest({
        param: `messages.${at}.role`,
        code: "invalid_value",
        problem: `messages.${at}.role: expected one of ${roles.join(", ")}`
      })
}

/** A schema's complaint in the shape of ours: the first path, without the value. */
export const invalid = (error: Schema.SchemaError): BadRequest => {
  const [first = "the request cannot be read", second = ""] = error.message.split("\n")
  const path = [...second.matchAll(/\["?([^"\]]+)"?\]/g)].map(([, key]) => key)
  return new BadRequest({
    param: path.length === 0 ? null : path.join("."),
    code: "invalid_value",
    problem: path.length === 0 ? first : `${path.join(".")}: ${first}`
  })
}

const choiceOf = (body: Body): TextModel.ToolChoice => {
  const choice = body.tool_choice ?? "auto"
  return typeof choice === "string" ? choice : { tool: choice.function.name }
}

const formatOf = (body: Body): TextModel.ResponseFormat => {
  const format = body.response_format
  if (format === undefined || format === null) return { type: "text" }
  if (format.type !== "json_schema") return format.type === "text" ? { type: "text" } : { type: "json-object" }
  const { name, schema, strict } = format.json_schema
  return { type: "json", name, schema, strict: strict ?? undefined }
}

const textOf = (content: typeof Text.Type): string =>
  typeof content === "string" ? content : content.map((part) => part.text).join("")

const messagesOf = Effect.fnUntraced(function* (body: Body): Effect.fn.Return<Array<Prompt.Message>, BadRequest> {
  const toolNames = new Map<string, string>()
  const messages: Array<Prompt.Message> = []
  for (const [index, message] of body.messages.entries()) {
    switch (message.role) {
      case "system":
      case "developer":
        messages.push(Prompt.makeMessage("system", { content: textOf(message.content) }))
        break
      case "user": {
        const parts =
          typeof message.content === "string" ? [{ type: "text" as const, text: message.content }] : message.content
        const content: Array<Prompt.UserMessagePart> = []
        for (const part of parts) {
          content.push(
            part.type === "text" ? Prompt.makePart("text", { text: part.text }) : yield* imageOf(part, index)
          )
        }
        messages.push(Prompt.makeMessage("user", { content }))
        break
      }
      case "assistant": {
        const text = textOf(message.content ?? "")
        const content: Array<Prompt.AssistantMessagePart> = text === "" ? [] : [Prompt.makePart("text", { text })]
        for (const call of message.tool_calls ?? []) {
          toolNames.set(call.id, call.function.name)
          const params = parseJson(call.function.arguments)
          if (Result.isFailure(params)) {
            return yield* new BadRequest({
              param: `messages.${index}.tool_calls`,
              code: "invalid_value",
              problem: `messages.${index}.tool_calls: the arguments of ${call.id} are not JSON`
            })
          }
          content.push(
            Prompt.makePart("tool-call", {
              id: call.id,
              name: call.function.name,
              params: params.success,
              providerExecuted: false
            })
          )
        }
        messages.push(Prompt.makeMessage("assistant", { content }))
        break
      }
      case "tool": {
        const name = toolNames.get(message.tool_call_id)
        if (name === undefined) {
          return yield* new BadRequest({
            param: `messages.${index}.tool_call_id`,
            code: "invalid_value",
            problem: `messages.${index}.tool_call_id: no earlier message calls a tool with this id`
          })
        }
        const result = Prompt.makePart("tool-result", {
          id: message.tool_call_id,
          name,
          isFailure: false,
          result: textOf(message.content),
          providerExecuted: false
        })
        const previous = messages.at(-1)
        // Results of parallel calls belong to one message.
        if (previous?.role === "tool") {
          messages[messages.length - 1] = Prompt.makeMessage("tool", { content: [...previous.content, result] })
        } else messages.push(Prompt.makeMessage("tool", { content: [result] }))
      }
    }
  }
  return messages
})

const parseJson = Schema.decodeUnknownResult(Schema.fromJsonString(Schema.Unknown))

const dataUrl = /^data:([a-z]+\/[a-z0-9.+-]+);base64,/i

const imageOf = Effect.fnUntraced(function* (part: typeof ImagePart.Type, index: number) {
  const { url } = part.image_url
  const inline = dataUrl.exec(url.slice(0, 200))
  if (inline !== null) {
    const [head, mediaType = "image/*"] = inline
    return Prompt.makePart("file", { mediaType, data: url.slice(head.length) })
  }
  const remote = URL.parse(url)
  if (remote === null || (remote.protocol !== "https:" && remote.protocol !== "http:")) {
    return yield* new BadRequest({
      param: `messages.${index}.content`,
      code: "invalid_image_url",
      problem: `messages.${index}.content: an image is neither an http(s) URL nor a base64 data URL`
    })
  }
  return Prompt.makePart("file", { mediaType: "image/*", data: remote })
})
