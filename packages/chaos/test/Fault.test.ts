import { assert, describe, it } from "@effect/vitest"
import { Duration, Exit, Schema } from "effect"
import * as Fault from "../src/Fault.ts"

const decode = Schema.decodeUnknownExit(Fault.Fault)

describe("Fault", () => {
  it("reads durations as people write them and fills in what was left out", () => {
    assert.deepStrictEqual(
      decode({ _tag: "Stall", for: "30 seconds" }),
      Exit.succeed({ _tag: "Stall", after: 1, for: Duration.seconds(30), afterwards: "close" } as const)
    )
    assert.deepStrictEqual(
      decode({ _tag: "Overloaded" }),
      Exit.succeed({ _tag: "Overloaded", code: "server_is_overloaded" } as const)
    )
  })

  it("refuses what cannot happen", () => {
    for (const input of [
      { _tag: "Hang", for: "-1 seconds" },
      { _tag: "Hang", for: "Infinity" },
      { _tag: "Hang", for: "soon" },
      { _tag: "Stall" },
      { _tag: "Truncate", after: -1 },
      { _tag: "Truncate", after: 1.5 },
      { _tag: "MalformedChunk", before: 0 },
      { _tag: "HtmlPage", status: 99 },
      { _tag: "RateLimit", form: "telepathy" },
      { _tag: "Earthquake" }
    ]) {
      assert.isTrue(Exit.isFailure(decode(input)), JSON.stringify(input))
    }
  })

  it.prop("survives being written to a file and read back", [Fault.Fault], ([fault]) => {
    const written = JSON.parse(JSON.stringify(Schema.encodeSync(Fault.Fault)(fault)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(Fault.Fault)(written), fault)
  })
})
