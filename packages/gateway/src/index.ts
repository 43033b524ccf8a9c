export * as Config from "./Config.ts"
export * as Gateway from "./Gateway.ts"
export * as Logs from "./Logs.ts"
export * as Routes from "./Routes.ts"
