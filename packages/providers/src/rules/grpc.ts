/**
 * The canonical codes of `google/rpc/code.proto`: by name, and by the sentence that tonic (the gRPC library of Rust, in
 * front of xAI) prints for each.
 */
import type { Table } from "./Rule.ts"

const source = "google/rpc/code.proto; tonic: Code::description"

export const grpc: Table = {
  name: "grpc",
  rules: [
    {
      id: "grpc/invalid-argument",
      reads: "code",
      is: [
        "INVALID_ARGUMENT",
        "OUT_OF_RANGE",
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "Client specified an invalid argument",
        "Operation was attempted past the valid range",
        "Some entity that we attempted to create already exists",
        "The system is not in a state required for the operation's execution"
      ],
      presumes: true,
      verdict: "InvalidRequest",
      source
    },
    {
      id: "grpc/unimplemented",
      reads: "code",
      is: ["UNIMPLEMENTED", "Operation is not implemented or not supported"],
      presumes: true,
      verdict: "InvalidRequest",
      failover: true,
      source: `${source}: this service does not have it, another may`
    },
    {
      id: "grpc/unauthenticated",
      reads: "code",
      is: [
        "UNAUTHENTICATED",
        "The request does not have valid authentication credentials",
        "The request does not have valid authentication credentials for the operation"
      ],
      verdict: "Authentication",
      source
    },
    {
      id: "grpc/permission-denied",
      reads: "code",
      is: ["PERMISSION_DENIED", "The caller does not have permission to execute the specified operation"],
      presumes: true,
      verdict: "PermissionDenied",
      source
    },
    {
      id: "grpc/not-found",
      reads: "code",
      is: ["NOT_FOUND", "Some requested entity was not found"],
      presumes: true,
      verdict: "ModelNotFound",
      source
    },
    {
      id: "grpc/resource-exhausted",
      reads: "code",
      is: ["RESOURCE_EXHAUSTED", "Some resource has been exhausted"],
      presumes: true,
      verdict: "RateLimit",
      source
    },
    {
      id: "grpc/cancelled",
      reads: "code",
      is: ["CANCELLED", "The operation was cancelled"],
      presumes: true,
      verdict: "Cancelled",
      source
    },
    {
      id: "grpc/deadline-exceeded",
      reads: "code",
      is: ["DEADLINE_EXCEEDED", "Deadline expired before operation could complete"],
      verdict: "Timeout",
      source
    },
    {
      id: "grpc/unavailable",
      reads: "code",
      is: [
        "UNAVAILABLE",
        "INTERNAL",
        "UNKNOWN",
        "DATA_LOSS",
        "ABORTED",
        "The service is currently unavailable",
        "Internal error",
        "Unknown error",
        "Unrecoverable data loss or corruption",
        "The operation was aborted"
      ],
      presumes: true,
      verdict: "ServiceUnavailable",
      source
    }
  ]
}
