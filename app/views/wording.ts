import type { Duration } from "coatcheck";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** The number that a session's ticket and its record show: the beginning of the id, which is no secret. */
export function ticketNumber(id: string): string {
  return id.slice(0, 6);
}

/** The same as a label. */
export function numberTag(id: string | undefined): Html {
  return html`<span class="ticket-number">No. ${id === undefined ? "?" : ticketNumber(id)}</span>`;
}

/** A point in time, for people and for machines. In UTC, since the server does not know the visitor's time zone. */
export function moment(date: Date | undefined): Html | string {
  return date ? html`<time datetime="${date.toISOString()}">${inWords(date)}</time>` : "–";
}

/** The same as a distance from now, which needs no time zone: "3 minutes ago". */
export function ago(date: Date, now: number): Html {
  return html`<time datetime="${date.toISOString()}" title="${inWords(date)}">${distance(date, now)}</time>`;
}

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

function distance(date: Date, now: number): string {
  const difference = date.getTime() - now;
  const [unit, length] = UNITS.find(([, one]) => Math.abs(difference) >= one) ?? [];
  if (unit === undefined || length === undefined) return difference > 0 ? "in a moment" : "just now";
  return new Intl.RelativeTimeFormat("en-GB").format(Math.trunc(difference / length), unit);
}

function inWords(date: Date): string {
  const text = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "UTC",
  }).format(date);
  return `${text} UTC`;
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

/** Why a lesson of the tutorials, which is an address there, is a form here. */
export function whyForm(does: string): Html {
  return html`<details class="why">
    <summary>Why a button, and not just this address?</summary>
    <p>
      In many tutorials, opening this address already ${does}. Here it shows a form, which is sent by
      <code>POST</code>. A <code>GET</code> should only read: browsers send one to load a page ahead, search
      engines to index it, and any page on the web can make them send one, with a picture that has this
      address. The form is taken only from this site's own pages.
    </p>
  </details>`;
}

/** A time of day, with its seconds, for what happened just now. */
export function clockTime(date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${date.toISOString().slice(11, 19)} UTC</time>`;
}
