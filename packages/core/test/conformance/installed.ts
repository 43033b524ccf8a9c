/** Which version of a package is installed, as its own manifest says. */
import { readFileSync } from "node:fs"

export const installed = (name: string): string => {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), "utf8")
  )
  return manifest.version
}
