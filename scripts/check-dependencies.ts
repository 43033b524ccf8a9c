/**
 * Reads every import of `packages/` and reports what the architecture forbids: a package that imports one it may not,
 * another package's internals, a module that a user of a package does not see, an npm package that is not declared, a path that leaves its package, `src` that imports
 * `test`, and a cycle of modules that run each other (imports of types alone are erased and make none).
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, sep } from "node:path"
import { parseSync } from "oxc-parser"
import { narrowed, rows, scope } from "./packages.ts"

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

interface Import {
  readonly line: number
  readonly specifier: string
  readonly isType: boolean
}

const problems: Array<string> = []
const report = (file: string, line: number, message: string): void => {
  problems.push(`${file}:${line}: ${message}`)
}

/** What a file imports and exports from elsewhere, in the order it stands there. */
const importsOf = (file: string, source: string): ReadonlyArray<Import> => {
  const { errors, module } = parseSync(file, source)
  for (const error of errors) report(file, 1, error.message)
  const at = (specifier: string, offset: number, isType: boolean): Import => ({
    specifier,
    isType,
    line: source.slice(0, offset).split("\n").length
  })
  const found: Array<Import> = []
  for (const { entries, moduleRequest, start } of module.staticImports) {
    found.push(at(moduleRequest.value, start, entries.length > 0 && entries.every((entry) => entry.isType)))
  }
  for (const { entries, start } of module.staticExports) {
    const request = entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest
    if (request) {
      found.push(
        at(
          request.value,
          start,
          entries.every((entry) => entry.isType)
        )
      )
    }
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const text = source.slice(moduleRequest.start, moduleRequest.end)
    if (/^["'`][^$]*["'`]$/.test(text)) found.push(at(text.slice(1, -1), start, false))
  }
  return found
}

/** The npm package a bare specifier names: `effect` of `effect/Schema`, `@scope/name` of `@scope/name/Module`. */
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

/** The modules that the index of a package lists. */
const entriesOf = (name: string): ReadonlySet<string> => {
  const index = join("packages", name, "src", "index.ts")
  const listed = importsOf(index, readFileSync(index, "utf8"))
  return new Set(listed.map(({ specifier }) => specifier.replace(/^\.\/|\.ts$/g, "")))
}

const checkHoldfast = (file: string, name: string, area: string, found: Import): void => {
  const { isType, line, specifier } = found
  const target = packageOf(specifier).slice(scope.length)
  const path = specifier.slice(scope.length + target.length + 1)
  if (target !== name && path.startsWith("internal/")) report(file, line, `"${specifier}" is internal to ${target}`)
  if (target === name) {
    if (area === "src") report(file, line, `"${specifier}" is this package; import the file by its relative path`)
    return
  }
  if (!rows[name]?.packages.includes(target)) {
    report(file, line, `${name} may not import ${target} ("${specifier}")`)
    return
  }
  if (rows[name]?.isUser === true && path !== "" && !entriesOf(target).has(path)) {
    report(file, line, `${name} may import only what the index of ${target} lists ("${specifier}")`)
  }
  const narrow = narrowed.find(({ from, to }) => from === name && to === target)
  if (narrow && area === "src" && !isType && !narrow.values?.includes(path)) {
    const others = narrow.values ? ` beside ${narrow.values.join(", ")}` : ""
    report(file, line, `${name} may import only types of ${target}${others} ("${specifier}")`)
  }
}

const checkNpm = (file: string, name: string, area: string, manifest: Manifest, found: Import): void => {
  const { line, specifier } = found
  const row = rows[name]
  const npm = packageOf(specifier)
  const declared = { ...(area === "src" ? undefined : manifest.devDependencies), ...manifest.dependencies }
  if (isBuiltin(specifier)) {
    if (area === "src" && !row?.node) report(file, line, `${name} may not import Node's "${specifier}"`)
  } else if (!(npm in declared)) {
    report(file, line, `"${npm}" is not a dependency of packages/${name}/package.json`)
  } else if (area === "src" && row && row.npm !== "dependencies" && !row.npm.includes(npm)) {
    report(file, line, `${name} may not import the npm package "${npm}"`)
  }
}

/** The modules each module runs when it is loaded. */
const runs = new Map<string, Array<string>>()

const checkRelative = (file: string, name: string, area: string, found: Import): void => {
  const { isType, line, specifier } = found
  const target = join(dirname(file), specifier)
  const home = join("packages", name)
  if (!target.startsWith(home + sep)) report(file, line, `"${specifier}" leaves ${home}`)
  else if (area === "src" && !target.startsWith(join(home, "src") + sep))
    report(file, line, `"${specifier}" leaves ${home}/src`)
  else if (!existsSync(target)) report(file, line, `"${specifier}" is not a file`)
  else if (!isType) runs.set(file, [...(runs.get(file) ?? []), target])
}

const checkFile = (file: string, name: string, manifest: Manifest): void => {
  const area = file.split(sep)[2] ?? ""
  for (const found of importsOf(file, readFileSync(file, "utf8"))) {
    if (found.specifier.startsWith(".")) checkRelative(file, name, area, found)
    else if (found.specifier.startsWith(scope)) checkHoldfast(file, name, area, found)
    else checkNpm(file, name, area, manifest, found)
  }
}

/** Walks depth first; a module met again while it is still on the path closes a cycle. */
const checkCycles = (): void => {
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>): void => {
    const start = path.indexOf(file)
    if (start >= 0) {
      problems.push(`cycle: ${[...path.slice(start), file].join(" -> ")}`)
      return
    }
    if (done.has(file)) return
    for (const next of runs.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of runs.keys()) visit(file, [])
}

for (const path of globSync("packages/*/package.json").toSorted()) {
  const name = path.split(sep)[1] ?? ""
  // A package.json has this shape or pnpm refuses to install it.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest
  const row = rows[name]
  if (!row) report(path, 1, "the package has no row in scripts/packages.ts")
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
    if (dependency.startsWith(scope) && !row?.packages.includes(dependency.slice(scope.length))) {
      report(path, 1, `${name} may not depend on ${dependency}`)
    }
  }
  for (const file of globSync(`packages/${name}/{src,test}/**/*.ts`).toSorted()) checkFile(file, name, manifest)
}
checkCycles()

if (problems.length > 0) {
  console.error(problems.join("\n"))
  process.exitCode = 1
}
