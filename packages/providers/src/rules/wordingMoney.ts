/** Money and calendar quotas: these come first, since a rate limit may be told in the same words. How sentences are prepared: `MessageRule`. */
import { anchored, type Table } from "./Rule.ts"

export const wordingMoney: Table = {
  name: "wording",
  rules: [
    {
      id: "wording/credits-gone",
      reads: "message",
      says: anchored(
        "(?:sorry |error )?(?:the |this |that |your |our |(?:account|credit|prepaid|prepayment|wallet|available|api|user|organization|team|" +
          "project) ){0,8}(?:balance|credits?|funds?|quota)(?: balance)? (?:is |are |was |were |has |have |has been |" +
          "have been |had |currently |now |already ){0,6}(?:too low|insufficient|depleted|exhausted|not enough|" +
          "not sufficient|empty|negative|run out|ran out|used up|all used|below|expired)"
      ),
      verdict: "QuotaExceeded",
      source: "Anthropic: `Your credit balance is too low`; Gemini: `prepayment credits are depleted`; and their like"
    },
    {
      id: "wording/insufficient-credits",
      reads: "message",
      says: anchored(
        "(?:insufficient|not enough|no|out of|no more|zero) (?:\\w+ )?(?:balance|credits?|funds|quota|" +
          "tokens? balance)\\b"
      ),
      verdict: "QuotaExceeded",
      source: "DeepSeek: `Insufficient Balance`; OpenRouter: `Insufficient credits`"
    },
    {
      id: "wording/you-ran-out",
      reads: "message",
      says: anchored(
        "(?:you|your \\w+(?: ¤)?|the \\w+|this \\w+) (?:have |has |do not |don't |does not |doesn't |" +
          "'ve |are |is ){0,6}(?:either )?(?:run out of|ran out of|out of|no|insufficient|used all|" +
          "have any|have enough|exhausted (?:your|all|its)|consumed all) (?:\\w+ ){0,3}(?:credits?|" +
          "balance|funds|quota|budget)\\b"
      ),
      verdict: "QuotaExceeded",
      source:
        "xAI: `Your team … has either used all available credits`; Together, OpenRouter: `You have run out of credits`"
    },
    {
      id: "wording/never-bought-credits",
      reads: "message",
      says: anchored(
        "your (?:newly created )?(?:team|account|organization) (?:doesn't|does not) have any " +
          "(?:credits|licenses|balance)"
      ),
      verdict: "QuotaExceeded",
      source: "xAI: a new team without credits"
    },
    {
      id: "wording/needs-credits",
      reads: "message",
      says: anchored(
        "(?:this|the) (?:\\w+ ){1,3}(?:requires?|needs?) (?:more |additional |at least # |paid |a " +
          "paid |an active ){0,6}(?:credits|billing|balance|subscription|payment)\\b"
      ),
      verdict: "QuotaExceeded",
      source: "OpenRouter: `This request requires more credits`; Google: `requires billing to be enabled`"
    },
    {
      id: "wording/quota-passed",
      reads: "message",
      says: anchored(
        "(?:you|you have|you've|your \\w+|your \\w+ has|user|user has|this \\w+|this \\w+ has) " +
          "(?:exceeded|reached|hit|used up|exhausted) (?:your|the|its|their) (?:\\w+ )?(?:current |" +
          "monthly |daily |weekly |yearly |annual |free |account |plan |total |usage |billing " +
          "){0,6}(?:quota|allowance|budget)\\b"
      ),
      verdict: "QuotaExceeded",
      source: "OpenAI: `You exceeded your current quota, please check your plan and billing details`"
    },
    {
      id: "wording/spend-limit",
      reads: "message",
      says: anchored(
        "(?:(?:you|your|this|the|user|workspace|organization|project|team|account|request|has|have|" +
          "had|would|been|will|'ve|¤|already|either|or|its) ){0,6}(?:exceeded?|reached|hit|surpassed?|" +
          "passed)\\b(?: \\w+'s| your| the| its| this| their| specified| configured| current| account's| " +
          "organization's| ¤){0,6} (?:\\w+ ){0,2}(?:monthly|weekly|yearly|annual|spend|spending|billing|" +
          "hard|budget|credit|usage|api usage|included|free tier|free-tier|plan)(?: \\w+){0,2} " +
          "(?:limits?|caps?|budget|quota|allowance)\\b"
      ),
      verdict: "QuotaExceeded",
      source:
        "Anthropic: `You have reached your specified API usage limits`; Gemini: `exceeded its monthly spending cap`; OpenAI: hard limit"
    },
    {
      id: "wording/limit-reached",
      reads: "message",
      says: anchored(
        "(?:the |your |account |organization |workspace |project |team |api |key ){0,6}(?:monthly|" +
          "weekly|yearly|annual|spend|spending|billing|hard|soft|budget|credit|usage|plan|free tier|" +
          "free-tier|trial|subscription)(?: \\w+){0,2} (?:limit|cap|quota|budget|allowance)s?(?: of " +
          "\\$?#| \\$?#| for (?:this |your |the )?\\w+)? (?:was |were |is |are |has |have |has been |have " +
          "been |been ){0,6}(?:exceeded|reached|hit|exhausted|used up|expired|ended)"
      ),
      verdict: "QuotaExceeded",
      source: "OpenAI: `Billing hard limit has been reached`; Mistral, Together and gateways: spend limits"
    },
    {
      id: "wording/key-limit",
      reads: "message",
      says: anchored("(?:api )?key (?:total |daily |weekly |monthly )?limit (?:was |has been )?(?:exceeded|reached)"),
      verdict: "QuotaExceeded",
      source: "OpenRouter: the spend limit of one key, sent as 402 or 403"
    },
    {
      id: "wording/quota-exceeded",
      reads: "message",
      says: anchored(
        "(?:individual |api |account |user |daily |monthly |weekly |free |token |usage |key ){0,6}quota (?:limit " +
          ")?(?:was |is |has been |has )?(?:exceeded|exhausted|reached)$"
      ),
      within: ["InvalidRequest", "RateLimit", "PermissionDenied", "Unknown"],
      verdict: "QuotaExceeded",
      source: "gateways: a bare `Quota exceeded`, without a window to wait for"
    },
    {
      id: "wording/billing-inactive",
      reads: "message",
      says: anchored(
        "your account is not active",
        "(?:please )?(?:enable billing|check your plan and billing|add (?:a payment|credits|funds|" +
          "more)|purchase (?:more )?credits|top up|recharge|upgrade (?:your plan|to a paid)|update " +
          "your (?:payment|billing))",
        "billing (?:is )?(?:not active|disabled|not enabled|hard limit|inactive)",
        "your (?:subscription|trial|free trial|plan) (?:has )?(?:expired|ended)",
        "to continue making api requests please purchase"
      ),
      within: ["RateLimit", "PermissionDenied", "Unknown"],
      verdict: "QuotaExceeded",
      source: "OpenAI: `Your account is not active, please check your billing details`; xAI: what to buy"
    },
    {
      id: "wording/calendar-window",
      reads: "message",
      says: anchored(
        ".{0,120}(?:\\bper (?:day|week|month|year)\\b|/ (?:day|week|month|year)\\b|\\b(?:daily|weekly|" +
          "monthly|yearly) (?:\\w+ ){0,2}(?:limit|quota|cap|allowance|usage|budget|request|token)|\\bfor " +
          "(?:today|this month)\\b)"
      ),
      within: ["RateLimit"],
      verdict: "QuotaExceeded",
      source: "Bedrock: `Too many tokens per day`; Cohere: calls per month. Rolling days have rules of their own"
    }
  ]
}
