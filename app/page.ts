import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { currentMeasurement } from "./measure.ts";
import { noticeOf } from "./notices.ts";
import { whoIs } from "./profile.ts";
import type { Parts, Visit } from "./parts.ts";
import { loginPath, returnPath } from "./return-path.ts";
import { layout } from "./views/layout.ts";
import type { Message } from "./views/layout.ts";
import type { Html } from "./views/html.ts";

/** A page's own content. The rest (the visitor, the waiting messages) comes from the session. */
export type PageContent = {
  title: string;
  content: Html;
  status?: ContentfulStatusCode;
  /** Messages of the page itself, shown before the waiting ones. */
  messages?: readonly Message[];
};

/** The most messages that may wait: less than the library's limit, at which it refuses more. */
const MOST_MESSAGES = 20;

/** The name of the session cookie: the library's default. */
export const SESSION_COOKIE = "__Host-Http-session";

/** Responds with a page in the site's frame, which shows the messages that wait for this visitor. */
export async function page(
  c: Context,
  parts: Parts,
  { title, content, status = 200, messages = [] }: PageContent,
): Promise<Response> {
  const session = await parts.sessions.of(c);
  // A missing picture also gets a page, on which nobody would read the messages.
  const waiting = isNavigation(c) ? await session.takeFlashes() : [];
  const shown = [...messages, ...noticeOf(c, session), ...waiting];
  const visitor = whoIs(parts, session) ?? "nobody";
  const measurement = currentMeasurement();
  if (measurement !== undefined && c.req.method === "GET" && isNavigation(c)) measurement.shown = session.id;
  return c.html(layout({ title, content, messages: shown, visitor, path: c.req.path }), status);
}

/**
 * Leaves a message for the next page, unless the same message is already waiting: for a program that never loads
 * a page, messages would otherwise pile up until the session is full.
 */
export function tell(session: Visit, message: string, category: string): void {
  const waiting = session.peekFlashes();
  const known = waiting.some((flash) => flash.message === message && flash.category === category);
  if (!known && waiting.length < MOST_MESSAGES) session.flash(message, category);
}

/** Redirects the browser, so that reloading the next page does not submit a form again. */
export function seeOther(c: Context, path: string): Response {
  return c.redirect(path, 303);
}

/**
 * Redirects the browser after a write to the session. A browser without a session may reject the new cookie, and
 * the write is lost. The next page then says so.
 */
export function seeKept(c: Context, parts: Parts, session: Visit, path: string): Response {
  const isKept = session.rejection === undefined && parts.sessions.cookies(c).has(SESSION_COOKIE);
  return seeOther(c, isKept ? path : `${path}?kept=unsure`);
}

/** Handles the address that `seeKept` redirects to. If the session exists, redirects to the usual address. */
export function checkKept(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.method !== "GET" || c.req.query("kept") === undefined) return next();
    const session = await parts.sessions.of(c);
    return session.id === undefined ? next() : seeOther(c, c.req.path);
  };
}

/**
 * Lets only logged-in visitors through. Others are redirected to `/login`, which says why.
 *
 * The return path is in the address and not in the session, so that a refused request creates no record. It is
 * included only for a page that a person opened: a picture or a script must not decide where the next login leads,
 * and a form is not submitted twice.
 */
export function requireLogin(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    const session = await parts.sessions.of(c);
    return session.loggedIn ? next() : toLogin(c);
  };
}

/** Redirects a visitor who must log in first to `/login`. */
export function toLogin(c: Context): Response {
  if (cookieWasNotKept(c)) return seeOther(c, "/login?cookies=missing");
  const { pathname, search } = new URL(c.req.url);
  const isPage = c.req.method === "GET" && isNavigation(c);
  return seeOther(c, loginPath(isPage ? returnPath(pathname + search) : undefined));
}

function isNavigation(c: Context): boolean {
  return (c.req.header("Sec-Fetch-Dest") ?? "document") === "document";
}

/** Whether the request comes right after our login form but has no cookie, so that the browser must have rejected it. */
function cookieWasNotKept(c: Context): boolean {
  const referer = c.req.header("Referer");
  if (c.req.header("Cookie") !== undefined || referer === undefined || !URL.canParse(referer)) return false;
  const from = new URL(referer);
  return from.host === new URL(c.req.url).host && (from.pathname === "/login" || from.pathname === "/signup");
}
