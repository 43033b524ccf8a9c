/** The libraries that are put to the test, in the order of the table. */
import { cockatiel } from "./Cockatiel.ts"
import { effect } from "./EffectBreaker.ts"
import { holdfast } from "./Holdfast.ts"
import { opossum } from "./Opossum.ts"
import type { Subject } from "./Subject.ts"

export const subjects: ReadonlyArray<Subject> = [holdfast, cockatiel, opossum, effect]
