/** Joins the parts of a stream into those of a whole answer. */
import type * as Response from "effect/ai/Response"
import type * as Piece from "./Piece.ts"

/** Blocks become one part each; the fragments of tool parameters are left out, the calls themselves stay. */
export const gather = (parts: ReadonlyArray<Piece.Part>): ReadonlyArray<Response.PartEncoded> => {
  const whole: Array<Response.PartEncoded> = []
  let text = ""
  for (const part of parts) {
    switch (part.type) {
      case "text-start":
      case "reasoning-start":
        text = ""
        break
      case "text-delta":
      case "reasoning-delta":
        text += part.delta
        break
      case "text-end":
      case "reasoning-end": {
        const type = part.type === "text-end" ? "text" : "reasoning"
        whole.push(part.metadata === undefined ? { type, text } : { type, text, metadata: part.metadata })
        break
      }
      case "tool-params-start":
      case "tool-params-delta":
      case "tool-params-end":
        break
      default:
        whole.push(part)
    }
  }
  return whole
}
