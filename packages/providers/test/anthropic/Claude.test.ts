import { assert, describe, it } from "@effect/vitest"
import * as Claude from "../../src/anthropic/Claude.ts"
import { ModelProfile } from "../../src/index.ts"

describe("what models of Claude differ in, by their names", () => {
  const traits: ReadonlyArray<[string, ...ReturnType<typeof row>]> = [
    ["claude-3-5-haiku-20241022", "sampling+both", "none", "disabled", "high", "forced", "prefill"],
    ["claude-3-7-sonnet-20250219", "sampling+both", "budget", "disabled", "high", "forced", "prefill"],
    ["claude-opus-4-20250514", "sampling+both", "budget", "disabled", "high", "forced", "prefill"],
    ["claude-sonnet-4@20250514", "sampling+both", "budget", "disabled", "high", "forced", "prefill"],
    ["claude-opus-4-1-20250805", "sampling", "budget", "disabled", "high", "forced", "prefill"],
    ["claude-haiku-4-5-20251001", "sampling", "budget", "disabled", "high", "forced", "prefill"],
    ["anthropic/claude-sonnet-4.5", "sampling", "budget", "disabled", "high", "forced", "prefill"],
    ["claude-sonnet-4-6", "sampling", "adaptive", "disabled", "high", "forced", "-"],
    ["claude-opus-4-7", "-", "adaptive", "disabled", "xhigh", "forced", "-"],
    ["claude-sonnet-5", "-", "adaptive", "disabled", "xhigh", "forced", "-"],
    ["claude-opus-5", "-", "adaptive", "disabled", "xhigh", "forced", "-"],
    ["claude-haiku-5-5", "-", "adaptive", "disabled", "xhigh", "forced", "-"],
    ["claude-opus-5-5", "-", "adaptive", "always", "xhigh", "-", "-"],
    ["claude-sonnet-5-5", "-", "adaptive", "between_tools", "xhigh", "-", "-"],
    ["claude-fable-5", "-", "adaptive", "always", "xhigh", "forced", "-"],
    ["claude-fable-5-1", "-", "adaptive", "always", "xhigh", "-", "-"],
    ["claude-mythos-5-2", "-", "adaptive", "always", "xhigh", "-", "-"],
    ["claude-mythos-preview", "-", "adaptive", "always", "high", "forced", "-"],
    ["claude-opus-latest", "-", "adaptive", "always", "xhigh", "-", "-"],
    ["claude-x", "-", "adaptive", "disabled", "xhigh", "forced", "-"],
    ["some-other-model", "sampling+both", "adaptive", "disabled", "xhigh", "forced", "prefill"]
  ]
  for (const [model, ...expected] of traits) {
    it(`reads ${model}`, () => {
      assert.deepStrictEqual(row(Claude.of(model)), expected)
    })
  }
})

describe("the names of models of Claude and the catalogue", () => {
  it("agree on who takes a temperature", () => {
    const known = ModelProfile.all.filter(
      ({ acceptsTemperature, provider }) => provider === "anthropic" && acceptsTemperature !== undefined
    )
    assert.isNotEmpty(known)
    for (const { acceptsTemperature, id } of known) {
      assert.strictEqual(Claude.of(id).sampling, acceptsTemperature !== false, id)
    }
  })
})

const row = (claude: Claude.Claude) => [
  claude.sampling ? (claude.bothSamplers ? "sampling+both" : "sampling") : "-",
  claude.thinking,
  claude.thinkingOff ?? "always",
  claude.xhigh ? "xhigh" : "high",
  claude.forcedTools ? "forced" : "-",
  claude.prefill ? "prefill" : "-"
]
