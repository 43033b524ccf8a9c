/** A lane's models as `effect/ai` Layers, without the pipeline: one call is one request, its errors carry our classes. */
import * as AiModels from "@holdfast/core/AiModels"
import type * as Lane from "@holdfast/core/Lane"
import * as EmbeddingModel from "effect/ai/EmbeddingModel"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** Dies with a `RangeError` when the model is known to generate no text. */
export const languageModel = <E, R>(
  provider: string,
  model: string,
  lane: Effect.Effect<Lane.Lane, E, R>
): Layer.Layer<LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName, E, R> =>
  Layer.merge(
    names(provider, model),
    Layer.effect(
      LanguageModel.LanguageModel,
      Effect.flatMap(lane, ({ id, text }) =>
        text === undefined ? Effect.die(new RangeError(`${id} does not generate text`)) : AiModels.languageModel(text)
      )
    )
  )

/** Dies with a `RangeError` when the model is known to make no vectors. */
export const embeddingModel = <E, R>(
  provider: string,
  model: string,
  lane: Effect.Effect<Lane.Lane, E, R>
): Layer.Layer<EmbeddingModel.EmbeddingModel | Model.ProviderName | Model.ModelName, E, R> =>
  Layer.merge(
    names(provider, model),
    Layer.effect(
      EmbeddingModel.EmbeddingModel,
      Effect.flatMap(lane, ({ embed, id }) =>
        embed === undefined ? Effect.die(new RangeError(`${id} does not embed`)) : AiModels.embeddingModel(embed)
      )
    )
  )

const names = (provider: string, model: string): Layer.Layer<Model.ProviderName | Model.ModelName> =>
  Layer.succeedContext(Context.add(Context.make(Model.ProviderName, provider), Model.ModelName, model))
