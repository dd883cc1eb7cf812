import type { Duration } from "coatcheck";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** A point in time, for people and for machines. In UTC, since the server does not know the visitor's time zone. */
export function moment(date: Date | undefined): Html | string {
  if (!date) return "–";
  const text = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "UTC",
  }).format(date);
  return html`<time datetime="${date.toISOString()}">${text} UTC</time>`;
}

/** A duration in words: "5 days", "1 hour and 30 minutes". */
export function lasting(duration: Duration): string {
  const parts = Object.entries(duration)
    .filter(([, amount]) => Number(amount) > 0)
    .map(([unit, amount]) => `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}`);
  return parts.join(" and ");
}

/** A waiting time in words. */
export function waiting(seconds: number): string {
  return seconds <= 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}

const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["SamsungBrowser/", "Samsung Internet"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["HeadlessChrome/", "Chrome"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
  ["curl/", "curl"],
] as const;

const SYSTEMS = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;

/** The browser's name from its User-Agent, such as "Firefox on Windows". Only a hint for the session's owner. */
export function browserName(agent: string | undefined): string {
  if (!agent) return "Unknown browser";
  const browser = BROWSERS.find(([mark]) => agent.includes(mark))?.[1];
  const system = SYSTEMS.find(([mark]) => agent.includes(mark))?.[1];
  if (!browser) return [...agent].slice(0, 60).join("");
  return system ? `${browser} on ${system}` : browser;
}

/** A time of day, with its seconds, for what happened just now. */
export function clockTime(date: Date | undefined): Html | string {
  if (!date) return "–";
  return html`<time datetime="${date.toISOString()}">${date.toISOString().slice(11, 19)} UTC</time>`;
}
