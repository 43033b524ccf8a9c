import { type Gaps, holds } from "./contract.ts"
import * as EmulatorHosts from "./EmulatorHosts.ts"
import { type SubjectName, subjects } from "./Subject.ts"

const oneCall: Gaps = { "calls tools in parallel": "an emulated model calls one tool at a time" }
const silentThoughts: Gaps = { "shows what the model thought": "chat completions of OpenAI show no reasoning" }
const noThoughts: Gaps = { "shows what the model thought": "the emulated Gemini does not think" }

const gaps: { readonly [Of in SubjectName]: Gaps } = {
  chat: { ...oneCall, ...silentThoughts },
  responses: oneCall,
  compatible: { ...oneCall, ...silentThoughts },
  v1beta: { ...oneCall, ...noThoughts },
  v1: { ...oneCall, ...noThoughts },
  bearer: oneCall,
  older: oneCall
}

for (const [name, subject] of Object.entries(subjects)) {
  holds(subject, EmulatorHosts.host(subject.format), gaps[name as SubjectName])
}
