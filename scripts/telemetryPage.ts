/** The page about logs, metrics and spans: its tables are those of the names in use. */
import { Names } from "../packages/telemetry/src/index.ts"
import { table } from "./table.ts"

const code = (text: string): string => `\`${text}\``

const metrics = table(
  ["name", "in Prometheus", "kind", "unit", "labels", "says"],
  Object.values(Names.metrics).map((metric: Names.Metric) => [
    code(metric.id),
    code(Names.prometheus(metric)),
    metric.type,
    metric.unit,
    metric.labels.map(code).join(", "),
    metric.description
  ])
)

const labels = table(
  ["label", "is"],
  Object.entries(Names.labels).map(([label, description]) => [code(label), description])
)

const attributes = table(
  ["attribute", "on", "is"],
  Object.values(Names.attributes).map(({ description, id, on }) => [
    code(id),
    on === "both" ? "operations, attempts" : `${on}s`,
    description
  ])
)

export const telemetry = `# What is said about operations

## The log

\`\`\`yaml
logging:
  level: info # trace, debug, info, warn, error, fatal, none
  loggers: { circuit_breaker: debug, retry: warn }
  format: pretty # of the console; or logfmt, json
  files: { directory: logs, maxBytes: 10485760, keep: 5, errorsKeep: 10 } # or false
\`\`\`

All of it is optional, and these are the defaults (the directory is \`logs\` beside the embedded database). \`console: false\` says nothing on the console, and \`redactEmails: true\` takes e-mail addresses out as well.

Lines go to the console and, as JSON, into \`holdfast.log\`; those of level error and above into \`holdfast-errors.log\` too. A file that has reached \`maxBytes\` becomes \`holdfast.log.1\`, and \`keep\` old ones stay. Every decision of the pipeline is one line with \`operation\`, \`route\`, \`lane\`, \`attempt\`, \`class\` and \`rule\`, where it has them.

| logger            | says                                                                             |
| ----------------- | -------------------------------------------------------------------------------- |
| \`ai_resilience\`   | how attempts and operations end, what was not called, what somebody must look at |
| \`circuit_breaker\` | circuits that open, probe and close; holds                                       |
| \`health_monitor\`  | lanes that become better or worse                                                |
| \`retry\`           | retries, and those that a budget does not allow                                  |
| \`fallback\`        | changes of lane, hedges, streams that are gone on with, waits for a lane         |
| \`limits\`          | lanes that cool                                                                  |
| \`cache\`           | the cache's store going away and coming back                                     |
| \`sharing\`         | the store shared with other instances going away and coming back                 |
| \`store\`           | the database going away and coming back; rows that are lost                      |
| \`gateway\`         | requests that break the gateway itself                                           |
| \`content\`         | prompts and answers, see below                                                   |
| \`logging\`         | files that cannot be written                                                     |

Levels change while the program runs: \`LogLevels.set("retry", "debug")\`. A disk that is full and a directory that cannot be written stop nobody: that is said once, lines are lost and counted, and every ten seconds one tries again. When the gateway stops, what is left is written, for five seconds at most.

## What is in no line

Values that are \`Redacted\`; fields named after keys (\`authorization\`, \`cookie\`, \`x-api-key\`, …); whatever has the shape of a provider's key, follows \`Bearer\`, \`key=\` or \`password:\`, or stands before the \`@\` of a URL; long runs of letters and digits; and every secret that the configuration names, whatever it looks like and however it is written. So it is in spans, and a test sends secrets in every place where one can be and looks for them in logs, spans, metrics, rows, pages and replies.

Prompts and answers are in no line, span or row, unless a route asks for it: with \`logContent: true\` the logger \`content\` writes both at \`info\`, with keys taken out. For all other routes it writes, at \`debug\`, fingerprints: equal texts have equal ones, within one process, and nobody can try texts out against them.

## Metrics

\`GET /metrics\` is what Prometheus reads (\`metrics: false\` takes it away), and a library has it as \`Metrics.layer\` with \`Metrics.prometheus\`. They are counted from events, after the fact, so that a call pays for nothing but its event; what is the case now is read when somebody looks.

\`\`\`yaml
metrics:
  maxLabelValues: 500
  tenants: 50
otlp:
  url: http://127.0.0.1:4318
  headers: { env: OTLP_HEADERS } # name=value,name=value
\`\`\`

A label that comes from outside (route, lane, provider, model, circuit, tenant) has at most so many values; any more are \`other\`, and \`holdfast_metrics_overflow_total\` says how many measurements that were. \`tenants\` tells so many callers apart, by fingerprints of their keys; without it nobody is. \`deploy/prometheus/\` has a configuration and alert rules, \`deploy/grafana/holdfast.json\` a dashboard; a test holds both to the names below, and \`promtool test rules deploy/prometheus/alerts.test.yaml\` says what the alerts say to what.

Version ${Names.version} of the names. \`gen_ai.*\` are those of OpenTelemetry's [conventions for generative AI](https://github.com/open-telemetry/semantic-conventions-genai), which are still in development; \`gen_ai.client.*\` count an operation once, whatever it took, and \`gen_ai.server.*\` are the gateway as its callers see it.

${metrics}

${labels}

## Spans

With \`otlp\` the gateway sends spans and metrics to a collector, as OTLP over HTTP in JSON; without it nothing is traced, and no span is made. In a library \`Spans.layer()\` makes them with whatever tracer is there. One request is one tree: the request (a child of the caller's \`traceparent\`), its operation, and the attempts. Operation and attempts are made from events when the operation is over, with the instants at which things happened. Providers are sent a \`traceparent\` with the request's span. Logs are not sent.

${attributes}
`
