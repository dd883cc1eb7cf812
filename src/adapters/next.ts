import { AsyncLocalStorage } from "node:async_hooks";
import type { AnyData } from "../session/data-types.ts";
import type { HandleOptions } from "../exchange/fetch.ts";
import type { RequestLike } from "../http/request.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { Session } from "../session/session.ts";
import type { Sessions } from "../sessions.ts";
import { toNextCookie } from "./next/cookie.ts";
import type { NextCookies } from "./next/cookie.ts";
import { valuesNow } from "./next/cookie-values.ts";
import { readable } from "./next/readable.ts";
import type { ReadableSession } from "./next/readable.ts";
import { exchangesOf } from "../sessions.ts";

export type { NextCookieAttributes, NextCookies } from "./next/cookie.ts";
export type { ReadableSession } from "./next/readable.ts";

/** What this adapter uses of a request's headers. */
export interface NextHead {
  get(name: string): string | null;
}

/** The functions of Next.js that this adapter calls, and how it does. */
export interface NextSessionsOptions extends LoginRedirectOptions {
  /** From `next/headers`. */
  readonly cookies: () => Promise<NextCookies>;
  /** From `next/headers`. */
  readonly headers: () => Promise<NextHead>;
  /** From `next/navigation`. */
  readonly redirect: (path: string) => never;
  /**
   * From `next/cache`. Next.js shows a page again after an action only when it set a cookie, which most
   * changes of a session do not; so this is called when an action used its session and returned. Without
   * it, actions say for themselves what is to be shown again.
   */
  readonly refresh?: () => void;
}

/** A handler in a `route.ts`, with what Next.js passes as its second argument. */
export type NextRouteHandler<Context> = (request: Request, context: Context) => Response | Promise<Response>;

