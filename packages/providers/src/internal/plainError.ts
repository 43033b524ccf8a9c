/**
 * A copy of something thrown by an HTTP client, as plain data: the originals hold the request with its key and prompt, so
 * they go no further than this.
 */
import * as HttpClientError from "effect/http/HttpClientError"

export interface PlainError {
  readonly name: string
  readonly message: string
  readonly code?: string | number | undefined
  readonly errno?: number | undefined
  readonly syscall?: string | undefined
  readonly cause?: PlainError | undefined
  readonly errors?: ReadonlyArray<PlainError> | undefined
}

/** `scrub` is applied to every message: some runtimes quote the header they refuse to send. */
export const of = (error: unknown, scrub: (text: string) => string, depth = 0): PlainError => {
  if (HttpClientError.isHttpClientError(error)) {
    const { reason } = error
    return reason.cause === undefined
      ? { name: reason._tag, message: scrub(reason.description ?? reason._tag) }
      : of(reason.cause, scrub, depth)
  }
  if (typeof error !== "object" || error === null) return { name: "Error", message: scrub(String(error)) }
  const name = text(error, "name") ?? "Error"
  const message = scrub(text(error, "message") ?? "")
  const code = field(error, "code")
  const errno = field(error, "errno")
  const syscall = text(error, "syscall")
  const isDeep = depth >= 5
  const cause = isDeep ? undefined : field(error, "cause")
  const errors = isDeep ? undefined : field(error, "errors")
  return {
    name,
    message,
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(typeof errno === "number" ? { errno } : {}),
    ...(syscall === undefined ? {} : { syscall }),
    ...(cause === undefined || cause === null ? {} : { cause: of(cause, scrub, depth + 1) }),
    ...(Array.isArray(errors) ? { errors: errors.map((one: unknown) => of(one, scrub, depth + 1)) } : {})
  }
}

const field = (error: object, name: string): unknown => (name in error ? Reflect.get(error, name) : undefined)

const text = (error: object, name: string): string | undefined => {
  const value = field(error, name)
  return typeof value === "string" ? value : undefined
}
