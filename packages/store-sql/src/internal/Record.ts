/**
 * A row as the journal holds it: one line of text with a checksum in front, so that a line that was cut short, or damaged,
 * is known as such and the next one is found behind it. JSON has no line feeds of its own.
 */
import { crc32 } from "node:zlib"
import * as Tables from "./tables.ts"

export interface Record {
  readonly table: Tables.Name
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number
  /** The row, as JSON. */
  readonly json: string
}

export const of = ({ row, table }: Tables.Entry): Record => {
  const { at } = Tables.all[table]
  return { table, at: Number(Reflect.get(row, at)), json: JSON.stringify(row) }
}

/** Its line, with the line feed. */
export const encode = ({ at, json, table }: Record): string => {
  const body = `${table} ${at} ${json}`
  return `${checksum(body)} ${body}\n`
}

/** The row of a line without its line feed; `undefined` for what is none. */
export const decode = (line: string): Record | undefined => {
  const body = line.slice(9)
  if (line[8] !== " " || checksum(body) !== line.slice(0, 8)) return undefined
  const first = body.indexOf(" ")
  const second = body.indexOf(" ", first + 1)
  const table = body.slice(0, first)
  return isName(table) ? { table, at: Number(body.slice(first + 1, second)), json: body.slice(second + 1) } : undefined
}

const isName = (name: string): name is Tables.Name => Object.hasOwn(Tables.all, name)

const checksum = (body: string): string => crc32(body).toString(16).padStart(8, "0")
