/** TLS that did not come about. Repeating never helps; another provider does, unless the fault is on the caller's side. */
import { anchored, type Table } from "./Rule.ts"

const openssl = "Node.js: TLS, OpenSSL error codes"

export const transportTls: Table = {
  name: "transport",
  rules: [
    {
      id: "transport/own-certificates",
      reads: "transport",
      is: [
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_GET_ISSUER_CERT",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "CERT_UNTRUSTED",
        "INVALID_CA",
        "CERT_NOT_YET_VALID"
      ],
      verdict: "Network",
      retryable: false,
      failover: false,
      source: `${openssl}: an intercepting proxy, a missing root or a wrong clock on the caller's side`
    },
    {
      id: "transport/certificate",
      reads: "transport",
      is: [
        "CERT_HAS_EXPIRED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "HOSTNAME_MISMATCH",
        "CERT_REVOKED",
        "CERT_REJECTED",
        "CERT_SIGNATURE_FAILURE",
        "CERT_CHAIN_TOO_LONG",
        "PATH_LENGTH_EXCEEDED",
        "INVALID_PURPOSE",
        "ERR_TLS_CERT_ALTNAME_FORMAT",
        "CRL_HAS_EXPIRED"
      ],
      verdict: "Network",
      retryable: false,
      source: `${openssl}: this host's certificate is at fault`
    },
    {
      id: "transport/tls-cut",
      reads: "transport",
      is: ["ERR_SSL_UNEXPECTED_EOF_WHILE_READING", "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"],
      verdict: "Network",
      source: `${openssl}: the connection broke inside TLS`
    },
    {
      id: "transport/tls",
      reads: "transport",
      is: [
        "EPROTO",
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "ERR_SSL_PACKET_LENGTH_TOO_LONG",
        "ERR_SSL_UNSUPPORTED_PROTOCOL",
        "ERR_SSL_NO_PROTOCOLS_AVAILABLE",
        "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR",
        "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
        "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        "ERR_SSL_HTTP_REQUEST",
        "ERR_SSL_DH_KEY_TOO_SMALL",
        "ERR_TLS_REQUIRED_SERVER_NAME",
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN"
      ],
      verdict: "Network",
      retryable: false,
      source: `${openssl}: both ends do not agree on TLS, and will not the next time`
    },
    {
      id: "transport/tls-family",
      reads: "transport",
      is: ["ERR_SSL_", "ERR_TLS_", "ERR_OSSL_", "CERT_"],
      verdict: "Network",
      retryable: false,
      source: `${openssl}: any other code of these families`
    },
    {
      id: "transport/says-own-certificates",
      reads: "message",
      says: anchored(
        "self[- ]signed certificate in certificate chain",
        "unable to (?:get|verify) (?:local issuer|the first) certificate",
        "unable to verify leaf signature",
        "certificate is not yet valid"
      ),
      within: ["Unknown", "Network"],
      retryable: false,
      failover: false,
      verdict: "Network",
      source: `${openssl}: where only the text was kept`
    },
    {
      id: "transport/says-certificate",
      reads: "message",
      says: anchored(
        "certificate has expired",
        "self[- ]signed certificate$",
        ".{0,40}does not match certificate's altnames",
        "ssl routines"
      ),
      within: ["Unknown", "Network"],
      retryable: false,
      verdict: "Network",
      source: `${openssl}: where only the text was kept`
    }
  ]
}
