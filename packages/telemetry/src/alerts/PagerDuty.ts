/**
 * PagerDuty, by its Events API v2 (https://developer.pagerduty.com/docs/send-alert-event): an incident per alert, opened
 * when it fires and resolved when it is over, however often either is sent.
 */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import { postJson } from "../internal/postJson.ts"
import type * as AlertRules from "./AlertRules.ts"
import type { Delivery } from "./Delivery.ts"
import type * as Notification from "./Notification.ts"

export interface Options {
  readonly name: string
  /** The integration key of a service, or the routing key of an orchestration. */
  readonly routingKey: Redacted.Redacted
  /** Default `https://events.pagerduty.com/v2/enqueue`; accounts in the EU have `https://events.eu.pagerduty.com/v2/enqueue`. */
  readonly url?: string | undefined
  readonly atLeast: AlertRules.Severity
}

export const defaultUrl = "https://events.pagerduty.com/v2/enqueue"

export const make = (options: Options): Effect.Effect<Delivery, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => {
    const url = Redacted.make(options.url ?? defaultUrl)
    const routingKey = Redacted.value(options.routingKey)
    return {
      name: options.name,
      kind: "pagerduty",
      atLeast: options.atLeast,
      // One after the other: an incident is resolved after it was opened. Sent again, each is still the same incident.
      send: (notification) =>
        Effect.forEach(
          events(notification),
          (event) => postJson(client, { url, body: JSON.stringify({ routing_key: routingKey, ...event }) }),
          { discard: true }
        )
    }
  })

/** The limits of the API, in characters. */
const maxSummary = 1024
const maxKey = 255

/** An event for each alert. A reminder is PagerDuty's own affair: it goes on until somebody takes the incident. */
export const events = (notification: Notification.Notification): ReadonlyArray<object> =>
  notification.items.flatMap((item) => {
    if (item.change === "reminder") return []
    const trigger = {
      event_action: "trigger",
      dedup_key: item.episode.slice(-maxKey),
      payload: {
        summary: `${item.title}. ${item.what}`.slice(0, maxSummary),
        source: notification.instance,
        severity: item.severity,
        timestamp: DateTime.formatIso(DateTime.makeUnsafe(item.since)),
        component: item.subject,
        group: notification.group,
        class: item.rule,
        custom_details: { routes: item.routes, meanwhile: item.meanwhile, todo: item.todo }
      },
      client: "Holdfast",
      ...(notification.url === undefined
        ? {}
        : { client_url: notification.url, links: [{ href: notification.url, text: "Dashboard" }] })
    }
    const resolve = { event_action: "resolve", dedup_key: trigger.dedup_key }
    if (item.change === "resolved") return [resolve]
    // A test leaves nobody with an incident.
    return item.change === "test" ? [trigger, resolve] : [trigger]
  })
