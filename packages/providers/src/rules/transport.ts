/** What Node, undici and the SDKs throw when no answer came. The innermost cause is read first, so `fetch failed` never hides what failed. */
import type { Table } from "./Rule.ts"

const node = "Node.js: errors, common system errors"
const undici = "undici: errors.js"

export const transport: Table = {
  name: "transport",
  rules: [
    {
      id: "transport/proxy-refused",
      reads: "transport",
      is: ["proxy-407", "proxy-401", "proxy-403", "proxy-400", "proxy-405", "UND_ERR_PRX_TLS"],
      verdict: "Network",
      retryable: false,
      failover: false,
      source: `${undici}: a forward proxy refused the tunnel; it stands before every provider`
    },
    {
      id: "transport/proxy-failed",
      reads: "transport",
      is: ["proxy-500", "proxy-502", "proxy-503", "proxy-504", "proxy-429"],
      verdict: "Network",
      source: `${undici}: a forward proxy could not reach this host`
    },
    {
      id: "transport/connect-timeout",
      reads: "transport",
      is: ["UND_ERR_CONNECT_TIMEOUT", "ERR_SOCKET_CONNECTION_TIMEOUT", "ConnectTimeoutError", "ConnectTimeout"],
      verdict: "Timeout",
      scope: "provider",
      phase: "connect",
      source: `${undici}: no connection in time`
    },
    {
      id: "transport/headers-timeout",
      reads: "transport",
      is: ["UND_ERR_HEADERS_TIMEOUT", "HeadersTimeoutError", "ERR_HTTP_REQUEST_TIMEOUT", "ReadTimeout"],
      verdict: "Timeout",
      phase: "first-content",
      source: `${undici}: connected, no answer in time`
    },
    {
      id: "transport/body-timeout",
      reads: "transport",
      is: ["UND_ERR_BODY_TIMEOUT", "BodyTimeoutError"],
      verdict: "Timeout",
      phase: "chunk-gap",
      source: `${undici}: the answer stopped between two chunks`
    },
    {
      id: "transport/timeout",
      reads: "transport",
      is: [
        "ETIMEDOUT",
        "ETIME",
        "ESOCKETTIMEDOUT",
        "TimeoutError",
        "APIConnectionTimeoutError",
        "RequestTimeout",
        "ERR_TLS_HANDSHAKE_TIMEOUT",
        "ERR_HTTP2_PING_TIMEOUT",
        "TimeoutException"
      ],
      verdict: "Timeout",
      phase: "attempt",
      source: `${node}: a clock of the client or the socket ran out`
    },
    {
      id: "transport/cancelled",
      reads: "transport",
      is: ["AbortError", "ABORT_ERR", "APIUserAbortError", "ERR_CANCELED", "CanceledError", "AbortException"],
      verdict: "Cancelled",
      source: `${node}: the caller's AbortSignal fired`
    },
    {
      id: "transport/cancelled-request",
      reads: "transport",
      is: ["UND_ERR_ABORTED"],
      verdict: "Cancelled",
      source: `${undici}: the request was aborted; a proxy's refusal is told apart by its own token`
    },
    {
      id: "transport/calm-down",
      reads: "transport",
      is: ["NGHTTP2_ENHANCE_YOUR_CALM"],
      verdict: "RateLimit",
      source: "RFC 9113, section 7: ENHANCE_YOUR_CALM, the peer sees too much load from us"
    },
    {
      id: "transport/name-unknown",
      reads: "transport",
      is: ["ENOTFOUND", "EAI_NONAME", "EAI_NODATA", "ENODATA", "ENONAME", "EBADNAME", "EAI_ADDRFAMILY"],
      verdict: "Network",
      source: `${node}: the name does not resolve`
    },
    {
      id: "transport/resolver-down",
      reads: "transport",
      is: ["EAI_AGAIN", "EAI_FAIL", "EAI_SYSTEM", "EAI_MEMORY", "ETIMEOUT", "ESERVFAIL", "EREFUSED"],
      verdict: "Network",
      failover: false,
      source: `${node}: the caller's resolver does not answer, for no name at all`
    },
    {
      id: "transport/offline",
      reads: "transport",
      is: ["ENETUNREACH", "ENETDOWN", "ENONET", "EADDRNOTAVAIL", "EADDRINUSE", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"],
      verdict: "Network",
      failover: false,
      source: `${node}: the caller's machine has no network, address or descriptor left`
    },
    {
      id: "transport/blocked-locally",
      reads: "transport",
      is: ["EACCES", "EPERM"],
      verdict: "Network",
      retryable: false,
      failover: false,
      source: `${node}: the caller's machine forbids the connection`
    },
    {
      id: "transport/refused",
      reads: "transport",
      is: ["ECONNREFUSED", "EHOSTUNREACH", "EHOSTDOWN", "ConnectionRefused", "FailedToOpenSocket", "ConnectError"],
      verdict: "Network",
      source: `${node}: nobody listens there, or no route leads there`
    },
    {
      id: "transport/reset",
      reads: "transport",
      is: [
        "ECONNRESET",
        "EPIPE",
        "ENOTCONN",
        "ESHUTDOWN",
        "ECONNCLOSED",
        "UND_ERR_SOCKET",
        "UND_ERR_CLOSED",
        "UND_ERR_DESTROYED",
        "UND_ERR_RES_CONTENT_LENGTH_MISMATCH",
        "ERR_STREAM_PREMATURE_CLOSE",
        "ERR_STREAM_DESTROYED",
        "ERR_SOCKET_CLOSED",
        "ERR_HTTP2_STREAM_ERROR",
        "ERR_HTTP2_STREAM_CANCEL",
        "ERR_HTTP2_SESSION_ERROR",
        "ERR_HTTP2_GOAWAY_SESSION",
        "ERR_HTTP2_INVALID_SESSION",
        "ERR_HTTP2_ERROR",
        "ERR_HTTP2_INVALID_STREAM",
        "ConnectionReset",
        "ConnectionClosed",
        "RemoteProtocolError",
        "IncompleteRead",
        "ERR_NETWORK"
      ],
      verdict: "Network",
      source: `${node}: the connection broke; ${undici}: SocketError`
    },
    {
      id: "transport/aborted-connection",
      reads: "transport",
      is: ["ECONNABORTED"],
      presumes: true,
      verdict: "Network",
      source: `${node}: the connection was given up; axios uses it for its own timeout, which its text tells`
    },
    {
      id: "transport/not-http",
      reads: "transport",
      is: [
        "HPE_INVALID_CONSTANT",
        "HPE_INVALID_VERSION",
        "HPE_INVALID_STATUS",
        "HPE_INVALID_HEADER_TOKEN",
        "HPE_INVALID_CONTENT_LENGTH",
        "HPE_INVALID_CHUNK_SIZE",
        "HPE_INVALID_TRANSFER_ENCODING",
        "HPE_INVALID_EOF_STATE",
        "HPE_UNEXPECTED_CONTENT_LENGTH",
        "HPE_CLOSED_CONNECTION",
        "HPE_CR_EXPECTED",
        "HPE_LF_EXPECTED",
        "HPE_STRICT",
        "HPE_INTERNAL",
        "HTTPParserError"
      ],
      verdict: "Network",
      source: "Node.js: llhttp errors; what answers there does not speak HTTP"
    },
    {
      id: "transport/unreadable-answer",
      reads: "transport",
      is: [
        "Z_DATA_ERROR",
        "Z_BUF_ERROR",
        "Z_STREAM_ERROR",
        "ERR__ERROR_FORMAT_PADDING_1",
        "ERR_BROTLI_DECOMPRESSION_FAILED",
        "ERR_ENCODING_INVALID_ENCODED_DATA",
        "HPE_HEADER_OVERFLOW",
        "UND_ERR_HEADERS_OVERFLOW",
        "UND_ERR_RES_EXCEEDED_MAX_SIZE",
        "UND_ERR_RESPONSE",
        "ERR_STREAM_UNABLE_TO_PIPE",
        "SyntaxError",
        "DecodeError",
        "EmptyBodyError",
        "SchemaError",
        "ParseError",
        "JSONDecodeError",
        "AI_JSONParseError",
        "AI_TypeValidationError",
        "AI_EmptyResponseBodyError",
        "AI_NoOutputGeneratedError"
      ],
      verdict: "InvalidResponse",
      source: "Node.js: zlib and JSON; an answer came and cannot be read"
    },
    {
      id: "transport/own-request",
      reads: "transport",
      is: [
        "ERR_INVALID_URL",
        "ERR_INVALID_PROTOCOL",
        "ERR_INVALID_DOMAIN_NAME",
        "ERR_UNESCAPED_CHARACTERS",
        "ERR_INVALID_CHAR",
        "ERR_INVALID_HTTP_TOKEN",
        "ERR_HTTP_INVALID_HEADER_VALUE",
        "ERR_INVALID_ADDRESS",
        "ERR_SOCKET_BAD_PORT",
        "UND_ERR_INVALID_ARG",
        "UND_ERR_NOT_SUPPORTED",
        "InvalidUrlError"
      ],
      verdict: "InvalidRequest",
      failover: true,
      source: `${node}: the address or a header of this provider's configuration is malformed`
    },
    {
      id: "transport/own-body",
      reads: "transport",
      is: ["UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE", "EncodeError"],
      verdict: "InvalidRequest",
      source: `${node}: the request could not be encoded`
    },
    {
      id: "transport/connection",
      reads: "transport",
      is: [
        "APIConnectionError",
        "TransportError",
        "RequestError",
        "NetworkError",
        "NetworkingError",
        "FetchError",
        "SocketError"
      ],
      verdict: "Network",
      presumes: true,
      source: "SDKs: no answer came; a cause with a code is read before"
    },
    {
      id: "transport/http-family",
      reads: "transport",
      is: ["HPE_", "NGHTTP2_", "ERR_HTTP2_", "UND_ERR_", "ERR_STREAM_", "ERR_SOCKET_"],
      verdict: "Network",
      source: `${node}; ${undici}: any other code of these families`
    },
    {
      id: "transport/resolver-family",
      reads: "transport",
      is: ["EAI_"],
      verdict: "Network",
      failover: false,
      source: `${node}: any other code of getaddrinfo`
    },
    {
      id: "transport/zlib-family",
      reads: "transport",
      is: ["Z_", "ERR_BROTLI_", "ERR_ZLIB_", "ERR_ZSTD_"],
      verdict: "InvalidResponse",
      source: "Node.js: zlib; the answer cannot be decompressed"
    }
  ]
}
