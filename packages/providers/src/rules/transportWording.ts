/** What fetch, browsers and clients say where only the text of an error was kept. */
import { anchored, type Table } from "./Rule.ts"

export const transportWording: Table = {
  name: "transport",
  rules: [
    {
      id: "transport/says-cancelled",
      reads: "message",
      says: anchored(
        "(?:this|the) (?:operation|request|stream|user) (?:was |has been )?(?:aborted|cancell?ed)(?! due to)",
        "request (?:was )?(?:aborted|cancell?ed)",
        "cancell?ed(?: by (?:the )?(?:user|caller|client))?$",
        "(?:user|caller|client) (?:aborted|cancell?ed|disconnected)"
      ),
      within: ["Unknown", "Network"],
      verdict: "Cancelled",
      source: "DOMException AbortError and the SDKs' user-abort errors, where only the text was kept"
    },
    {
      id: "transport/says-timeout",
      reads: "message",
      says: anchored(
        "(?:(?:this|the|your) )?(?:(?:request|operation|connection|connect|socket|headers?|body|" +
          "response|read|upstream|idle|http|fetch|api call|stream|network) ){0,3}(?:was aborted due to |has |" +
          "have |is |was )?(?:time(?:d)? ?-?out\\b|timeout (?:error|exceeded|of|after)|deadline(?: of " +
          "(?:#|¤)(?: \\w+)?)? (?:was )?(?:exceeded|expired|reached))"
      ),
      within: ["Unknown", "Network"],
      verdict: "Timeout",
      phase: "attempt",
      source: "fetch, axios (`timeout of 1000ms exceeded`), the SDKs: where only the text was kept"
    },
    {
      id: "transport/says-own-request",
      reads: "message",
      says: anchored(
        "cannot convert argument to a bytestring",
        "invalid (?:character in|value for) header",
        "header name must be",
        ".{0,60}\\bis (?:an invalid|not a legal) http header",
        "headers? ?\\S{0,20} ¤ is an invalid header value",
        "¤ is an invalid header value",
        "failed to parse url",
        "invalid url\\b",
        "only (?:absolute urls|http s? ?protocols?) (?:are|is) supported",
        "request cannot be constructed from a url",
        "unsupported protocol"
      ),
      within: ["Unknown", "Network"],
      failover: true,
      verdict: "InvalidRequest",
      source: "fetch: the address, or a header such as the key, is malformed in this provider's configuration"
    },
    {
      id: "transport/says-redirects",
      reads: "message",
      says: anchored(
        "redirect count exceeded",
        "too many redirects",
        "maximum redirects? (?:reached|exceeded)",
        "maximum number of redirects exceeded",
        "unexpected redirect",
        "uri requested responds with an invalid redirect"
      ),
      within: ["Unknown", "Network"],
      retryable: false,
      verdict: "Network",
      source: "undici, node-fetch, follow-redirects: the address leads round in circles and will again"
    },
    {
      id: "transport/says-unreadable",
      reads: "message",
      says: anchored(
        "unexpected (?:token|end of json|non-whitespace|string|number|character)",
        "unterminated (?:string|fractional)",
        "expected .{0,40}\\bin json\\b",
        "bad (?:control|escaped) character",
        "incomplete json segment",
        "(?:¤ )?is not valid json",
        "(?:failed|unable) to (?:parse|decode) (?:the )?(?:response|json|body|stream|chunk|event)",
        "json parse error",
        "invalid json response",
        "could not parse (?:the )?(?:response|message|stream|chunk) (?:as|into) json"
      ),
      within: ["Unknown", "Network"],
      verdict: "InvalidResponse",
      source: "JSON.parse of V8, @google/genai (`Incomplete JSON segment at the end`)"
    },
    {
      id: "transport/says-broken",
      reads: "message",
      says: anchored(
        "fetch failed",
        "terminated",
        "failed to fetch",
        "load failed",
        "network ?error",
        "connection error",
        "socket hang up",
        "premature close",
        "other side closed",
        "client network socket disconnected",
        "(?:the )?network (?:connection was lost|request failed|is unreachable)",
        "(?:the |a )?(?:socket|connection|stream|http2? (?:session|stream))(?: connection)? (?:was |" +
          "has been |is |got )?(?:unexpectedly )?(?:closed|reset|refused|lost|aborted|destroyed|" +
          "interrupted|terminated|disconnected)",
        "stream (?:ended|closed) (?:without|before)",
        "request ended without",
        "(?:unable|failed|cannot|could not) (?:to )?connect",
        "invalid response body while trying to fetch",
        "peer closed connection",
        "server disconnected",
        "unexpected end of (?:file|stream|data)",
        "(?:dns|name) (?:resolution|lookup|error)\\b",
        "failed to lookup address",
        "error (?:sending request for url|trying to connect)",
        "all connection attempts failed"
      ),
      within: ["Unknown"],
      verdict: "Network",
      source: "fetch of Node and browsers, node-fetch, Anthropic's stream helper: where only the text was kept"
    }
  ]
}
