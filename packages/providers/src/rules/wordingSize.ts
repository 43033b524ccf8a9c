/** The input is larger than the window, the request or a whole minute allows. How sentences are prepared: `MessageRule`. */
import { anchored, type Table } from "./Rule.ts"

export const wordingSize: Table = {
  name: "wording",
  rules: [
    {
      id: "wording/context-passed",
      reads: "message",
      says: anchored(
        ".{0,160}\\b(?:exceed(?:s|ed|ing)?|longer than|larger than|greater than|more than|over|beyond|" +
          "above|(?:too (?:long|large|big)) for|surpass(?:es|ed)?|not fit(?: in| into| within)?|" +
          "overflow(?:s|ed)?)\\b.{0,60}\\bcontext(?: |-)?(?:length|window|size|limit|budget)?\\b",
        ".{0,60}\\b(?:does not|doesn't|cannot|can't) (?:support|fit|hold|handle)\\b.{0,40}\\bcontext (?:length|window|size)\\b"
      ),
      verdict: "ContextLengthExceeded",
      source:
        "OpenAI: `exceeds the context window`; Anthropic: `exceed context limit`; llama.cpp: `available context size`"
    },
    {
      id: "wording/context-limit-passed",
      reads: "message",
      says: anchored(
        "(?:the |this |your |model's |maximum |max |model |input |prompt ){0,6}context(?: |" +
          "-)?(?:length|window|size|limit)s? (?:limit )?(?:is |was |has been |been )?(?:exceeded|" +
          "overflow(?:ed)?|reached|too (?:long|large|small)|full)"
      ),
      verdict: "ContextLengthExceeded",
      source: "gateways: `Context length exceeded`"
    },
    {
      id: "wording/maximum-context",
      reads: "message",
      says: anchored(
        "(?:this|the) (?:model|endpoint|deployment|engine)(?:'s| ¤)? (?:maximum |max )?(?:context|" +
          "prompt|input) (?:length|window|size) (?:is|of)\\b"
      ),
      verdict: "ContextLengthExceeded",
      source: "OpenAI, vLLM, OpenRouter: `This model's maximum context length is …`"
    },
    {
      id: "wording/for-maximum-context",
      reads: "message",
      says: /^.{0,120}\btoo (?:large|long|big) for (?:the )?model\b/,
      verdict: "ContextLengthExceeded",
      source: "Mistral: `Prompt contains … tokens, too large for model with … maximum context length`"
    },
    {
      id: "wording/too-long",
      reads: "message",
      says: anchored(
        "(?:the |this |your |total |combined |whole |user |model |error ){0,6}(?:input|inputs|prompt|" +
          "prompts|request|messages?|conversation|text|content|payload|body|context|document|query|" +
          "chat history|request body|request payload|request entity|input text|input prompt|http body|" +
          "request content)(?: #| ¤)?(?: length| size| text| tokens?){0,6} (?:is |are |was |were " +
          ")?(?:too (?:long|large|big)|(?:exceeds?|exceeded|exceeding) (?:the )?(?:\\w+ ){0,3}(?:limit|" +
          "maximum|size|length|length limit|size limit|max))"
      ),
      verdict: "ContextLengthExceeded",
      source:
        "Anthropic: `prompt is too long`; Bedrock: `Input is too long`; Gemini: `Request payload size exceeds the limit`"
    },
    {
      id: "wording/token-count",
      reads: "message",
      says: anchored(
        "(?:the |this |your |total |combined |requested |estimated |sum of |input |prompt |maximum |" +
          "number of |request |message |messages |max ){0,6}(?:tokens?|token count|tokens count|token " +
          "limit|context|length|input length)(?: count)?(?: in the prompt| of tokens| requested| of ¤| " +
          "of #| #| ¤| and ¤| (?:\\+|plus|and) ¤| parameter){0,6}(?: tokens?)? (?:exceeds?|exceeded|" +
          "cannot exceed|can't exceed|must not exceed|must be (?:less|at most|<|smaller|under)|is " +
          "(?:greater|larger|more|higher) than|is # but (?:the )?model (?:only )?supports|is over|" +
          "should be (?:less|at most)|would exceed|has exceeded)\\b"
      ),
      within: ["InvalidRequest", "PermissionDenied", "ServiceUnavailable", "Unknown"],
      verdict: "ContextLengthExceeded",
      source: "Gemini: `The input token count … exceeds the maximum number of tokens allowed`; Cohere: `cannot exceed`"
    },
    {
      id: "wording/tokens-plus",
      reads: "message",
      says: /^¤ tokens \+ ¤ must be\b/,
      verdict: "ContextLengthExceeded",
      source: "Text Generation Inference, Together: `inputs` tokens + `max_new_tokens` must be <= …"
    },
    {
      id: "wording/sum-over-limit",
      reads: "message",
      says: /^.{0,120}# \+ # > #/,
      verdict: "ContextLengthExceeded",
      source: "Anthropic: input length and `max_tokens` against the context limit, with the sum written out"
    },
    {
      id: "wording/too-large-for-window",
      reads: "message",
      says: /^request too large\b/,
      within: ["InvalidRequest", "RateLimit", "PermissionDenied", "ServiceUnavailable", "Unknown"],
      verdict: "ContextLengthExceeded",
      source: "OpenAI, Groq: `Request too large for … on tokens per min`: above a whole window, so no wait helps"
    },
    {
      id: "wording/shorten",
      reads: "message",
      says: anchored(
        "(?:please |try to |consider ){0,6}(?:reduce|shorten|truncate|decrease|trim) (?:the |your " +
          ")?(?:length|size|number of tokens|amount of tokens|input|prompt|messages|context|message|" +
          "token count)\\b"
      ),
      within: ["InvalidRequest", "PermissionDenied", "Unknown"],
      verdict: "ContextLengthExceeded",
      source: "OpenAI: `Please reduce the length of the messages`"
    }
  ]
}
