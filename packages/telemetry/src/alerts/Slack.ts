/** Slack, by an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import { postJson } from "../internal/postJson.ts"
import type * as AlertRules from "./AlertRules.ts"
import type { Delivery } from "./Delivery.ts"
import * as Notification from "./Notification.ts"

export interface Options {
  readonly name: string
  /** The webhook's URL: whoever knows it can write into the channel. */
  readonly url: Redacted.Redacted
  readonly atLeast: AlertRules.Severity
}

export const make = (options: Options): Effect.Effect<Delivery, never, HttpClient.HttpClient> =>
  Effect.map(HttpClient.HttpClient, (client) => ({
    name: options.name,
    kind: "slack",
    atLeast: options.atLeast,
    send: (notification) => postJson(client, { url: options.url, body: JSON.stringify(body(notification)) })
  }))

/** A message takes 50 blocks; two are the headline and the end. */
const maxItems = 40

/** A section takes 3,000 characters, a header 150. */
const maxSection = 3000
const maxHeader = 150

/** The message as blocks, with a text for where blocks are not shown. */
export const body = (notification: Notification.Notification): object => {
  const { instance, items, url } = notification
  const headline = Notification.headline(notification)
  const sections = items.slice(0, maxItems).map((item) => ({
    type: "section",
    text: { type: "mrkdwn", text: cut(sectionOf(item), maxSection) }
  }))
  const rest = items.length - sections.length
  const end = [
    ...(rest > 0 ? [`and ${rest} more`] : []),
    `Holdfast, ${escape(instance)}`,
    ...(url === undefined ? [] : [`<${escape(url)}|Dashboard>`])
  ]
  return {
    text: escape(headline),
    blocks: [
      { type: "header", text: { type: "plain_text", text: cut(headline, maxHeader) } },
      ...sections,
      { type: "context", elements: [{ type: "mrkdwn", text: end.join(" · ") }] }
    ]
  }
}

const sectionOf = (item: Notification.Item): string =>
  [`${mark(item)} *${escape(item.title)}*`, ...Notification.lines(item).map(escape)].join("\n")

const mark = ({ change, severity }: Notification.Item): string => {
  if (change === "test") return ":white_circle:"
  if (change === "resolved") return ":white_check_mark:"
  return { critical: ":red_circle:", warning: ":large_orange_circle:", info: ":large_blue_circle:" }[severity]
}

/** Slack's three control characters. */
const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

const cut = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1)}…`)
