/** The intents as Gemini's SDK takes them. */
import { FunctionCallingConfigMode, type GenerateContentParameters, type Part, ThinkingLevel } from "@google/genai"
import { description, imageUrl, pdf, png, question, type Saying, schema } from "./intents.ts"

type Params = Partial<GenerateContentParameters>

const user = { role: "user", parts: [{ text: question }] }

const weather = { name: "weather", description, parametersJsonSchema: schema() }
const clock = { name: "clock", parametersJsonSchema: schema() }

const call = (name: string): Part => ({ functionCall: { name, args: { city: "Oslo" } } })

const result = (name: string, response: Record<string, unknown> = { output: { degrees: 21 } }): Part => ({
  functionResponse: { name, response }
})

const choosing = (mode: FunctionCallingConfigMode, allowedFunctionNames?: Array<string>) => ({
  functionCallingConfig: { mode, ...(allowedFunctionNames && { allowedFunctionNames }) }
})

const only = [{ functionDeclarations: [weather] }]
const both = [{ functionDeclarations: [weather, clock] }]

export const gemini: Saying<Params> = {
  "a question": {},
  instructions: { config: { systemInstruction: "Be brief." } },
  turns: {
    contents: [{ role: "user", parts: [{ text: "Hello" }] }, { role: "model", parts: [{ text: "Good day" }] }, user]
  },
  "a limit of tokens": { config: { maxOutputTokens: 100 } },
  "a temperature": { config: { temperature: 0.5, topP: 0.9 } },
  "stop sequences": { config: { stopSequences: ["END", "STOP"] } },
  "a seed and penalties": { config: { seed: 7, frequencyPenalty: 0.5, presencePenalty: -0.5 } },
  tools: { config: { tools: both } },
  "a tool, held to its schema": { config: { tools: only } },
  "some tool": { config: { tools: only, toolConfig: choosing(FunctionCallingConfigMode.ANY) } },
  "this tool": { config: { tools: both, toolConfig: choosing(FunctionCallingConfigMode.ANY, ["weather"]) } },
  "no tool": { config: { tools: only, toolConfig: choosing(FunctionCallingConfigMode.NONE) } },
  "the result of a tool": {
    contents: [user, { role: "model", parts: [call("weather")] }, { role: "user", parts: [result("weather")] }],
    config: { tools: only }
  },
  "the failure of a tool": {
    contents: [
      user,
      { role: "model", parts: [call("weather")] },
      { role: "user", parts: [result("weather", { error: "no such city" })] }
    ],
    config: { tools: only }
  },
  "the results of two tools": {
    contents: [
      user,
      { role: "model", parts: [{ text: "Both." }, call("weather"), call("clock")] },
      { role: "user", parts: [result("weather"), result("clock"), { text: question }] }
    ],
    config: { tools: both }
  },
  "a picture": { contents: [{ text: question }, { inlineData: { mimeType: "image/png", data: png } }] },
  "a picture elsewhere": {
    contents: [{ text: question }, { fileData: { mimeType: "image/jpeg", fileUri: imageUrl } }]
  },
  "a document": { contents: [{ text: question }, { inlineData: { mimeType: "application/pdf", data: pdf } }] },
  "JSON by a schema": { config: { responseMimeType: "application/json", responseJsonSchema: schema() } },
  "an effort": { config: { thinkingConfig: { thinkingLevel: ThinkingLevel.LOW, includeThoughts: true } } }
}
