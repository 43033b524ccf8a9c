/** Has no types of its own. */
declare module "parse-prometheus-text-format" {
  import type { Family } from "./Prometheus.ts"
  const parse: (text: string) => Array<Family>
  export default parse
}
