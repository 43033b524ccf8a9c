import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

export default defineConfig({
  test: {
    projects,
    // Integration tests start PostgreSQL and talk over sockets: two files at once keep two cores busy and no more.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    silent: "passed-only"
  }
})
