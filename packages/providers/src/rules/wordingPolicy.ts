/** A policy stopped the prompt or the answer. How sentences are prepared: `MessageRule`. */
import { anchored, type Table } from "./Rule.ts"

export const wordingPolicy: Table = {
  name: "wording",
  rules: [
    {
      id: "wording/policy-stop",
      reads: "message",
      says: anchored(
        "(?:the |this |your |model |generated |input |output |user |submitted ){0,6}(?:response|" +
          "prompt|request|input|output|content|image|generation|message|completion|answer|text|" +
          "conversation|query)s?\\b.{0,80}\\b(?:filtered|blocked|flagged|rejected|refused|denied|stopped|" +
          "violat\\w+|prohibited|not allowed|unsafe|inappropriate|could not be " +
          "submitted)\\b.{0,120}\\b(?:content|safety|polic(?:y|ies)|moderation|filter\\w*|harm\\w*|" +
          "sensitive|guardrails?|responsible|terms|usage guidelines|risk|cyber|biolog\\w+|nsfw)\\b"
      ),
      verdict: "ContentPolicy",
      source:
        "Azure: `content management policy`; Anthropic: `Output blocked by content filtering policy`; OpenAI: safety system"
    },
    {
      id: "wording/policy-named",
      reads: "message",
      says: anchored(
        "(?:the |this |your |model |generated |input |output |user ){0,6}(?:response|prompt|request|" +
          "input|output|content|message|image|text|query|conversation)s?\\b.{0,60}\\b(?:contains?|" +
          "includes?|may contain|was detected as|appears to be|appears to)\\b.{0,40}\\b(?:sensitive|" +
          "inappropriate|harmful|unsafe|prohibited|violat\\w+|nsfw|offensive|explicit)\\b"
      ),
      verdict: "ContentPolicy",
      source: "Vertex AI: `This prompt contains sensitive words`; moderation gateways"
    },
    {
      id: "wording/content-blocked",
      reads: "message",
      says: anchored(
        "content (?:blocked|filtered|violates|violation|policy|moderation|rejected|exists risk|is " +
          "not allowed|not permitted)",
        "blocked by (?:the |our )?(?:safety|content|moderation|guardrail)",
        "(?:potential|possible) (?:policy|usage policy|safety) violation",
        "safety (?:filter|check|system)s? (?:blocked|rejected|failed|triggered)",
        "(?:usage|content|safety) policy violation",
        "violation of (?:our |the )?(?:usage|content|safety) polic"
      ),
      verdict: "ContentPolicy",
      source: "xAI: `Content violates usage guidelines`; gateways"
    },
    {
      id: "wording/unable-by-policy",
      reads: "message",
      says: anchored(
        ".{0,80}\\b(?:unable|cannot|can't|refuse[sd]?|declined?)\\b.{0,80}\\b(?:usage|content|safety|" +
          "acceptable use) polic(?:y|ies)\\b"
      ),
      verdict: "ContentPolicy",
      source: "Claude: `unable to respond to this request, which appears to violate our Usage Policy`"
    },
    {
      id: "wording/to-policy",
      reads: "message",
      says: /^(?:which |it |this )?(?:appears|seems) to violate (?:our|the)\b/,
      verdict: "ContentPolicy",
      source: "Claude: the relative clause of the sentence above, where it is split"
    }
  ]
}
