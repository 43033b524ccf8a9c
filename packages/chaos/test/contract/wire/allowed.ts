/** Where our lanes say a thing otherwise than the official SDKs, and why. */
import { goodKey, type SubjectName } from "../Subject.ts"
import type { Difference } from "./difference.ts"

interface Allowed extends Difference {
  readonly of: ReadonlyArray<SubjectName>
  /** The intents by name, or all of those that ask for a stream, or for none. */
  readonly where: "everywhere" | "streams" | "wholes" | ReadonlyArray<string>
  readonly why: string
}

const streamed = (name: string): ReadonlyArray<string> => [name, `${name}, in a stream`]

const unsigned =
  "Gemini 3 rejects a call without the signature of its thought; this is Google's documented stand-in for one"

const older = "the SDK has moved on to the newer header and version; the API, and hosts of its format, take the older"

const allowed: ReadonlyArray<Allowed> = [
  {
    of: ["chat", "responses", "compatible", "bearer", "older"],
    where: "streams",
    at: "header accept",
    ours: "text/event-stream",
    sdk: "application/json",
    why: "it is events that come, and we name what we read"
  },
  {
    of: ["v1", "v1beta"],
    where: "streams",
    at: "header accept",
    ours: "text/event-stream",
    sdk: "*/*",
    why: "it is events that come, and we name what we read"
  },
  {
    of: ["v1", "v1beta"],
    where: "wholes",
    at: "header accept",
    ours: "application/json",
    sdk: "*/*",
    why: "we name what we read"
  },
  {
    of: ["v1", "v1beta"],
    where: ["models"],
    at: "header content-type",
    sdk: "application/json",
    why: "a GET has no content to name the type of"
  },
  {
    of: ["v1", "v1beta"],
    where: [...streamed("the result of a tool"), ...streamed("the failure of a tool")],
    at: "body.contents.1.parts.0.thoughtSignature",
    ours: "skip_thought_signature_validator",
    why: unsigned
  },
  {
    of: ["v1", "v1beta"],
    where: streamed("the results of two tools"),
    at: "body.contents.1.parts.1.thoughtSignature",
    ours: "skip_thought_signature_validator",
    why: unsigned
  },
  {
    of: ["older"],
    where: "everywhere",
    at: "header anthropic-version",
    ours: "2023-06-01",
    sdk: "2026-10-21",
    why: older
  },
  { of: ["older"], where: "everywhere", at: "header authorization", sdk: `Bearer ${goodKey}`, why: older },
  { of: ["older"], where: "everywhere", at: "header x-api-key", ours: goodKey, why: older }
]

/** The differences that are expected, no more and no fewer, in the order of their places. */
export const allowedFor = (of: SubjectName, what: string): ReadonlyArray<Difference> =>
  allowed
    .filter((one) => one.of.includes(of) && applies(one.where, what))
    .map(({ of: _of, where: _where, why: _why, ...difference }) => difference)
    .toSorted((a, b) => (a.at < b.at ? -1 : 1))

const applies = (where: Allowed["where"], what: string): boolean => {
  const isStream = what.endsWith(", in a stream")
  switch (where) {
    case "everywhere":
      return true
    case "streams":
      return isStream
    case "wholes":
      return !isStream
    default:
      return where.includes(what)
  }
}
