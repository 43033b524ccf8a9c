/** The request is at fault, and whether another model or configuration would help. How sentences are prepared: `MessageRule`. */
import { anchored, type Table } from "./Rule.ts"

export const wordingRequest: Table = {
  name: "wording",
  rules: [
    {
      id: "wording/no-such-thing",
      reads: "message",
      says: anchored(
        "(?:no such|could not find|cannot find) (?:file|assistant|thread|run|vector store|batch|" +
          "response|conversation|message|upload|container|session|cached ?content|tool|item)\\b",
        "(?:the |previous |requested ){0,6}(?:file|assistant|thread|run|vector store|batch|response|" +
          "conversation|container|cached ?content|item with id)\\b.{0,60}\\bnot found"
      ),
      within: ["ModelNotFound"],
      verdict: "InvalidRequest",
      source: "OpenAI: 404 for a file, thread or response that the request refers to"
    },
    {
      id: "wording/wrong-address",
      reads: "message",
      says: anchored(
        "invalid url\\b",
        "unrecognized request url",
        "(?:# )?page not found",
        "unknown (?:request )?url",
        "no route matched",
        "cannot (?:post|get)\\b",
        "(?:the )?(?:requested )?(?:url|path|route|api version)(?: ¤)? (?:was |is |could )?(?:not " +
          "found|not be found|not supported|invalid)",
        "unsupported api version"
      ),
      within: ["ModelNotFound", "InvalidRequest"],
      failover: true,
      verdict: "InvalidRequest",
      source:
        "OpenAI: `Invalid URL`; Go and Express: no such path. The base URL is wrong, the model was never looked up"
    },
    {
      id: "wording/model-lacks",
      reads: "message",
      says: anchored(
        ".{0,120}\\b(?:(?:does not|doesn't|do not|cannot|can't|only) supports?\\b|exceeds? (?:the " +
          ")?model(?:'s)? (?:output )?(?:token )?limit\\b|\\bthis model (?:only|requires|cannot|can't|" +
          "must)\\b|\\bthe supported range is\\b|(?:is|are) not (?:yet )?supported(?: yet)?$|supports? " +
          "(?:at most|up to|only|a maximum of)\\b|maximum (?:allowed )?number of (?:output|completion) " +
          "tokens\\b|(?:is |are )?(?:not|only) (?:supported|available|enabled|allowed|compatible|" +
          "implemented) (?:by|with|for|on|in|when using) (?:this |the |your )?(?:requested |selected |" +
          "specified |current )?(?:model|models|deployment|engine|provider|endpoint|¤)|(?:isn't|" +
          "aren't) supported (?:by|with|for|on|in)|\\b(?:for|with|by|on) this model\\b)"
      ),
      failover: true,
      verdict: "InvalidRequest",
      source: "OpenAI, Ollama, Bedrock, Gemini: this one model lacks the feature, the parameter or the value"
    }
  ]
}
