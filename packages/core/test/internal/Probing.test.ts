import { assert, describe, it } from "@effect/vitest"
import { askFirst, Probing } from "../../src/internal/Probing.ts"

describe("the fleet's probe, as one circuit sees it", () => {
  it("has to be asked for", () => {
    assert.strictEqual(new Probing().waitMillis(0), askFirst)
  })

  it("may go while the leave lasts, and once", () => {
    const probing = new Probing()
    probing.grant("a", 100)
    assert.strictEqual(probing.waitMillis(99), 0)
    assert.strictEqual(probing.waitMillis(100), askFirst)
    probing.begin(-1, 500)
    assert.strictEqual(probing.waitMillis(50), 450)
    assert.isUndefined(probing.end(-2))
    assert.strictEqual(probing.end(-1), "a")
    assert.isUndefined(probing.end(-1))
    assert.strictEqual(probing.waitMillis(50), askFirst)
  })

  it("may be asked for again when its probe never reports", () => {
    const probing = new Probing()
    probing.grant("a", 100)
    probing.begin(-1, 500)
    assert.strictEqual(probing.waitMillis(500), askFirst)
  })

  it("is another's until that says that it is done, or its time is over", () => {
    const probing = new Probing()
    probing.deny(0, 1000)
    assert.strictEqual(probing.waitMillis(400), 600)
    assert.isTrue(probing.isElsewhere(400))
    assert.strictEqual(probing.waitMillis(1000), askFirst)
    probing.deny(1000, 2000)
    probing.settleElsewhere(false)
    assert.strictEqual(probing.waitMillis(1100), askFirst)
    assert.isFalse(probing.isElsewhere(1100))
  })

  it("needs no leave once another's probe has succeeded, for one call", () => {
    const probing = new Probing()
    probing.deny(0, 1000)
    probing.settleElsewhere(true)
    assert.strictEqual(probing.waitMillis(1), 0)
    probing.begin(-1, 500)
    assert.isUndefined(probing.end(-1))
    assert.strictEqual(probing.waitMillis(1), askFirst)
  })

  it("is forgotten by a clock that was set back", () => {
    const probing = new Probing()
    probing.deny(10_000, 11_000)
    assert.strictEqual(probing.waitMillis(5000), askFirst)
  })

  it("is given back unused, or not at all", () => {
    const probing = new Probing()
    probing.grant("a", 100)
    assert.isFalse(probing.revoke("b"))
    assert.isTrue(probing.revoke("a"))
    assert.isFalse(probing.revoke("a"))
    probing.grant("c", 100)
    probing.begin(-1, 500)
    assert.isFalse(probing.revoke("c"))
  })
})
