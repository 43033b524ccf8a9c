import { describe } from "@effect/vitest"
import { SharingRedis } from "@holdfast/core"
import { randomUUID } from "node:crypto"
import { sharedStoreSuite } from "./SharedStoreSuite.ts"
import * as Redis from "./TestRedis.ts"

describe.skipIf(!Redis.isThere)("Redis", () => {
  sharedStoreSuite(
    "a Redis",
    Redis.TestRedis.layer,
    Redis.TestRedis.useSync((server) => ({
      ...server,
      storeAt: (at) => SharingRedis.make({ connect: Redis.connectTo(at), prefix: `holdfast-test-${randomUUID()}` })
    }))
  )
})