/** What {@link nextSessions} gives. */
export interface NextSessions<Data extends object = AnyData> {
  /**
   * A route handler with sessions: `export const POST = route(async (request) => ...)`, with
   * `sessions.of(request)` or `sessions.current()` in it. A `redirect()` or `notFound()` is an answer as
   * any other; an error is answered as by `sessions.handle`.
   */
  route<Context = unknown>(
    handler: NextRouteHandler<Context>,
    options?: HandleOptions,
  ): (request: Request, context: Context) => Promise<Response>;
  /**
   * A server action with sessions: `export const login = action(async (form: FormData) => ...)`, with
   * `sessions.current()` in it. Data is committed when it returns, redirects or says `notFound()`, and
   * not when it throws anything else; a login or logout stands whatever happens.
   */
  action<Args extends unknown[], Result>(
    work: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result>;
  /** A `proxy.ts` (or `middleware.ts`) with sessions: `export const proxy = handler(...)`, as `sessions.handle`. */
  proxy<RequestLike extends Request>(
    handler: (request: RequestLike) => Response | Promise<Response>,
    options?: HandleOptions,
  ): (request: RequestLike) => Promise<Response>;
  /**
   * The session in a server component. It is read once for a request, however many components ask;
   * after an action of the same request it is as the action left it. Never sets a cookie.
   *
   * @throws StoreError when the store does not answer.
   */
  read(): Promise<ReadableSession<Data>>;
  /**
   * The session of somebody who is logged in, in a server component. Others are sent to the login page.
   *
   * @param here the page's own path, to which the login leads back.
   */
  requireLogin(here: string): Promise<ReadableSession<Data>>;
}

/** Stands for a redirect that Next.js will answer itself; no handler answers this status. */
const redirecting = 399;

/**
 * Sessions for the App Router of Next.js: made once, beside the hub.
 *
 * `nextSessions(sessions, { cookies, headers, redirect, refresh })`, with the functions that Next.js exports: they
 * are passed in, so this package depends on no version of it.
 */
export function nextSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: NextSessionsOptions,
): NextSessions<Data> {
  const exchanges = exchangesOf(sessions);
  /** Which action is under way, so that one that calls another shares its session. */
  const underWay = new AsyncLocalStorage<true>();
  /** By the headers object of the request, which Next.js keeps for as long. */
  const readings = new WeakMap<
    object,
    { readonly cookie: string; readonly reading: Promise<Session<Data>> }
  >();

  const send = async (lines: readonly string[]): Promise<void> => {
    if (lines.length === 0) return;
    const jar = await options.cookies();
    for (const line of lines) jar.set(...toNextCookie(line));
  };

  const open = async (incoming: RequestLike): Promise<Session<Data>> => {
    const exchange = exchanges.begin(incoming, []);
    const session = await exchange.session(false);
    // Nothing can follow: a component sets no cookie. Settled at once, a reading moves the idle clock.
    const { failure } = await exchange.commit({ status: 200, takesNoCookie: true });
    if (failure !== undefined) throw failure; // oxlint-disable-line typescript/only-throw-error -- as it came
    return session;
  };

  const read = async (): Promise<ReadableSession<Data>> => {
    if (underWay.getStore() === true) return readable(await sessions.current());
    const head = await options.headers();
    const jar = await options.cookies();
    const incoming = incomingNow("GET", head, jar);
    // Only compared: what it was made of can't be told from it again.
    const cookie = JSON.stringify(jar.getAll());
    let found = readings.get(head);
    if (found?.cookie !== cookie) {
      found = { cookie, reading: open(incoming) };
      readings.set(head, found);
    }
    const session = await found.reading;
    return readable(session, async (filter) => {
      if (session.peekFlashes(filter).length === 0) return [];
      const exchange = exchanges.begin(incoming, []);
      const messages = await (await exchange.session(false)).takeFlashes(filter);
      await exchange.commit({ status: 200, takesNoCookie: true });
      return messages;
    });
  };

  return {
    read,

    async requireLogin(here) {
      const session = await read();
      if (session.loggedIn) return session;
      const page: RequestLike = { method: "GET", header: () => "text/html" };
      return options.redirect(loginRedirect(page, here, options).headers["location"] ?? "/login");
    },

    action: (work) =>
      async function action(...args) {
        if (underWay.getStore() === true) return work(...args);
        const head = await options.headers();
        const incoming = incomingNow("POST", head, await options.cookies());
        if (!exchanges.allows(incoming))
          throw new Error("This action was called from another site: refused.");
        const exchange = exchanges.begin(incoming, []);
        const finish = async (status: number | undefined): Promise<boolean> => {
          const { headers, failure } = await exchange.commit(status === undefined ? "threw" : { status });
          readings.delete(head);
          await send(headers.setCookies);
          if (failure !== undefined) throw failure; // oxlint-disable-line typescript/only-throw-error -- as it came
          return headers.caching !== "shared";
        };
        let result: Awaited<ReturnType<typeof work>>;
        try {
          result = await underWay.run(true, () => exchange.run(() => work(...args)));
        } catch (error) {
          await finish(statusOf(error));
          throw error;
        }
        if (await finish(200)) options.refresh?.();
        return result;
      },

    route: (handler, handling) =>
      async function route(request, context) {
        let redirect: unknown;
        let own: readonly string[] = [];
        const answer = async (): Promise<Response> => {
          try {
            const answered = await handler(request, context);
            own = answered.headers.getSetCookie();
            return answered;
          } catch (error) {
            const status = statusOf(error);
            if (status === undefined) throw error;
            if (status === redirecting) redirect = error;
            return new Response(null, { status });
          }
        };
        const response = await sessions.handle(request, answer, handling);
        // Next.js merges its own cookies into a response by decoding those there twice; it keeps ours as they are.
        const lines = response.headers.getSetCookie();
        const ours = lines.filter((line) => !own.includes(line));
        await send(ours);
        if (response.status === redirecting) throw redirect;
        // The handler's own are not there any more where its page was dropped.
        const kept = lines.filter((line) => own.includes(line));
        return ours.length === 0 ? response : withSetCookies(response, kept);
      },

    proxy: (handler, handling) =>
      async function proxy(request) {
        const response = await sessions.handle(request, () => handler(request), handling);
        const location = response.headers.get("location");
        if (location?.startsWith("/") !== true) return response;
        // Next.js takes no relative Location from a proxy.
        const absolute = new Response(response.body, response);
        absolute.headers.set("location", new URL(location, request.url).href);
        return absolute;
      },
  };
}

/** The request as it is now: an action before this one may have changed the session cookie. */
function incomingNow(method: string, head: NextHead, jar: NextCookies): RequestLike {
  return {
    method,
    header: (name) => head.get(name),
    cookieValues: (name) => valuesNow(jar, head.get("cookie") ?? "", name),
  };
}

/** The response with these Set-Cookie headers and no others. */
function withSetCookies(response: Response, lines: readonly string[]): Response {
  const changed = new Response(response.body, response);
  changed.headers.delete("set-cookie");
  for (const line of lines) changed.headers.append("set-cookie", line);
  return changed;
}

/** What Next.js makes of an error by which a handler ends on purpose; `undefined` for a real one. */
function statusOf(error: unknown): number | undefined {
  const digest: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "digest") : undefined;
  if (typeof digest !== "string") return undefined;
  if (digest.startsWith("NEXT_REDIRECT;")) return redirecting;
  const status = /^NEXT_HTTP_ERROR_FALLBACK;(4\d\d)$/.exec(digest)?.[1];
  return status === undefined ? undefined : Number(status);
}
