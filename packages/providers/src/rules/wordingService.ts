/** The model is not there, has no room or no time, or the rate is too high. How sentences are prepared: `MessageRule`. */
import { anchored, type Table } from "./Rule.ts"

export const wordingService: Table = {
  name: "wording",
  rules: [
    {
      id: "wording/no-model",
      reads: "message",
      says: anchored(
        "¤ is not found for api version",
        "(?:error )?(?:the |this |your |requested |specified |provided |given |selected |" +
          "publisher |base |foundation |api |¤ ){0,6}(?:model|models|deployment|engine|endpoint|" +
          "inference profile|model identifier|model id|model name|model version|inference endpoint|api " +
          "deployment)(?: (?:for this resource|identifier|name|id|version|with id|with name|named|" +
          "called|code|provided|alias)){0,6}(?: ¤| \\w+(?:[-.:]\\w+)+){0,2} (?:is |was |were |are |has " +
          "been |have been |has |have |could |can |does |do |did |either |currently ){0,6}(?:not found|" +
          "not be found|cannot be found|not exist|doesn't exist|didn't exist|invalid|not valid|not a " +
          "valid|unknown|unrecognized|not recognized|not (?:currently )?available(?: (?:for|in|on|" +
          "to)\\b.*)?$|no longer (?:available|supported|exists?)|deprecated|decommissioned|retired|" +
          "removed|sunset|shut down|discontinued|not supported(?: (?:for|in|by) (?:generatecontent|" +
          "this api|api version|the api|the provider|the chat|chat|completions?|v1|this endpoint|this " +
          "provider).*| when using .*)?$|not supported$|reached (?:its |the )?end[ -]of[ -]life|not deployed)"
      ),
      verdict: "ModelNotFound",
      source:
        "OpenAI: `The model … does not exist`; Gemini: `models/… is not found for API version`; Azure: deployments"
    },
    {
      id: "wording/such-model",
      reads: "message",
      says: anchored(
        "no such (?:model|deployment|engine)",
        "(?:unknown|invalid|unsupported|unrecognized|nonexistent) (?:model|deployment|engine)(?: " +
          "(?:id|name|identifier|specified|provided|requested))?\\b(?! (?:output|response|parameter|" +
          "input))",
        "no endpoints found for\\b",
        "no models? (?:found|loaded|named|with|matching|available)",
        "unable to access (?:non-serverless )?model\\b",
        "could not find (?:the )?model\\b",
        "model not (?:exist|found|loaded|supported)",
        "cannot find (?:the )?model\\b",
        "failed to (?:find|load) model\\b",
        "publisher model ¤ (?:was |is )?not found",
        "¤ is not a (?:valid|known|supported|recognized) (?:model|deployment)",
        "model ¤ (?:is )?not"
      ),
      verdict: "ModelNotFound",
      source: "OpenRouter: `No endpoints found for …`; DeepSeek: `Model Not Exist`; Together: `Unable to access model`"
    },
    {
      id: "wording/legacy-model",
      reads: "message",
      says: /^(?:this|the) model (?:is|was) marked by provider as legacy\b/,
      verdict: "ModelNotFound",
      source: "Amazon Bedrock: a legacy model that the account did not use lately"
    },
    {
      id: "wording/overloaded",
      reads: "message",
      says: anchored(
        "(?:sorry |error )?(?:we are |we're |our )?(?:the |this |that |your |our |requested |" +
          "selected ){0,6}(?:(?:model|models|engine|server|servers|service|services|system|systems|api|" +
          "provider|upstream|cluster|backend|deployment|endpoint|inference|platform|upstream " +
          "provider)(?: ¤| \\w+)? |¤ )?(?:is |are |was |were |has been |have been |currently |" +
          "temporarily |momentarily |too |very |being ){0,6}(?:overloaded|over capacity|at (?:full |" +
          "max |maximum )?capacity|out of capacity|too busy|busy|under (?:heavy|high|extreme) (?:load|" +
          "demand|traffic)|overwhelmed|saturated|experiencing (?:\\w+ )?(?:high|heavy|unusually high|" +
          "increased|elevated|significant|unprecedented|capacity) (?:\\w+ )?(?:demand|load|traffic|" +
          "volume|usage|constraints))"
      ),
      verdict: "ModelOverloaded",
      source:
        "OpenAI: `That model is currently overloaded`; Gemini: `experiencing high demand`; xAI: `at capacity`; DeepSeek: busy"
    },
    {
      id: "wording/no-capacity",
      reads: "message",
      says: anchored(
        "no (?:available )?capacity",
        "(?:there is )?(?:not enough|insufficient|no) (?:\\w+ )?(?:capacity|compute|gpus?)\\b",
        "(?:service tier |model |flex |server |tier |provider ){0,6}capacity (?:is |was |has been " +
          ")?(?:exceeded|reached|unavailable|exhausted|limit|limited|constraints?)",
        "you have exhausted your capacity",
        "unable to (?:submit|process|serve|complete) (?:the |your |this )?requests? because (?:the " +
          ")?\\w+ is (?:temporarily )?(?:out of|at) capacity",
        "(?:the )?(?:request |server )?queue (?:is )?full",
        "too many (?:concurrent )?requests in (?:the )?queue",
        "due to (?:high|heavy|increased) (?:demand|load|traffic)",
        "high demand\\b",
        "resource unavailable"
      ),
      verdict: "ModelOverloaded",
      source: "Mistral: `Service tier capacity exceeded`; Code Assist: `No capacity available`; Vertex: out of capacity"
    },
    {
      id: "wording/cannot-take-more",
      reads: "message",
      says: anchored(
        ".{0,80}\\b(?:currently |temporarily )?(?:overloaded|at capacity|out of capacity|experiencing " +
          "high demand|no capacity available|high demand)\\b"
      ),
      within: ["ServiceUnavailable", "RateLimit", "Unknown"],
      verdict: "ModelOverloaded",
      source: "The same words further inside a sentence, under a status that already says to come back later"
    },
    {
      id: "wording/rate",
      reads: "message",
      says: anchored(
        "(?:(?:you|your|the|this|request|requests|user|api|account|organization|token|tokens|key|" +
          "provider|upstream|our|we|are|is|has|have|been|being|was|currently|temporarily|¤|per-minute|" +
          "reached|exceeded|hit|input|output|global) ){0,7}(?:rate[ -]?limit(?:s|ed|ing)?\\b|too many (?:requests|tokens)\\b|" +
          "throttled\\b|request rate (?:is )?too|sending (?:\\w+ )?requests too (?:quickly|fast|" +
          "frequently)|exceeded (?:\\w+ )?(?:call |token |request )?rate limit)",
        ".{0,80}\\blimited to # (?:\\w+ ){0,2}(?:\\/|per|every) (?:second|minute|hour)\\b"
      ),
      verdict: "RateLimit",
      source: "OpenAI-compatible servers and gateways: a rate limit under 400, 403, 5xx or none"
    },
    {
      id: "wording/timed-out",
      reads: "message",
      says: anchored(
        "(?:the |this |your |upstream |gateway |model |operation |error ){0,6}(?:request|operation|" +
          "response|connection|generation|inference|stream|upstream request|provider|completion|" +
          "gateway|query|prediction|execution)? ?(?:was |has |have |is |to \\w+ ){0,6}(?:timed[ -]?out|" +
          "time(?:-| )?out(?: |$)|timeout(?: |$)|timed out\\b|deadline(?: of (?:#|¤)(?: \\w+)?)? (?:was " +
          ")?(?:exceeded|expired|reached)|took too long|context deadline exceeded)"
      ),
      verdict: "Timeout",
      source: "Azure: `The operation was timeout`; Envoy: `upstream request timeout`; Google: deadlines"
    }
  ]
}
