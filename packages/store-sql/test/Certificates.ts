/** Authorities, and certificates by them, made anew in each run. */
import { Effect } from "effect"
import { generate, type GenerateResult, type SelfsignedOptions } from "selfsigned"

export type Certificate = Pick<GenerateResult, "cert" | "private">

const dayMillis = 86_400_000

const make = (name: string, options: SelfsignedOptions): Effect.Effect<Certificate> =>
  Effect.promise(() =>
    generate([{ name: "commonName", value: name }], { keyType: "ec", algorithm: "sha256", ...options })
  )

export const authority = (name: string): Effect.Effect<Certificate> =>
  make(name, { extensions: [{ name: "basicConstraints", cA: true, critical: true }] })

/** Of one host, by nobody but itself. */
export const selfSigned = (host: string): Effect.Effect<Certificate> =>
  make(host, { extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: host }] }] })

/** Of one host. Ends in a day, or ended yesterday. */
export const of = (host: string, by: Certificate, ended = false): Effect.Effect<Certificate> =>
  Effect.suspend(() => {
    const now = Date.now()
    return make(host, {
      ca: { key: by.private, cert: by.cert },
      notBeforeDate: new Date(now - 2 * dayMillis),
      notAfterDate: new Date(now + (ended ? -dayMillis : dayMillis)),
      extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: host }] }]
    })
  })
