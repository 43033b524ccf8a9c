/** The canonical codes of gRPC by number (`google/rpc/code.proto`). 0 is OK, hence no failure. */
const names = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED"
] as const

/** The name of a gRPC code from 1 to 16; `undefined` for any other number. */
export const grpcName = (code: number): string | undefined => (code >= 1 ? names[code] : undefined)
