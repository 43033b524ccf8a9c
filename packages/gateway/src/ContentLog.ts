/**
 * Prompts and answers in the log, by the logger `content`: their text only for routes that ask for it (`logContent`), and
 * else, where that logger is at `debug`, fingerprints that tell equal ones within this process and nothing more.
 */
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import * as Provenance from "@holdfast/core/Provenance"
import type * as CoreRoute from "@holdfast/core/Route"
import type * as TextModel from "@holdfast/core/TextModel"
import * as LogLevels from "@holdfast/telemetry/LogLevels"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { createHmac, randomBytes } from "node:crypto"

/** Characters of an answer that are kept for its line. */
const maxLength = 16_384

export interface ContentLog {
  readonly text: (route: string, isShown: boolean, model: CoreRoute.Text) => CoreRoute.Text
  readonly embed: (route: string, isShown: boolean, model: CoreRoute.Embed) => CoreRoute.Embed
}

export const make: Effect.Effect<ContentLog> = Effect.gen(function* () {
  const levels = Option.getOrUndefined(yield* Effect.serviceOption(LogLevels.LogLevels))
  // Nobody can try texts out against fingerprints whose key is not kept anywhere.
  const key = randomBytes(32)
  const fingerprint = (text: string): string => createHmac("sha256", key).update(text).digest("hex").slice(0, 16)

  const isHeard = (isShown: boolean): boolean =>
    levels === undefined ? isShown : levels.isEnabled("content", isShown ? "Info" : "Debug")

  const say = (route: string, isShown: boolean, prompt: string, answer: string | undefined): Effect.Effect<void> =>
    Effect.withFiber((fiber) => {
      const operation = fiber.getRef(Provenance.Sink)?.provenance?.operation
      const told = (name: string, text: string) =>
        isShown ? { [name]: text } : { [`${name}Hash`]: fingerprint(text), [`${name}Length`]: text.length }
      return (isShown ? Effect.logInfo : Effect.logDebug)(`${route}: what was asked and answered`, {
        operation,
        route,
        ...told("prompt", prompt),
        ...(answer === undefined ? {} : told("answer", answer))
      }).pipe(Effect.annotateLogs({ logger: "content" }))
    })

  const whole = <A, E>(
    route: string,
    isShown: boolean,
    prompt: () => string,
    asked: Effect.Effect<A, E>,
    textOf: (answer: A) => string | undefined
  ): Effect.Effect<A, E> =>
    Effect.suspend(() =>
      isHeard(isShown)
        ? Effect.onExit(asked, (exit) =>
            say(route, isShown, prompt(), Exit.isSuccess(exit) ? textOf(exit.value) : undefined)
          )
        : asked
    )

  const streamed = <Part extends { readonly type: string }, E>(
    route: string,
    isShown: boolean,
    request: TextModel.Request,
    stream: Stream.Stream<Part, E>
  ): Stream.Stream<Part, E> =>
    Stream.suspend(() => {
      if (!isHeard(isShown)) return stream
      let answer = ""
      return stream.pipe(
        Stream.map((part) => {
          if (answer.length < maxLength) answer += textOf(part)
          return part
        }),
        Stream.onExit(() => say(route, isShown, promptOf(request), answer))
      )
    })

  return {
    text: (route, isShown, model) => ({
      generate: (request) =>
        whole(
          route,
          isShown,
          () => promptOf(request),
          model.generate(request),
          (parts) => parts.map(textOf).join("")
        ),
      stream: (request) => streamed(route, isShown, request, model.stream(request)),
      streamRestarting: (request) => streamed(route, isShown, request, model.streamRestarting(request))
    }),
    embed: (route, isShown, model) => ({
      ...model,
      embed: (request: EmbedModel.Request) =>
        whole(
          route,
          isShown,
          () => request.inputs.join("\n"),
          model.embed(request),
          () => undefined
        )
    })
  }
})

/** What a part says in words; of a call or a file, only what it is. */
const textOf = (part: { readonly type: string }): string => {
  if ((part.type === "text" || part.type === "reasoning") && "text" in part) return String(part.text)
  if ((part.type === "text-delta" || part.type === "reasoning-delta") && "delta" in part) return String(part.delta)
  return part.type === "tool-call" || part.type === "file" ? `[${part.type}]` : ""
}

const promptOf = ({ prompt }: TextModel.Request): string =>
  prompt.content
    .map(({ content, role }) => {
      const text =
        typeof content === "string" ? content : content.map((part) => textOf(part) || `[${part.type}]`).join("")
      return `${role}: ${text}`
    })
    .join("\n")
