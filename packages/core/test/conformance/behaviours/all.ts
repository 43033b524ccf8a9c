/** The forty behaviours, in order. */
import type { Behaviour } from "../Behaviour.ts"
import { guarding } from "./guarding.ts"
import { holding } from "./holding.ts"
import { probing } from "./probing.ts"
import { reopening } from "./reopening.ts"
import { retrying } from "./retrying.ts"
import { spending } from "./spending.ts"
import { tripping } from "./tripping.ts"

export const behaviours: ReadonlyArray<Behaviour> = [
  ...tripping,
  ...reopening,
  ...probing,
  ...holding,
  ...guarding,
  ...retrying,
  ...spending
].toSorted((a, b) => a.number - b.number)
