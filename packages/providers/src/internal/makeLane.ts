/** A lane out of a wire format and an HTTP client. */
import * as Adaptation from "@holdfast/core/Adaptation"
import type * as EmbedModel from "@holdfast/core/EmbedModel"
import type * as Failure from "@holdfast/core/Failure"
import * as Lane from "@holdfast/core/Lane"
import type * as TextModel from "@holdfast/core/TextModel"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as ModelProfile from "../ModelProfile.ts"
import * as Tokens from "../Tokens.ts"
import * as Tables from "../rules/tables.ts"
import type { Encoded } from "./Encoded.ts"
import { gather } from "./gather.ts"
import * as Problem from "./Problem.ts"
import type { Protocol } from "./Protocol.ts"
import * as requestChecks from "./requestChecks.ts"
import * as Settings from "./Settings.ts"
import * as Trouble from "./Trouble.ts"
import * as Wire from "./Wire.ts"

export interface Options extends Settings.Common {
  readonly provider: string
  readonly model: string
  /** Sent with every request; the key is among them. */
  readonly headers: Redacted.Redacted<{ readonly [name: string]: string }>
  readonly key: Redacted.Redacted | undefined
  /** Whose errors to expect where the provider's own name says nothing to the classifier. */
  readonly errorsOf: string
}

export const makeLane = (protocol: Protocol, options: Options, client: HttpClient.HttpClient): Lane.Lane => {
  const { model, provider } = options
  const offer = Settings.offer(provider, model, options.capabilities, options.catalogue)
  const { capabilities, isEmbedding, isText } = offer
  const { price = offer.price } = options
  const base = Lane.make({ provider, model, credential: options.credential, id: options.id, capabilities })
  const target = { provider, model, lane: base.id }
  const { headers, key, onBadEvent = "fail" } = options
  const errorsOf = Object.hasOwn(Tables.own, provider) ? provider : options.errorsOf
  const tokenizer = { provider: errorsOf, model }
  const wire = Wire.make({ client, target, errorsOf, headers, key, onBadEvent })

  const orRefuse = (encode: () => Result.Result<Encoded, Problem.Problem>): Effect.Effect<string, Failure.Failure> =>
    Effect.suspend(() => {
      const encoded = encode()
      if (Result.isFailure(encoded)) return Effect.fail(Problem.toFailure(encoded.failure, protocol.format, target))
      const { adapted, json } = encoded.success
      return adapted.size === 0 ? Effect.succeed(json) : Effect.as(Adaptation.tell(adapted), json)
    })
  const encodeText = (request: TextModel.Request, isStream: boolean) =>
    orRefuse(() =>
      Result.flatMap(requestChecks.checkCapabilities(request, capabilities, isStream), () =>
        protocol.text.encode(request, isStream)
      )
    )

  const text: TextModel.TextModel = {
    generate: (request) =>
      encodeText(request, false).pipe(
        Effect.flatMap((json) => wire.post(protocol.text.url, json)),
        Effect.flatMap((answer) => Wire.assemble(wire, answer, protocol.text.readWhole)),
        Effect.map(gather)
      ),
    stream: (request) =>
      Stream.unwrap(
        Effect.map(encodeText(request, true), (json) =>
          wire.stream(protocol.text.streamUrl, json, protocol.text.eventReader())
        )
      )
  }

  const { embed: wireEmbed } = protocol
  const embed: EmbedModel.EmbedModel | undefined = wireEmbed && {
    embed: (request) =>
      Effect.flatMap(
        orRefuse(() => wireEmbed.encode(request)),
        (json) => {
          if (request.inputs.length === 0) return Effect.succeed({ vectors: [], model })
          return Effect.flatMap(wire.post(wireEmbed.url, json), ({ body, head }) => {
            const response = wireEmbed.read(body, { request, model, capabilities })
            return Result.isSuccess(response) ? Effect.succeed(response.success) : wire.fail(response.failure, head)
          })
        }
      )
  }

  const check = Effect.flatMap(wire.get(protocol.modelsUrl), ({ body, head }) =>
    typeof body === "object" && body !== null
      ? Effect.void
      : wire.fail(Trouble.wrongShape(body, "the list of models is none"), head)
  )

  return {
    ...base,
    text: isText ? text : undefined,
    embed: isEmbedding ? embed : undefined,
    check,
    statesLimits: true,
    adapts: true,
    cost: (usage) => (price === undefined ? undefined : ModelProfile.costAt(price, usage)),
    estimateTokens: (request) =>
      Tokens.estimate(request, tokenizer).tokens +
      // What may be written is counted when the request is made, and given back when less has been.
      ("sampling" in request ? (request.sampling.maxOutputTokens ?? 0) : 0),
    leastTokens: (request) => {
      const { margin, tokens } = Tokens.estimate(request, tokenizer)
      return tokens * (1 - margin) + (request.sampling.maxOutputTokens ?? 0)
    }
  }
}
