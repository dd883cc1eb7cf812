import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { noticeOf } from "./notices.ts";
import { whoIs } from "./profile.ts";
import type { Parts, Visit } from "./parts.ts";
import { loginPath, returnPath } from "./way-back.ts";
import { layout } from "./views/layout.ts";
import type { Message } from "./views/layout.ts";
import type { Html } from "./views/html.ts";

/** What a page says; the rest (who is here, which messages wait) comes from the session. */
export type PageContent = {
  title: string;
  content: Html;
  status?: ContentfulStatusCode;
  /** What the page itself has to say, before the messages that wait. */
  messages?: readonly Message[];
};

/** How many messages may wait; below the library's own limit, at which it refuses more. */
const MOST_MESSAGES = 20;

/** The session's cookie: the library's default. */
export const SESSION_COOKIE = "__Host-Http-session";

/** Answers with a page in the site's frame, and shows the messages that wait for this visitor. */
export async function page(
  c: Context,
  parts: Parts,
  { title, content, status = 200, messages = [] }: PageContent,
): Promise<Response> {
  const session = await parts.sessions.of(c);
  // A picture that does not exist gets a page, too, and nobody reads what it says.
  const waiting = isNavigation(c) ? await session.takeFlashes() : [];
  const said = [...messages, ...noticeOf(c, session), ...waiting];
  const visitor = whoIs(parts, session) ?? "nobody";
  return c.html(layout({ title, content, messages: said, visitor, path: c.req.path }), status);
}

/**
 * Leaves a message for the next page. One that waits already is not told twice: a program that
 * never looks at a page would otherwise pile them up until the session takes no more.
 */
export function tell(session: Visit, message: string, category: string): void {
  const waiting = session.peekFlashes();
  const known = waiting.some((flash) => flash.message === message && flash.category === category);
  if (!known && waiting.length < MOST_MESSAGES) session.flash(message, category);
}

/** Sends the browser on, so that reloading the next page does not send a form again. */
export function seeOther(c: Context, path: string): Response {
  return c.redirect(path, 303);
}

/**
 * Sends the browser on after something was put into the session. If the browser brought no session along, this may
 * come to nothing, since it may not keep the new cookie: then the next page says so.
 */
export function seeKept(c: Context, parts: Parts, session: Visit, path: string): Response {
  const isKept = session.rejection === undefined && parts.sessions.cookies(c).has(SESSION_COOKIE);
  return seeOther(c, isKept ? path : `${path}?kept=unsure`);
}

/** Where `seeKept` leads: if the session is there, all is well, and the address gets its usual form. */
export function checkKept(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method !== "GET" || c.req.query("kept") === undefined) return next();
    const session = await parts.sessions.of(c);
    return session.id === undefined ? next() : seeOther(c, c.req.path);
  };
}

/**
 * Lets only visitors pass who are logged in; others are sent to `/login`, which says why.
 *
 * The way back is in the address and not in the session: whoever only knocks at a closed door leaves no record. It is
 * there only for a page that a person opened: a picture or a script must not decide where the next login leads, and
 * a form is not sent twice.
 */
export function requireLogin(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    const session = await parts.sessions.of(c);
    return session.loggedIn ? next() : toLogin(c);
  };
}

/** Sends somebody to `/login` who is not logged in and has to be. */
export function toLogin(c: Context): Response {
  if (cookieWasNotKept(c)) return seeOther(c, "/login?cookies=missing");
  const { pathname, search } = new URL(c.req.url);
  const isPage = c.req.method === "GET" && isNavigation(c);
  return seeOther(c, loginPath(isPage ? returnPath(pathname + search) : undefined));
}

function isNavigation(c: Context): boolean {
  return (c.req.header("Sec-Fetch-Dest") ?? "document") === "document";
}

/** Straight from our login form, and yet no cookie at all: then the browser did not keep it. */
function cookieWasNotKept(c: Context): boolean {
  const referer = c.req.header("Referer");
  if (c.req.header("Cookie") !== undefined || referer === undefined || !URL.canParse(referer)) return false;
  const from = new URL(referer);
  return from.host === new URL(c.req.url).host && (from.pathname === "/login" || from.pathname === "/signup");
}
