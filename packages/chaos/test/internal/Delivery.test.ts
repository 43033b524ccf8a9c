import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import * as Fault from "../../src/Fault.ts"
import * as Answer from "../../src/internal/Answer.ts"
import * as Delivery from "../../src/internal/Delivery.ts"

const event = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`
const words = ["one", "two", "three"]
const stream = Answer.events({
  opening: [event("role")],
  content: words.map((word) => event({ word })),
  closing: [event("finish")],
  done: "data: [DONE]\n\n"
})
const whole = Answer.json(200, { answer: "one two three" })
const wording = { event, streamError: { error: "server" } }
const calm = { latency: Duration.zero, chunkDelay: Duration.zero }

const script = (answer: Answer.Answer, fault?: Fault.Input, healthy = calm) =>
  Delivery.script(answer, fault && Schema.decodeUnknownSync(Fault.Fault)(fault), healthy, wording)

/** One word for each step, with the text for writes: short enough to compare by eye. */
const told = (answer: Answer.Answer, fault?: Fault.Input, healthy = calm) => wordsFor(script(answer, fault, healthy))

const wordsFor = (steps: ReadonlyArray<Delivery.Step>) =>
  steps.map((step) => {
    switch (step._tag) {
      case "Write":
        return step.data.replace(/^data: /, "").trim()
      case "Wait":
        return `wait ${Duration.toMillis(step.duration)}`
      case "Until":
        return `until ${step.millis}`
      case "Head":
        return `head ${step.status}`
      default:
        return step._tag
    }
  })

const one = `{"word":"one"}`
const two = `{"word":"two"}`
const three = `{"word":"three"}`
const full = [`head 200`, `"role"`, one, two, three, `"finish"`, "[DONE]", "End"]
const json = `{"answer":"one two three"}`

describe("Delivery of a stream", () => {
  it("sends all of it in order, paced as the plan says", () => {
    assert.deepStrictEqual(told(stream), full)
    const paced = told(stream, undefined, { latency: Duration.millis(7), chunkDelay: Duration.millis(3) })
    assert.deepStrictEqual(paced.slice(0, 7), ["wait 7", "head 200", `"role"`, one, "wait 3", two, "wait 3"])
  })

  it("hangs, for ever or for a while", () => {
    assert.deepStrictEqual(told(stream, { _tag: "Hang" }), ["Silence"])
    assert.deepStrictEqual(told(stream, { _tag: "Hang", for: "9 millis" }), ["wait 9", "Cut"])
  })

  it("is late before the headers or after them", () => {
    assert.deepStrictEqual(told(stream, { _tag: "SlowFirstByte", delay: "9 millis" }), ["wait 9", ...full])
    assert.deepStrictEqual(told(stream, { _tag: "SlowFirstByte", delay: "9 millis", before: "content" }), [
      "head 200",
      "wait 9",
      ...full.slice(1)
    ])
  })

  it("stalls, then closes or goes on", () => {
    const before = ["head 200", `"role"`, one, two, "wait 9"]
    assert.deepStrictEqual(told(stream, { _tag: "Stall", after: 2, for: "9 millis" }), [...before, "Cut"])
    assert.deepStrictEqual(told(stream, { _tag: "Stall", after: 2, for: "9 millis", afterwards: "continue" }), [
      ...before,
      ...full.slice(4)
    ])
  })

  it("is reset before any byte or after some chunks", () => {
    assert.deepStrictEqual(told(stream, { _tag: "Reset" }), ["Reset"])
    assert.deepStrictEqual(told(stream, { _tag: "Reset", after: 0 }), ["head 200", `"role"`, "Reset"])
    assert.deepStrictEqual(told(stream, { _tag: "Reset", after: 1 }), ["head 200", `"role"`, one, "Reset"])
  })

  it("is truncated by a cut or by a clean end", () => {
    assert.deepStrictEqual(told(stream, { _tag: "Truncate", after: 2 }), ["head 200", `"role"`, one, two, "Cut"])
    assert.deepStrictEqual(told(stream, { _tag: "Truncate", after: 2, ending: "clean" }), [
      "head 200",
      `"role"`,
      one,
      two,
      "End"
    ])
    // Longer than the answer: all content, still no finish event.
    assert.deepStrictEqual(told(stream, { _tag: "Truncate", after: 99 }), [...full.slice(0, 5), "Cut"])
  })

  it("has one extra event of broken JSON and loses nothing", () => {
    const steps = told(stream, { _tag: "MalformedChunk", before: 2 })
    const broken = steps[3] ?? ""
    assert.throws(() => JSON.parse(broken), SyntaxError)
    assert.isTrue(two.startsWith(broken))
    assert.deepStrictEqual(steps.toSpliced(3, 1), full)
  })

  it("carries an error in band, then ends", () => {
    assert.deepStrictEqual(told(stream, { _tag: "StreamError", after: 1 }), [
      "head 200",
      `"role"`,
      one,
      `{"error":"server"}`,
      "End"
    ])
  })

  it("lacks its end marker", () => {
    assert.deepStrictEqual(
      told(stream, { _tag: "NoDone" }),
      full.filter((step) => step !== "[DONE]")
    )
  })

  it("is something else altogether", () => {
    assert.deepStrictEqual(told(stream, { _tag: "WrongShape" }), ["head 200", "{}", "[DONE]", "End"])
    assert.deepStrictEqual(told(stream, { _tag: "EmptyBody" }), ["head 200", "End"])
    assert.include(told(stream, { _tag: "HtmlPage" }).join(), "head 502,<html>")
    assert.include(told(stream, { _tag: "HtmlPage", status: 200 }).join(), "head 200,<html>")
  })

  it.prop("always ends the exchange, whatever the fault", [Fault.Fault], ([fault]) => {
    for (const answer of [stream, whole]) {
      const steps = Delivery.script(answer, fault, calm, wording)
      assert.include(["End", "Cut", "Reset", "Silence"], steps.at(-1)?._tag)
      assert.strictEqual(steps.filter((step) => ["End", "Cut", "Reset", "Silence"].includes(step._tag)).length, 1)
      assert.isAtMost(steps.filter((step) => step._tag === "Head").length, 1)
    }
  })
})

describe("Delivery at stated instants", () => {
  const paced = (answer: Answer.Answer, fault?: Fault.Input) =>
    wordsFor(
      Delivery.paced(
        answer,
        fault && Schema.decodeUnknownSync(Fault.Fault)(fault),
        { firstMillis: 100, lastMillis: 400 },
        wording
      )
    )
  const timed = (steps: ReadonlyArray<string>) => steps.filter((step) => !/"role"|head/.test(step))

  it("spreads a stream from the first content to the end", () => {
    assert.strictEqual(paced(stream)[0], "until 100")
    assert.deepStrictEqual(timed(paced(stream)).slice(1), [
      "until 100",
      one,
      "until 200",
      two,
      "until 300",
      three,
      "until 400",
      `"finish"`,
      "[DONE]",
      "End"
    ])
  })

  it("breaks off at the end, after what comes of it", () => {
    assert.deepStrictEqual(timed(paced(stream, { _tag: "Truncate", after: 2 })), [
      "until 100",
      "until 100",
      one,
      "until 250",
      two,
      "until 400",
      "Cut"
    ])
    assert.deepStrictEqual(paced(stream, { _tag: "Reset" }), ["until 400", "Reset"])
    assert.deepStrictEqual(timed(paced(stream, { _tag: "Truncate", after: 0, ending: "clean" })), ["until 400", "End"])
  })

  it("sends a whole answer at the end", () => {
    assert.deepStrictEqual(paced(whole), ["until 400", "head 200", json, "End"])
    assert.deepStrictEqual(paced(whole, { _tag: "Truncate" }).at(-1), "Cut")
  })
})

describe("Delivery of a whole answer", () => {
  const lengthOf = (fault: Fault.Input) => {
    const head = script(whole, fault).find((step) => step._tag === "Head")
    return Number(head?.headers["content-length"])
  }

  it("sends it in one piece with its length", () => {
    assert.deepStrictEqual(told(whole), ["head 200", json, "End"])
    assert.strictEqual(lengthOf({ _tag: "NoDone" }), json.length)
  })

  it("counts bytes, not characters", () => {
    const head = script(Answer.json(200, "é"))[0]
    assert.strictEqual(head?._tag === "Head" ? head.headers["content-length"] : "", "4")
  })

  it("is cut in the middle of the body that its length promised", () => {
    const fault = { _tag: "Truncate" } as const
    const [, body = "", end] = told(whole, fault)
    assert.isTrue(json.startsWith(body) && body.length < json.length)
    assert.strictEqual(end, "Cut")
    assert.strictEqual(lengthOf(fault), json.length)
  })

  it("is half the JSON, well framed, when malformed or cleanly truncated", () => {
    for (const fault of [{ _tag: "MalformedChunk" }, { _tag: "Truncate", ending: "clean" }] as const) {
      const [, body = "", end] = told(whole, fault)
      assert.throws(() => JSON.parse(body), SyntaxError)
      assert.strictEqual(end, "End")
      assert.strictEqual(lengthOf(fault), body.length)
    }
  })

  it("stalls after its headers", () => {
    assert.deepStrictEqual(told(whole, { _tag: "Stall", for: "9 millis" }), ["head 200", "wait 9", "Cut"])
    assert.strictEqual(
      told(whole, { _tag: "Stall", for: "9 millis", afterwards: "continue" }).slice(2).join(""),
      `${json}End`
    )
  })

  it("holds an error under 200, an empty object, or nothing", () => {
    assert.deepStrictEqual(told(whole, { _tag: "StreamError" }), ["head 200", `{"error":"server"}`, "End"])
    assert.deepStrictEqual(told(whole, { _tag: "WrongShape" }), ["head 200", "{}", "End"])
    assert.deepStrictEqual(told(whole, { _tag: "EmptyBody" }), ["head 200", "End"])
  })
})
