/** The credential is at fault, or what it may do. How sentences are prepared: `MessageRule`. */
import { anchored, type Table } from "./Rule.ts"

export const wordingAccess: Table = {
  name: "wording",
  rules: [
    {
      id: "wording/bad-key",
      reads: "message",
      says: anchored(
        "(?:incorrect|invalid|missing|wrong|expired|malformed|bad|unknown|unrecognized|no|revoked|" +
          "disabled|inactive)(?: or \\w+)? (?:\\w+ )?(?:\\w+ )?(?:api[ -]?keys?|x-api-key|keys?|" +
          "credentials?|access tokens?|bearer tokens?|tokens?|auth(?:entication|orization)?|jwt|api " +
          "tokens?|auth(?:entication|orization)? (?:credentials?|tokens?|headers?))\\b",
        "(?:the |your |this |provided |supplied |specified ){0,6}(?:api[ -]?key|x-api-key|access " +
          "token|bearer token|oauth token|auth token|authentication token|security token|credentials?|" +
          "jwt|token)\\b.{0,50}\\b(?:not valid|invalid|expired|incorrect|not found|missing|doesn't exist|" +
          "does not exist|not exist|not provided|required|wrong|malformed|not recognized|inactive|" +
          "unauthorized|must be (?:set|provided)|not set)"
      ),
      verdict: "Authentication",
      source: "OpenAI, xAI: `Incorrect API key provided`; Gemini: `API key not valid`, `expired`, `reported as leaked`"
    },
    {
      id: "wording/blocked-key",
      reads: "message",
      says: anchored(
        "(?:the |your |this |provided |supplied |specified ){0,6}(?:api[ -]?key|key|access token|" +
          "token|credentials?)\\b.{0,50}\\b(?:leaked|revoked|disabled|deleted|deactivated|suspended|" +
          "compromised)"
      ),
      within: ["InvalidRequest", "Unknown"],
      verdict: "Authentication",
      source:
        "Gemini: `reported as leaked`; under 403 the key is a known one that may do nothing, hence not this class there"
    },
    {
      id: "wording/no-key",
      reads: "message",
      says: anchored(
        "you didn't provide an api key",
        "you must provide an? (?:api key|token)",
        "please (?:pass|provide|use|include|supply) (?:a |an |your )?(?:valid )?(?:api[ -]?key|" +
          "credentials?|token)",
        "could not (?:load|resolve|find|authenticate|verify|validate)\\b.{0,40}\\b(?:credentials?|" +
          "authentication|api key|token|identity)",
        "unable to (?:load|locate|find|verify|authenticate)\\b.{0,30}\\bcredentials?",
        "no (?:cookie )?auth credentials found",
        "no (?:api key|credentials?|authorization)\\b",
        "unauthorized",
        "unauthenticated",
        "authentication (?:failed|fails|required|error|is required)",
        "not authenticated",
        "login required",
        "user not found",
        "invalid authentication",
        "request had invalid authentication",
        "method doesn't allow unregistered callers",
        "the ¤ environment variable is missing",
        "api key must be set",
        "the request signature we calculated does not match"
      ),
      verdict: "Authentication",
      source: "OpenAI: `You didn't provide an API key`; AWS: signatures and providers; SDKs: keys not set"
    },
    {
      id: "wording/verification",
      reads: "message",
      says: /^(?:your|this) (?:organization|account|project) (?:must|needs to|has to) be verified\b/,
      verdict: "PermissionDenied",
      source: "OpenAI: verification, sent as 403, as 404 with model_not_found and as 400 with unsupported_value"
    },
    {
      id: "wording/region",
      reads: "message",
      says: anchored(
        "(?:user |your |the |this ){0,6}(?:location|country|region|territory)\\b.{0,40}\\bnot " +
          "(?:supported|available|allowed|permitted)",
        ".{0,60}\\bnot (?:available|supported|accessible) in your (?:country|region|location)",
        "access (?:from|to) .{0,40}\\b(?:region|country|location)\\b.{0,30}\\b(?:not|denied|blocked|restricted)"
      ),
      verdict: "PermissionDenied",
      source: "Gemini: `User location is not supported`; OpenAI: `Country, region, or territory not supported`"
    },
    {
      id: "wording/access",
      reads: "message",
      says: anchored(
        "access (?:was |is |has been )?(?:denied|forbidden|restricted|not allowed|not permitted)",
        "access to .{0,60}\\b(?:denied|forbidden|restricted|disabled|not allowed|not permitted|blocked)",
        "permission denied",
        "permission ¤ denied",
        "forbidden$",
        "request not allowed",
        "public access is disabled",
        "(?:you|your \\w+|this \\w+|the \\w+|project|principal|user|the principal)(?: ¤)? (?:do not|" +
          "don't|does not|doesn't|did not|is not|are not|isn't|aren't|lacks?|has no|have no|not) " +
          "(?:have |have the |have any |been |the ){0,6}(?:required |sufficient |necessary |proper |" +
          "enough ){0,6}(?:access|permissions?|privileges?|authorized|allowed|permitted|entitled|" +
          "rights|granted|authorization)",
        "(?:this |your |the )?(?:organization|account|project|workspace|api key|key|service|team)(?: " +
          "¤)? (?:has been |is |was )?(?:disabled|suspended|restricted|banned|blocked|deactivated|" +
          "terminated|not allowed)",
        "insufficient (?:permissions?|privileges?|scopes?)",
        "you have insufficient permissions",
        "(?:request|your request|ip|your ip|ip address)(?: ¤)? (?:was |is |has been |has " +
          ")?(?:blocked|not authorized|not allowed|denied)",
        "user is not authorized",
        "consumer ¤ has been suspended"
      ),
      within: ["InvalidRequest", "Unknown"],
      verdict: "PermissionDenied",
      source: "AWS, Azure, Google, OpenAI: access refused under a status that says something else"
    },

    {
      id: "wording/no-access-to-model",
      reads: "message",
      says: anchored(
        "(?:you|your|this|the|project|organization|account|team|user|¤| ){1,8}(?:do not|don't|does " +
          "not|doesn't) have access to (?:the |this )?(?:model|deployment|engine|requested model)\\b"
      ),
      within: ["InvalidRequest", "ModelNotFound", "Unknown"],
      verdict: "PermissionDenied",
      source: "OpenAI: `Project … does not have access to model …`, with the code model_not_found"
    }
  ]
}
