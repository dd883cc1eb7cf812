import type { Context, MiddlewareHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { currentMeasurement } from "./measure.ts";
import { cookieNotice, keptMessages, marked } from "./notices.ts";
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
  /** Why a form was not accepted. Shown first among the messages, as an error. */
  problem?: string | undefined;
  /** Messages of the page itself, shown before the waiting ones. */
  messages?: readonly Message[];
  /** What is true as long as the page says so. Shown in the same place as the messages. */
  notice?: Html | undefined;
};

/** The most messages that may wait: less than the library's limit, at which it refuses more. */
const MOST_MESSAGES = 20;

/** The name of the session cookie: the library's default. */
export const SESSION_COOKIE = "__Host-Http-session";

/** Responds with a page in the site's frame, which shows the messages that wait for this visitor. */
export async function page(
  c: Context,
  parts: Parts,
  { title, content, status = 200, problem, messages = [], notice }: PageContent,
): Promise<Response> {
  const session = await parts.sessions.of(c);
  // A missing picture also gets a page, on which nobody would read the messages.
  const waiting = isNavigation(c) ? await session.takeFlashes() : [];
  const problems = problem === undefined ? [] : [{ category: "error", message: problem }];
  const shown = [...problems, ...messages, ...keptMessages(c, session), ...waiting];
  const visitor = whoIs(parts, session) ?? "nobody";
  const measurement = currentMeasurement();
  if (measurement !== undefined && c.req.method === "GET" && isNavigation(c)) measurement.shown = session.id;
  const notices = cookieNotice(c, session) ?? notice;
  const path = c.req.path;
  return c.html(layout({ title, content, messages: shown, notice: notices, visitor, path }), status);
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
  return seeOther(c, isKept ? path : `${path}${path.includes("?") ? "&" : "?"}kept=unsure`);
}

/**
 * Handles the address that `seeKept` redirects to. If the session exists, redirects to the usual address. If a browser
 * keeps no cookies, its next addresses are marked as well, so that every page can say so.
 */
export function checkKept(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    const mark = c.req.method === "GET" && isNavigation(c) ? marked(c) : undefined;
    if (mark === undefined) return next();
    const url = new URL(c.req.url);
    if (mark === "before") {
      url.searchParams.set("cookies", "missing");
    } else {
      const session = await parts.sessions.of(c);
      if (session.id === undefined) return next();
      url.searchParams.delete("kept");
      url.searchParams.delete("cookies");
    }
    return seeOther(c, returnPath(url.pathname + url.search) ?? "/");
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
  if (marked(c) !== undefined || cookieWasNotKept(c)) return seeOther(c, "/login?cookies=missing");
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
  if (c.req.header("Cookie")?.includes(`${SESSION_COOKIE}=`)) return false;
  if (referer === undefined || !URL.canParse(referer)) return false;
  const from = new URL(referer);
  return from.host === new URL(c.req.url).host && (from.pathname === "/login" || from.pathname === "/signup");
}
