import { defineConfig } from "vitest/config"
import projects from "./vitest.workspace.ts"

export default defineConfig({
  test: {
    projects,
    // Integration tests start PostgreSQL and talk over sockets: two files at once keep two cores busy and no more.
    maxWorkers: 2,
    testTimeout: 30_000,
    // Real sockets, processes and databases share two cores here, and now and then the machine has no time for one of them;
    // the report names who needed another try. What runs in virtual time from a fixed seed fails twice alike.
    retry: 1,
    hookTimeout: 120_000,
    silent: "passed-only"
  }
})
