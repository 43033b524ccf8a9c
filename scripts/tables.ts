/**
 * Writes the tables of docs/ from the values they are about, so that they cannot say anything else. With `--check` it
 * writes nothing and fails when a page is not what it would write.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { Duration } from "effect"
import { Adaptation, Classification, Disposition, Failure, Policy } from "../packages/core/src/index.ts"
import { table } from "./table.ts"
import { telemetry } from "./telemetryPage.ts"

const duration = (value: Duration.Duration): string => Duration.format(value)

const reasons: { readonly [Class in keyof typeof Disposition.table]: string } = {
  RateLimit: "the hint is a promise about this credential: waiting helps, and others need not queue for it",
  ServiceUnavailable: "the next request often succeeds",
  ModelOverloaded: "capacity comes back within seconds, and another model has its own",
  QuotaExceeded: "money and calendars do not come back in seconds; one retry covers a wrong verdict",
  Authentication: "the same key fails again, and hammering with it can lock an account",
  PermissionDenied: "the same credential is refused again",
  Timeout: "repeated only where no other lane can answer: a second long silence helps nobody",
  ContentPolicy: "the same words are stopped again; asking elsewhere is a decision, not a default",
  Network: "the next connection often holds",
  InvalidRequest: "it fails everywhere in the same way",
  ContextLengthExceeded: "only a larger window can take it",
  ModelNotFound: "the name is wrong or retired here; elsewhere it may not be",
  InvalidResponse: "the next answer is usually whole",
  StreamTruncated: "before the first content it can be asked again unseen; after it, `stream.onFailure` decides",
  Cancelled: "nobody waits for the answer",
  Unknown: "without evidence that repeating helps, another lane is the safer try"
}

const classes = Failure.Class.literals

const differing = classes
  .filter((name) => Disposition.table[name].maxRetries > 0 && !Classification.defaults[name].retryable)
  .map((name) => `\`${name}\``)

const dispositions = `# What is done about each class of failure

Retry here, ask another lane, and what circuits learn are three separate decisions. The compiler proves that no class is left out. Retries are bounded by the policy's \`maxRetries\` as well; a provider's hint lengthens every wait. A payload may say otherwise of itself, and then it is believed: a TLS certificate error is a \`Network\` failure that no retry mends.

${table(
  ["class", "retries on the lane", "base ×", "another lane", "a circuit learns", "health", "a person is told", "why"],
  classes.map((name) => {
    const line = Disposition.table[name]
    return [
      `\`${name}\``,
      line.maxRetries === Number.POSITIVE_INFINITY ? "as the policy says" : String(line.maxRetries),
      String(line.baseFactor),
      line.failover,
      line.outcome === "neutral" ? "nothing" : `${line.outcome} (${line.circuit})`,
      line.blames === "lane" ? "counts" : "does not count",
      line.alert ? "yes" : "no",
      reasons[name]
    ]
  })
)}

A classifier states facts; what is done about them is policy, and differs where it says so: for ${differing.join(" and ")} the facts speak against a retry, yet the table allows one.

## Whose fault it is

A request may break every provider it meets, and looks like an outage to itself. What tells the two apart is what others are told meanwhile.

- A provider breaks on a request with \`ServiceUnavailable\`, \`InvalidResponse\`, \`StreamTruncated\` or \`Unknown\`. Silence, lost connections, limits and overload have causes of their own.
- A lane answers others when it has answered a request that was sent after this operation began, and at least four of five of its recent calls, 20 or more. In an outage no lane does.
- When a lane that answers others has broken on the request, the same failure on another credential or provider is not held against that one: its circuits and its health learn nothing (\`pardoned\` in \`AttemptEnded\`), and it is not asked again.
- When lanes of two providers that answer others have broken on it alike, it is sent nowhere else: \`AllLanesFailed\` with \`blames: "request"\`, in the gateway a 502 with the code \`request_breaks_providers\`. What the first lane learnt stays: its answers to others outweigh it.
- A key that is refused (\`Authentication\`) opens its credential's circuit; a second one of the same provider in the same operation does not. It opens when it is refused on its own.
- When two credentials of one model have failed alike, by more than a limit, other models are asked before further credentials of that one.

Where there are no others to compare with, everything is held against the lanes, as in an outage.

## When every lane has failed

\`AllLanesFailed\` has the \`trail\` (each lane, the requests it was sent, how it ended; a refusal of ours does not hide a provider's failure before it), and where lanes are closed to calls the time until the first of them opens: \`retryAfter\`, and as an instant \`reopensAt\`. The gateway says it in \`retry-after\`.
`

const names = Policy.PresetName.literals
const lines: ReadonlyArray<readonly [string, (policy: Policy.Policy) => string]> = [
  ["`retry.maxRetries`", ({ retry }) => String(retry.maxRetries)],
  ["`retry.base` (a rate limit waits twice as long)", ({ retry }) => duration(retry.base)],
  ["`retry.factor`", ({ retry }) => String(retry.factor)],
  ["`retry.maxDelay`", ({ retry }) => duration(retry.maxDelay)],
  ["`retry.jitter`", ({ retry }) => retry.jitter],
  ["`retry.patience`: the longest wait on one lane", ({ retry }) => duration(retry.patience)],
  ["`budget.maxAttempts`: over retries and lanes", ({ budget }) => String(budget.maxAttempts)],
  [
    "`budget.maxTokens`: over retries and lanes",
    ({ budget }) => (budget.maxTokens === undefined ? "none" : String(budget.maxTokens))
  ],
  ["`budget.maxUsd`", ({ budget }) => (budget.maxUsd === undefined ? "none" : String(budget.maxUsd))],
  ["`budget.assumedOutputTokens` of a request that sets no limit", ({ budget }) => String(budget.assumedOutputTokens)],
  ["`retryBudget.ratio`: retries per call on a lane", ({ retryBudget }) => String(retryBudget.ratio)],
  ["`retryBudget.reservePerSecond`", ({ retryBudget }) => String(retryBudget.reservePerSecond)],
  ["`retryBudget.life`", ({ retryBudget }) => duration(retryBudget.life)],
  ["`retryQuota.enabled`", ({ retryQuota }) => String(retryQuota.enabled)],
  ["`retryQuota.capacity`", ({ retryQuota }) => String(retryQuota.capacity)],
  ["`retryQuota.cost` of a retry", ({ retryQuota }) => String(retryQuota.cost)],
  ["`retryQuota.throttledCost`", ({ retryQuota }) => String(retryQuota.throttledCost)],
  ["`retryQuota.gain` by an answer without a retry", ({ retryQuota }) => String(retryQuota.gain)],
  ["`breaker.consecutiveFailures`", ({ breaker }) => String(breaker.consecutiveFailures)],
  ["`breaker.rate` of failures in the window; 0: off", ({ breaker }) => String(breaker.rate)],
  ["`breaker.minimumCalls` in the window", ({ breaker }) => String(breaker.minimumCalls)],
  ["`breaker.window` (or `windowCalls`)", ({ breaker }) => duration(breaker.window)],
  ["`breaker.slowRate` (with `slowCall`); 0: off", ({ breaker }) => String(breaker.slowRate)],
  ["`breaker.open`", ({ breaker }) => duration(breaker.open)],
  ["`breaker.openGrowth` per reopening (or `openTimes`)", ({ breaker }) => String(breaker.openGrowth)],
  ["`breaker.openMax`", ({ breaker }) => duration(breaker.openMax)],
  ["`breaker.hintMax`: the longest a hint keeps it open", ({ breaker }) => duration(breaker.hintMax)],
  ["`breaker.openJitter`: part that chance takes off", ({ breaker }) => String(breaker.openJitter)],
  ["`breaker.probes`", ({ breaker }) => String(breaker.probes)],
  ["`breaker.probeSuccesses` that close it", ({ breaker }) => String(breaker.probeSuccesses)],
  ["`breaker.probeLease`", ({ breaker }) => duration(breaker.probeLease)],
  ["`breaker.ramp` after closing", ({ breaker }) => (breaker.ramp === undefined ? "none" : duration(breaker.ramp))],
  ["`limits.requestsPerMinute` per credential and model", ({ limits }) => String(limits.requestsPerMinute ?? "none")],
  ["`limits.tokensPerMinute` per credential and model", ({ limits }) => String(limits.tokensPerMinute ?? "none")],
  ["`bulkhead.maxConcurrent` per lane", ({ bulkhead }) => String(bulkhead.maxConcurrent)],
  ["`bulkhead.maxQueue`", ({ bulkhead }) => String(bulkhead.maxQueue)],
  ["`bulkhead.queueTimeout`", ({ bulkhead }) => duration(bulkhead.queueTimeout)],
  ["`bulkhead.adaptive`", ({ bulkhead }) => bulkhead.adaptive?.algorithm ?? "none"],
  ["`clocks.connect`: until the connection stands", ({ clocks }) => duration(clocks.connect)],
  ["`clocks.firstContent` of a stream", ({ clocks }) => duration(clocks.firstContent)],
  ["`clocks.chunkGap` of a stream", ({ clocks }) => duration(clocks.chunkGap)],
  ["`clocks.attempt` of a stream", ({ clocks }) => duration(clocks.attempt)],
  ["`clocks.plainAttempt`", ({ clocks }) => duration(clocks.plainAttempt)],
  ["`clocks.total`: the deadline", ({ clocks }) => duration(clocks.total)],
  ["`fallback.onContentPolicy`", ({ fallback }) => String(fallback.onContentPolicy)],
  ["`fallback.waitForReopening`", ({ fallback }) => String(fallback.waitForReopening)],
  ["`fallback.spillOver` of a full lane", ({ fallback }) => String(fallback.spillOver)],
  ["`throttle.enabled`", ({ throttle }) => String(throttle.enabled)],
  ["`throttle.k`: calls sent for each that is accepted", ({ throttle }) => String(throttle.k)],
  ["`throttle.window`", ({ throttle }) => duration(throttle.window)],
  ["`throttle.padding`", ({ throttle }) => String(throttle.padding)],
  ["`throttle.maxProbability`", ({ throttle }) => String(throttle.maxProbability)],
  ["`hedge.enabled`", ({ hedge }) => String(hedge.enabled)],
  ["`hedge.quantile` of the lane's answers that came sooner", ({ hedge }) => String(hedge.quantile)],
  ["`hedge.minimumCalls` that say what is usual", ({ hedge }) => String(hedge.minimumCalls)],
  ["`hedge.minimumDelay` (or `delay`, fixed)", ({ hedge }) => duration(hedge.minimumDelay)],
  ["`stream.onFailure` behind the first content", ({ stream }) => stream.onFailure],
  ["`cache.ttl`: how long an answer is given again; 0: never", ({ cache }) => duration(cache.ttl)],
  ["`cache.staleIfError`: how much longer it stands in for a failure", ({ cache }) => duration(cache.staleIfError)],
  ["`cache.maxEntryBytes`: the largest answer that is kept", ({ cache }) => String(cache.maxEntryBytes)],
  [
    "`coalesce.enabled`: identical calls at the same time share one operation",
    ({ coalesce }) => String(coalesce.enabled)
  ],
  ["`coalesce.maxBytes` held of a shared stream", ({ coalesce }) => String(coalesce.maxBytes)]
]

const policies = `# The named policies

A policy is one value: \`Policy.interactive\` in code, \`policy: interactive\` in a file. Start from the one whose caller is yours and replace what differs: \`Policy.interactive.pipe(Policy.retry({ maxRetries: 1 }))\`, or \`policy: { preset: interactive, retry: { maxRetries: 1 } }\`. Impossible numbers are refused by the name of the option.

- \`interactive\` (the gateway's default): a person waits.
- \`standard\` (the library's default): a service waits.
- \`batch\`: nobody waits.
- \`mission\`: plain numbers without growth or jitter in the open time.

${table(
  ["option", ...names.map((name) => `\`${name}\``)],
  lines.map(([name, read]) => [name, ...names.map((preset) => read(Policy.presets[preset]))])
)}

## Which lanes a request is sent to

Of a route's lanes those are asked that can serve the request: its tools, images, schema, streaming, output limit, length of vectors. What is not known of a lane is not held against it. A lane whose known context window cannot hold the request, even if the estimate of the input is off by all of its margin (30 % for GPT-4o and later; images and PDF have margins of their own), with the output that the request asks for, is not asked while another one may hold it. Where none may, those with the largest window are asked all the same: the provider's own count is exact and its refusal free, ours would be a guess. A request whose letters alone are fewer than the tokens of the window is not estimated at all.

\`needs\` of a route (\`needs: { tools: true, contextTokens: 100000 }\`) says what each of its lanes must offer: one that is known not to makes the route invalid when it is made, with what it lacks.

## What opens a circuit

Failures in a row, the part of the calls in the window that failed, or slowness where a policy watches it. A row is one of calls that were sent one after the other, of which none is still under way and none was answered: refusals come in milliseconds and answers in seconds, so the first results of any crowd are its failures, and by the order in which calls end a lane that fails one call in seven would look dead whenever many calls begin at once. An answer, to whichever call, begins the count anew. A rate over a window of time must for the same reason be reached also among the calls that were sent in it, from the first that has failed on.

\`breaker.consecutiveFailures\` in a row are enough for a lane that fails one call in ten or fewer. One that fails more often has so many by chance now and then, and must have more: as many as are as improbable at its rate, which is that of the other calls in the window where there are \`breaker.minimumCalls\` of them. With 5 that is 7 at 15 %, 10 at 30 % and 15 at 45 %. Where no rate is watched (\`mission\`) nothing is known of the others and the number holds as it is.

## What one operation may spend

\`budget\` is one for all retries, credentials, fallbacks and hedges of an operation: attempts, tokens, US dollars (time is \`clocks.total\`). Before each attempt its estimate is reserved: the lane's estimate of the input, and the output the request allows, or \`assumedOutputTokens\` where it allows any. After it, what the answer says it used takes the estimate's place; a request that was not sent, or that the provider refused with a status, cost nothing; where nobody knows (a timeout, a broken connection, a stream that broke off, a caller who left) the estimate stands. So what is spent passes the budget at most by what an attempt cost above its estimate. A budget without room suppresses the next attempt with \`BudgetExhausted\`, which names it (\`attempts\`, \`tokens\`, \`usd\`); it never ends one that is under way, and a cheaper lane may still be asked.

Prices are list prices of the catalogue (cached input counts as input), or \`price\` of the model. A route with \`maxUsd\` is refused when it is made if the price of one of its lanes is not known; whoever runs a model themselves says \`price: { input: 0, output: 0 }\`.

## Streams that break

The clocks of a stream: \`connect\` until the connection stands, \`firstContent\` until the first content (headers are none), \`chunkGap\` between two pieces, \`attempt\` for the whole attempt, \`total\` for the operation. Each is named in the \`Timeout\` it raises; \`total\` raises \`DeadlineExceeded\`. What the reader takes between two pieces counts for \`total\` alone.

Until the first content (text, reasoning, the start of a tool call, a file) a failure is retried or failed over unseen, an error inside the stream like any other. Behind it \`stream.onFailure\` decides:

- \`surface\`: the stream ends with the failure, behind a correct beginning.
- \`continue\`: another lane goes on behind what was delivered, or the same one after its wait where that is the only one. A model that is known to (\`prefill: true\` among its capabilities: Gemini, Claude up to 4.5) goes on with its own turn; any other, or one that rejects that, is told to repeat the last words and go on. What it says again, also the whole answer from its beginning, is dropped; what does not begin with words that were delivered is not joined, and the next lane is asked. Never behind a tool call or a file; reasoning is not repeated. Each request counts in the budgets and in the provenance, which names the lanes in \`continuedFrom\`, as does the metadata of the \`finish\` part (\`holdfast.continuedFrom\`). Its usage is the sum over the requests whose text is in the answer: what the last one said, and for those that were cut off, whose providers never said, an estimate of their input and a token for every four characters of what they gave; it is marked so (\`holdfast.usageEstimated\`, with what was said of the last request in \`lastUsage\`; \`usage_estimated\` in the gateway). Budgets and the ledger count each request by itself, the cut ones by what was reserved. The metadata of the answer names each model when it begins to speak, and the gateway's chunks the one that speaks. When nobody can go on, the first failure surfaces.
- \`restart\`: the answer begins anew behind a \`restarted\` part, for a caller who reads \`streamRestarting\` of the route and so knows that part. For every other caller the failure surfaces.

In the gateway a stream gets its headers with its first content, so that a failure before it has its own status; no heartbeat is possible until then, since HTTP has no body without headers. Where a proxy cuts connections that stay mute, \`server: { streamHeadersAfter: 5 seconds }\` sends them after that long, and every failure from then on is an event in a 200. While a stream is silent it gets a comment (\`: keep-alive\`) every 10 to 20 seconds, which \`server.streamHeartbeat\` changes. A stream that fails ends with an error event and without \`[DONE]\`. \`x-holdfast-restart: accept\` says that the caller knows a chunk without choices whose \`holdfast.restarted\` names the lane and the failure: all before it is void. The last chunk of an answer that was gone on with has \`holdfast.continued_from\`.

## Answers that are given again

Off unless a route asks for it, since the same question may deserve another answer: \`cache: { ttl: 10 minutes, staleIfError: 1 day }\`. An answer is given again to exactly the same request: every field of it counts (sampling too), and so do the route, its lanes in their order and the tenant. The order of fields does not. Kept are answers that came to an end of their own (\`stop\`, \`tool-calls\`) with some content; never one that failed, broke off, was cut by its length or by a filter, or is larger than \`maxEntryBytes\`. A stream is kept as its parts and given again as a stream. Vectors are kept one by one, by text, vector space, length and task, so that a batch whose texts are known in part asks for the others alone. An answer of a lane that is not the route's first is kept too, and stays \`degraded\`.

Within \`ttl\` the lanes are not asked. After that, for \`staleIfError\`, an old answer stands in when asking anew has failed, unless the caller has to change something (\`InvalidRequest\`, \`ContentPolicy\`, \`ContextLengthExceeded\`, no capable lane), and never after the first part of a stream. The provenance says \`cached\`, \`stale\` and \`ageMillis\`. \`Cache.Bypass\` asks for a new answer (\`no-cache\`: it is kept; \`no-store\`: it is not); \`Cache.Tenant\` keeps tenants apart. In the gateway these are the header \`x-holdfast-cache\` and the caller's own key.

Entries are in the memory of the process (\`Cache.layerStoreMemory\`: 10,000 entries, 64 MiB, the one used longest ago goes first), in Redis (\`Cache.layerStoreRedis\`), or in any store of \`effect/persistence\`. A store that does not answer within 50 ms is a miss; after three in a row it is left alone for a second at a time, and \`CacheStoreChanged\` says when it went and came back.

## Identical calls at the same time

With \`coalesce: { enabled: true }\` (\`Policy.coalesce()\`) they share one operation; what is identical is decided as for the cache, which need not be on. Its error is everybody's. Whoever leaves takes nothing from the others, and when the last one leaves the attempt is called off. Each caller has its own time, its own provenance (\`coalesced\`) and its own \`OperationEnded\`; the requests sent count once. Who came later does not share the first one's \`DeadlineExceeded\` but asks again in the time it has left. A call of high priority does not join an ordinary one, while ordinary ones join it.

A late reader of a shared stream is given what came before, then what comes. The fastest reader sets the pace: the provider is read at most \`coalesce.maxBytes\` ahead of it. A reader that falls farther behind than that is cut off with \`StreamTruncated\` (\`coalesce/slow-reader\`), so that nobody waits for it; a stream that has become longer than that takes nobody in any more.

## The last resort

\`degraded\` of a route is what a caller gets when every lane has failed, nothing stale is there, and the caller could not have helped it: a fixed text, or in code what computes one from the request and the error. A fixed text answers where text was asked for, not where JSON or a tool call was. The answer names the model \`holdfast/degraded\`; its provenance has no lane and is \`degraded\`.

## Limits

Requests and tokens are counted before anything is sent, for each credential and model, with no limit of our own unless \`limits\` sets one: \`Policy.limits({ requestsPerMinute: 500, tokensPerMinute: 30_000 })\`. \`requestsBurst\` and \`tokensBurst\` say how much may go at once, by default what ten seconds allow. Policies with the same numbers share one count; one with other numbers has its own. What the provider says is heeded in any case, and for all: the \`x-ratelimit-*\` and \`anthropic-ratelimit-*\` headers of every answer, good or bad, correct the count as soon as they are here, and a "too many requests" cools the lane for everybody until the wait it names is over, an hour at most. Then a request finds out.

A request's tokens are estimated before (the input, and what it may write where it says so) and replaced by what it really used; a request that the provider refused used none. A request larger than the limit can ever hold is sent when nothing is owed, and the others wait for what it owes.

A lane without room refuses at once, and another lane is asked. Where there is none the operation waits until its deadline, and so does one that was told to wait, within \`retry.patience\`. All who wait for a lane stand in one line and leave one after another, at the rate of the limits and 25 ms apart at least, each with up to 25 ms of chance (none with \`retry.jitter: none-unsafe\`). Those who wait for a circuit to close leave each at a random instant after it has: within half a second for as many as \`bulkhead.maxConcurrent\`, one second at most, and half of the time they have left.

## A lane that is full

A call that finds all slots of its lane taken (\`bulkhead.maxConcurrent\`) goes to the next lane that takes it at once: its circuits are closed, its limits leave room, a slot is free, and it is not unhealthy while the full one is not. The trail and \`LaneRefused\` say so (\`BulkheadFull\`, \`spilled-over\`). If that lane fails, the full one is asked next. Where no lane has a slot free, the call stands in the line of the first, so the order holds while all are full. \`fallback.spillOver: false\`, as in \`batch\`, always stands in line: for whoever would rather wait for the lane that was meant than be answered by another.

## A bulkhead that finds its size

\`Policy.bulkhead({ adaptive: { algorithm: "gradient2", min: 2, max: 100, initial: 20 } })\` lets a lane's own answers say how many calls it may run at once, by the algorithms of Netflix's concurrency-limits: \`gradient2\` goes by latency against its own long average, \`vegas\` by the queue that the lowest latency seen lets suspect (the most exact where calls take about equally long), \`aimd\` by drops alone (and by calls longer than \`timeout\`, on average). All are optional: \`gradient2\`, from 1 to \`maxConcurrent\`, beginning at 20. An answer teaches its latency, of a stream the time to its first content; a rate limit, an overloaded model and a timeout are drops; nothing else teaches anything. It learns from ten calls at a time, and moves up only while at least half of its slots are used. \`Bulkhead.snapshot\` has the number of the moment.

## The throttle

Off unless a policy has it: \`Policy.throttle()\`, or \`throttle: { enabled: true }\` in a file. Of what is wanted of a lane, the part \`(requests - k * accepts) / (requests + padding)\` is refused here by chance, as in *Site Reliability Engineering*, chapter 21: a lane that takes everything is sent everything, one that takes a third is sent two thirds or so, one that takes nothing a tenth (\`maxProbability\`). Not accepted are rate limits, spent quotas, overload, unavailability, timeouts and lost connections. Calls count when they are sent, over \`window\`, or the longest clock of an attempt where that is more. Another lane is asked at once; where there is none the operation fails with \`LimitReached\` (\`throttle\`) and does not wait. The probes of a circuit are not throttled.

## Hedges

Off unless a policy has it: \`Policy.hedge()\`, or \`hedge: { enabled: true }\` in a file. An attempt that takes longer than \`quantile\` of the lane's answers of the last ten minutes, and than \`minimumDelay\`, gets one more beside it: on the next lane that takes it at once, else on the same one. With fewer than \`minimumCalls\` answers nobody knows what is slow and nothing is sent; \`delay\` sends it after a fixed time. The first success is the answer and the other attempt is called off, \`Cancelled\`, with a row of its own in the ledger. When one fails the other is waited for; when both have, the operation goes on as a failure of the first lane would, and the other lane counts as asked. A request that is at fault itself stops both. Streams are raced until their first content.

The extra attempt is paid for by the first lane's \`retryBudget\` and counts in \`budget.maxAttempts\`; an operation sends one at most. A loser may be billed by its provider all the same.

## Slow lanes

A failure that has taken half of its clock (\`clocks.plainAttempt\`, of a stream \`clocks.firstContent\`) is treated like a timeout: it is not repeated on its lane while another one stands free. Where an attempt's clock and the operation's deadline run out together it is the lane that has not answered in its time. An attempt that the deadline cuts off earlier counts against its lane as well when it had at least half of its clock, had taken longer than 95 % of the lane's recent answers, and nothing had come; else it says nothing.

A first lane that its recent past ranks below another is asked all the same by every twentieth operation that passes it by, and by one every ten seconds. Nothing is ranked by fewer than 20 results of the last five minutes, and a circuit that closes wipes the slate.

## The retry budget

\`retryBudget\` bounds how much a lane's traffic can grow by retries, over all operations of a process: each call pays for \`ratio\` retries, and \`reservePerSecond\` more are free. Ten free retries a second matter little to a process that makes a thousand calls a second; for one that makes a call a second they are no bound at all, and a hundred such processes may together send a thousand retries a second more than the budget's ratio says. Where many small clients share a provider, lower it: \`Policy.retryBudget({ reservePerSecond: 0.2 })\` allows one retry in five seconds that no call has paid for.

## The retry quota

Off unless a policy has it: \`Policy.retryQuota()\`, or \`retryQuota: { enabled: true }\` in a file. It is the quota of the AWS SDKs' standard retry mode, one per lane, beside the budget: a retry takes \`cost\` out of it (\`throttledCost\` after a rate limit or a spent quota), gets it back if it is answered, and an answer that needed no retry adds \`gain\`. Time does not fill it. So a lane that answers nothing is soon not retried at all, and after a long outage retries come back only as answers do; take it where that is wanted. Going on to another lane and hedges cost nothing of it.
`

const adaptations = `# What a lane changes in a request

A request is the same for every lane of a route, and not every provider has a place for all of it. What cannot be changed without harm is refused (\`InvalidRequest\`, \`…/unsupported-option\`) and another lane is asked. What is changed is told, by codes that do not change: in the provenance (\`adapted\`, for each lane), in \`AttemptEnded\`, and for the lanes that gave the answer in the gateway's header \`x-holdfast-adapted\`. A client of your own tells \`Adaptation.Listener\` (\`adapts: true\` of the lane). The names of parameters and the forms of a wire format are no adaptations, nor is what a default says anyway.

${table(
  ["code", "what it says"],
  Object.entries(Adaptation.meanings).map(([code, meaning]) => [`\`${code}\``, meaning])
)}

Parameters that the gateway itself does not know are in \`x-holdfast-ignored\`.
`

const isCheck = process.argv.includes("--check")
let stale = 0
await mkdir(new URL("../docs", import.meta.url), { recursive: true })
for (const [name, text] of [
  ["dispositions.md", dispositions],
  ["policies.md", policies],
  ["adaptations.md", adaptations],
  ["telemetry.md", telemetry]
] as const) {
  const path = new URL(`../docs/${name}`, import.meta.url)
  if (!isCheck) await writeFile(path, text)
  else if ((await readFile(path, "utf8").catch(() => "")) !== text) {
    stale += 1
    console.error(`docs/${name} is not what \`pnpm tables\` writes`)
  }
}
process.exitCode = stale
