import { defineConfig } from "vite"

export default defineConfig({
  root: import.meta.dirname,
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    outDir: "dist",
    emptyOutDir: true,
    // The page's rules for content allow files of its own only, nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false }
  }
})
