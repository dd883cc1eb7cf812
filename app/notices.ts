import type { Context } from "hono";
import { keepsSecureCookies } from "./address.ts";
import type { Visit } from "./parts.ts";
import { html } from "./views/html.ts";
import type { Html } from "./views/html.ts";
import type { Message } from "./views/layout.ts";
import { noticeBox } from "./views/message.ts";

/**
 * Messages for visitors without a session, which must not get one for them. The address names the message
 * (`?notice=…`) and contains no text, since anybody can write an address.
 */
const NOTICES: ReadonlyMap<string, Message> = new Map([
  ["no-name", { category: "success", message: "There was no name to remove." }],
  ["empty", { category: "success", message: "The session is cleared: it holds nothing now." }],
  ["cookies-deleted", { category: "success", message: "The three cookies are gone from your browser." }],
]);

const SESSION_ENDED: Message = {
  category: "warning",
  message: "Nothing was kept: your session had just ended. Please try again in a minute, or log in.",
};

/** The message that the page's address names, if it is true for this visitor. */
export function keptMessages(c: Context, session: Visit): Message[] {
  if (session.id !== undefined) return [];
  if (c.req.query("kept") !== undefined) return session.rejection === undefined ? [] : [SESSION_ENDED];
  const notice = NOTICES.get(c.req.query("notice") ?? "");
  return notice === undefined ? [] : [notice];
}

/** Why this browser keeps no session of this site, if that is known. Every page says so. */
export function cookieNotice(c: Context, session?: Visit): Html | undefined {
  if (!keepsSecureCookies(c)) {
    return noticeBox(
      "warning",
      html`Logging in will not work here: over plain http, a browser does not keep the session's cookie for
        <strong>${new URL(c.req.url).host}</strong>. Open the site as <strong>http://localhost</strong> on the
        machine it runs on, or put it behind https.`,
    );
  }
  if (marked(c) === undefined || session === undefined || session.id !== undefined || session.rejection)
    return undefined;
  return noticeBox(
    "warning",
    "Nothing was kept: your browser did not keep the session's cookie, so it cannot log in either. It may be set to " +
      "block cookies, or refuse secure cookies over plain http, even on localhost (Safari does). Try Firefox or " +
      "Chrome, or put the site behind https.",
  );
}

/**
 * Whether the browser is known to keep no cookies. There is nowhere to keep that but in addresses: in this page's
 * (`here`), or in that of the page whose link was followed (`before`).
 */
export function marked(c: Context): "here" | "before" | undefined {
  const isMarked = ({ searchParams }: URL) => searchParams.has("kept") || searchParams.has("cookies");
  const here = new URL(c.req.url);
  if (isMarked(here)) return "here";
  const referer = c.req.header("Referer") ?? "";
  if (c.req.header("Cookie") !== undefined || !URL.canParse(referer)) return undefined;
  const before = new URL(referer);
  return before.host === here.host && isMarked(before) ? "before" : undefined;
}
