/** What the admin API says of policies in storms that are simulated, as schemas. */
import { Picture } from "@holdfast/simulator/report/Picture"
import * as Schema from "effect/Schema"

const maybe = Schema.optional

/** A storm of the simulator's library. */
export const Storm = Schema.Struct({
  name: Schema.String,
  /** One sentence. */
  description: maybe(Schema.String),
  /** Where one can read what really happened. */
  sources: Schema.Array(Schema.String),
  /** Why fewer than 99 % can succeed, whatever one does. */
  beyond: maybe(Schema.String),
  durationMillis: Schema.Finite,
  /** Most preferred first. */
  lanes: Schema.Array(Schema.String)
})
export type Storm = typeof Storm.Type

/** A value of a policy's, as a configuration writes it. */
const Value = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])

/** A route for text, as it is configured. */
export const ConfiguredRoute = Schema.Struct({
  route: Schema.String,
  lanes: Schema.Array(Schema.String),
  /** Its policy in a few words each. */
  policy: Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String })),
  /** Numbers that it could have instead, one at a time, and which. */
  changes: Schema.Array(Schema.Struct({ name: Schema.String, values: Schema.Array(Value) }))
})
export type ConfiguredRoute = typeof ConfiguredRoute.Type

export const Options = Schema.Struct({
  routes: Schema.Array(ConfiguredRoute),
  storms: Schema.Array(Storm),
  /** Policies to compare with, and what people have without one. */
  against: Schema.Array(Schema.Struct({ name: Schema.String, text: Schema.String })),
  /** A run that takes longer is ended. */
  limitSeconds: Schema.Finite
})
export type Options = typeof Options.Type

export const Request = Schema.Struct({
  route: Schema.String,
  storm: Schema.String,
  /** One of `against`; without it and `change` nothing is compared. */
  against: maybe(Schema.String),
  /** Compares with the route's own policy with this one number changed, in place of `against`. */
  change: maybe(Schema.Struct({ name: Schema.String, value: Value })),
  /** The same seed gives the same picture. Default 1. */
  seed: maybe(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })))
})
export type Request = typeof Request.Type

/** What is there at the end of a run. */
export const Answer = Schema.Struct({
  /** To ask for the page by. */
  id: Schema.String,
  /** Which lane of the route each lane of the storm stands for. */
  lanes: Schema.Array(Schema.Struct({ lane: Schema.String, standsFor: Schema.String })),
  picture: Picture
})
export type Answer = typeof Answer.Type
export type { Picture, Policy as PicturePolicy } from "@holdfast/simulator/report/Picture"
