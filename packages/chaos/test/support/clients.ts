/** The official SDKs, pointed at an emulator and kept from retrying on their own. */
import { GoogleGenAI } from "@google/genai"
import { Effect } from "effect"
import OpenAI from "openai"
import type { Emulator } from "../../src/Emulator.ts"
import type { Input } from "../../src/Fault.ts"
import * as FaultPlan from "../../src/FaultPlan.ts"

export const openai = (emulator: Emulator, apiKey = "sk-test") =>
  new OpenAI({ baseURL: emulator.url, apiKey, maxRetries: 0, logLevel: "off" })

export const gemini = (emulator: Emulator, apiKey = "AIza-test") =>
  new GoogleGenAI({ apiKey, httpOptions: { baseUrl: emulator.url } })

/** A plan of one rule without conditions. */
export const always = (fault: Input, healthy: FaultPlan.Input["healthy"] = {}) =>
  FaultPlan.make({ rules: [{ fault }], healthy })

/** What the promise rejects with. */
export const rejection = (run: () => Promise<unknown>) => Effect.flip(Effect.tryPromise({ try: run, catch: (e) => e }))

/** What an async iterable yields, and what it throws at the end, if anything. */
export const drained = <A>(open: () => Promise<AsyncIterable<A>>) =>
  Effect.promise(async () => {
    const items: Array<A> = []
    try {
      for await (const item of await open()) items.push(item)
    } catch (error) {
      return { items, error }
    }
    return { items, error: undefined }
  })

export const question = [{ role: "user" as const, content: "What holds a kelp to its rock?" }]

export const textOf = (chunks: ReadonlyArray<OpenAI.ChatCompletionChunk>) =>
  chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")
