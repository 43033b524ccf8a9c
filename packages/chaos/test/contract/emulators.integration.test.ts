import { type Gaps, holds } from "./contract.ts"
import * as EmulatorHosts from "./EmulatorHosts.ts"
import { type SubjectName, subjects } from "./Subject.ts"

const silentThoughts: Gaps = { "shows what the model thought": "chat completions of OpenAI show no reasoning" }
const noThoughts: Gaps = { "shows what the model thought": "the emulated Gemini does not think" }

const gaps: { readonly [Of in SubjectName]: Gaps } = {
  chat: silentThoughts,
  responses: {},
  compatible: silentThoughts,
  v1beta: noThoughts,
  v1: noThoughts,
  bearer: {},
  older: {}
}

for (const [name, subject] of Object.entries(subjects)) {
  holds(subject, EmulatorHosts.host(subject.format), gaps[name as SubjectName])
}
