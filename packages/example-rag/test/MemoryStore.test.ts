import { layer } from "@effect/vitest"
import * as MemoryStore from "./MemoryStore.ts"
import { storeSuite } from "./storeSuite.ts"

layer(MemoryStore.layer)("the store of the tests", storeSuite)
