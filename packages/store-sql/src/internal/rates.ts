/**
 * Views of what came of attempts, lane by lane: each minute of the last hour, each five minutes of the last six hours, each
 * hour of the last three days. Their own bounds in time let PostgreSQL look at no more rows than it must.
 */
const view = (name: string, width: string, span: string): string => `CREATE VIEW ${name} AS
  SELECT
    date_bin('${width}', ended_at, 'epoch') AS at,
    lane,
    count(*)::int AS attempts,
    (count(*) FILTER (WHERE result = 'Success'))::int AS successes,
    (count(*) FILTER (WHERE result = 'Cancelled'))::int AS cancelled,
    count(*) / extract(epoch FROM interval '${width}')::float8 AS per_second,
    (count(*) FILTER (WHERE result = 'Success'))::float8 / nullif(count(*) FILTER (WHERE result <> 'Cancelled'), 0)
      AS success_rate,
    avg(duration_ms) FILTER (WHERE result = 'Success')::float8 AS mean_ms,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE result = 'Success') AS p95_ms,
    sum(input_tokens)::float8 AS input_tokens,
    sum(output_tokens)::float8 AS output_tokens,
    sum(cost_usd) AS cost_usd
  FROM attempts
  WHERE ended_at >= now() - interval '${span}'
  GROUP BY 1, 2`

export const rates: ReadonlyArray<string> = [
  view("attempt_rates_1m", "1 minute", "1 hour"),
  view("attempt_rates_5m", "5 minutes", "6 hours"),
  view("attempt_rates_60m", "60 minutes", "3 days")
]
