import type { Context } from "hono";
import type { Visit } from "./parts.ts";
import type { Message } from "./views/layout.ts";

/**
 * What can be said to somebody who has no session, without making one: the address names it (`?notice=…`). Anybody can
 * write an address, so it names one of these and holds no text.
 */
const NOTICES: ReadonlyMap<string, Message> = new Map([
  ["no-name", { category: "success", message: "There was no name to remove." }],
  ["empty", { category: "success", message: "The session is cleared: it holds nothing now." }],
  ["cookies-deleted", { category: "success", message: "The three cookies are gone from your browser." }],
]);

const COOKIE_NOT_KEPT: Message = {
  category: "warning",
  message:
    "Nothing was kept: your browser did not keep the session's cookie. It may be set to block cookies, or refuse " +
    "secure cookies over plain http.",
};

const SESSION_ENDED: Message = {
  category: "warning",
  message: "Nothing was kept: your session had just ended. Please try again in a minute, or log in.",
};

/** What the address of a page says, for whom that is true. */
export function noticeOf(c: Context, session: Visit): Message[] {
  if (session.id !== undefined) return [];
  if (c.req.query("kept") !== undefined)
    return [session.rejection === undefined ? COOKIE_NOT_KEPT : SESSION_ENDED];
  const notice = NOTICES.get(c.req.query("notice") ?? "");
  return notice === undefined ? [] : [notice];
}
