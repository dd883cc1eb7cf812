import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Parts, Visit } from "./site.ts";
import { layout } from "./views/layout.ts";
import type { Html } from "./views/html.ts";

/** What a page says; the rest (who is here, which messages wait) comes from the session. */
export type PageContent = { title: string; content: Html; status?: ContentfulStatusCode };

/** How many messages may wait; below the library's own limit, at which it refuses more. */
const MOST_MESSAGES = 20;

/** Answers with a page in the site's frame, and shows the messages that wait for this visitor. */
export async function page(
  c: Context,
  parts: Parts,
  { title, content, status = 200 }: PageContent,
): Promise<Response> {
  const session = await parts.sessions.of(c);
  const messages = await session.takeFlashes();
  const visitor = session.loggedIn
    ? { name: session.get("user") ?? "you", colour: session.get("colour") ?? "green" }
    : undefined;
  return c.html(layout({ title, content, messages, visitor, path: c.req.path }), status);
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
 * Lets only visitors pass who are logged in; others are told why and sent to `/login`.
 *
 * Where they wanted to go is kept on the server, and only for a page that a person opened: a
 * picture or a script must not decide where the next login leads, and a form is not sent twice.
 */
export function requireLogin(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    const session = await parts.sessions.of(c);
    if (session.loggedIn) return next();
    if (c.req.method === "HEAD") return seeOther(c, "/login");
    if (cookieWasNotKept(c)) return seeOther(c, "/login?cookies=missing");
    // Where the old session ended within the last minute, what is written here is dropped, so that a
    // late response cannot push out the cookie of a login. Then /login says why by itself.
    const over = session.rejection === undefined ? "" : "Your last session has ended. ";
    tell(session, `${over}Please log in to see ${c.req.path}.`, "info");
    if (c.req.method === "GET" && isNavigation(c)) session.set("returnTo", returnAddress(c));
    return seeOther(c, "/login");
  };
}

function returnAddress(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  const target = pathname + search;
  return target.length <= 2_048 ? target : pathname.slice(0, 2_048);
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
