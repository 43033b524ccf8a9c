/** Which tables a provider is read with, first to last. Adding a provider is adding its table here. */
import { answers } from "./answers.ts"
import { anthropic } from "./anthropic.ts"
import { azure } from "./azure.ts"
import { bedrock } from "./bedrock.ts"
import { codesAccount } from "./codesAccount.ts"
import { codesRequest } from "./codesRequest.ts"
import { codesService } from "./codesService.ts"
import { cohere } from "./cohere.ts"
import { deepseek } from "./deepseek.ts"
import { google } from "./google.ts"
import { groq } from "./groq.ts"
import { grpc } from "./grpc.ts"
import { http } from "./http.ts"
import { mistral } from "./mistral.ts"
import { ollama } from "./ollama.ts"
import { openai } from "./openai.ts"
import { openrouter } from "./openrouter.ts"
import type { Table } from "./Rule.ts"
import { together } from "./together.ts"
import { transport } from "./transport.ts"
import { transportTls } from "./transportTls.ts"
import { transportWording } from "./transportWording.ts"
import { vllm } from "./vllm.ts"
import { wordingAccess } from "./wordingAccess.ts"
import { wordingMoney } from "./wordingMoney.ts"
import { wordingPolicy } from "./wordingPolicy.ts"
import { wordingRequest } from "./wordingRequest.ts"
import { wordingService } from "./wordingService.ts"
import { wordingSize } from "./wordingSize.ts"
import { xai } from "./xai.ts"

/** What every provider shares; read after its own. Among sentences, the order is the precedence. */
export const common: ReadonlyArray<Table> = [
  transport,
  transportTls,
  transportWording,
  grpc,
  codesAccount,
  codesRequest,
  codesService,
  answers,
  http,
  wordingMoney,
  wordingSize,
  wordingPolicy,
  wordingAccess,
  wordingService,
  wordingRequest
]

/** A provider's own table, then those of the providers whose errors it passes on. */
export const own: { readonly [provider: string]: ReadonlyArray<Table> } = {
  gemini: [google],
  vertex: [google, anthropic],
  openai: [openai],
  "azure-openai": [azure, openai],
  anthropic: [anthropic],
  bedrock: [bedrock, anthropic],
  mistral: [mistral],
  cohere: [cohere],
  groq: [groq],
  deepseek: [deepseek],
  xai: [xai],
  together: [together],
  openrouter: [openrouter, google, openai, anthropic, azure, mistral, xai],
  ollama: [ollama],
  vllm: [vllm]
}

/** Every table there is, for the names that a gateway or a compatible server may pass on. */
export const all: ReadonlyArray<Table> = [...new Set(Object.values(own).flat())]
