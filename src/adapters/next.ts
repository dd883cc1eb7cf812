import { assertKnownOptions } from "../runtime/check-options.ts";
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

/** The part of a request's headers that this adapter uses. */
export interface NextHead {
  get(name: string): string | null;
}

/** The options of {@link nextSessions}: the functions of Next.js that this adapter calls, and the login page. */
export interface NextSessionsOptions extends LoginRedirectOptions {
  /** From `next/headers`. */
  readonly cookies: () => Promise<NextCookies>;
  /** From `next/headers`. */
  readonly headers: () => Promise<NextHead>;
  /** From `next/navigation`. */
  readonly redirect: (path: string) => never;
  /**
   * From `next/cache`. After an action, Next.js refreshes the page only if the action set a cookie, which most
   * changes of a session do not. So the adapter calls this after an action that used its session and returned.
   * Without it, actions must refresh or revalidate pages themselves.
   */
  readonly refresh?: () => void;
}

/** A handler in a `route.ts`, with what Next.js passes as its second argument. */
export type NextRouteHandler<Context> = (request: Request, context: Context) => Response | Promise<Response>;

/** What {@link nextSessions} returns. */
export interface NextSessions<Data extends object = AnyData> {
  /**
   * Adds sessions to a route handler: `export const POST = route(async (request) => ...)`, with
   * `sessions.of(request)` or `sessions.current()` in it. A `redirect()` or `notFound()` is a response like any
   * other. Errors are handled as by `sessions.handle`.
   */
  route<Context = unknown>(
    handler: NextRouteHandler<Context>,
    options?: HandleOptions,
  ): (request: Request, context: Context) => Promise<Response>;
  /**
   * Adds sessions to a server action: `export const login = action(async (form: FormData) => ...)`, with
   * `sessions.current()` in it. Data is committed if it returns, redirects or calls `notFound()`, but not if it
   * throws anything else. A login or logout stands whatever happens.
   */
  action<Args extends unknown[], Result>(
    work: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result>;
  /** Adds sessions to a `proxy.ts` (or `middleware.ts`): `export const proxy = next.proxy(...)`, like `sessions.handle`. */
  proxy<RequestLike extends Request>(
    handler: (request: RequestLike) => Response | Promise<Response>,
    options?: HandleOptions,
  ): (request: RequestLike) => Promise<Response>;
  /**
   * Returns the session in a server component. It is loaded once per request, however many components ask. After
   * an action in the same request, it is as the action left it. Never sets a cookie.
   *
   * @throws StoreError if the store fails.
   */
  read(): Promise<ReadableSession<Data>>;
  /**
   * Returns the session in a server component if the visitor is logged in. Otherwise redirects to the login page.
   *
   * @param here the page's own path, to which the login returns.
   */
  requireLogin(here: string): Promise<ReadableSession<Data>>;
}

/** A status for a redirect that Next.js will send itself. No handler responds with it. */
const redirecting = 399;

/**
 * Sessions for the App Router of Next.js. Create it once, next to the `sessions` object:
 * `nextSessions(sessions, { cookies, headers, redirect, refresh })`. The functions of Next.js are passed in, so
 * that this package depends on no version of it.
 */
export function nextSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: NextSessionsOptions,
): NextSessions<Data> {
  assertKnownOptions(
    options,
    ["cookies", "headers", "redirect", "refresh", "loginPath", "returnParameter"],
    "nextSessions",
  );
  const exchanges = exchangesOf(sessions);
  /** Whether an action is running, so that an action called by another shares its session. */
  const inAction = new AsyncLocalStorage<true>();
  /** Loaded sessions, keyed by the request's headers object, which Next.js keeps for the whole request. */
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
    // A component can neither write nor set a cookie. The commit counts the read as use of the session.
    const { failure } = await exchange.commit({ status: 200, takesNoCookie: true });
    if (failure !== undefined) throw failure; // oxlint-disable-line typescript/only-throw-error -- as it came
    return session;
  };

  const read = async (): Promise<ReadableSession<Data>> => {
    if (inAction.getStore() === true) return readable(await sessions.current());
    const head = await options.headers();
    const jar = await options.cookies();
    const incoming = incomingNow("GET", head, jar);
    // Only for comparison.
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
        if (inAction.getStore() === true) return work(...args);
        const head = await options.headers();
        const incoming = incomingNow("POST", head, await options.cookies());
        if (!exchanges.allows(incoming))
          throw new Error("This action was called from another site and was refused.");
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
          result = await inAction.run(true, () => exchange.run(() => work(...args)));
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
        const respond = async (): Promise<Response> => {
          try {
            const response = await handler(request, context);
            own = response.headers.getSetCookie();
            return response;
          } catch (error) {
            const status = statusOf(error);
            if (status === undefined) throw error;
            if (status === redirecting) redirect = error;
            return new Response(null, { status });
          }
        };
        const response = await sessions.handle(request, respond, handling);
        // Next.js decodes a response's cookies twice when it merges its own into them. Set through its API, ours stay intact.
        const lines = response.headers.getSetCookie();
        const ours = lines.filter((line) => !own.includes(line));
        await send(ours);
        if (response.status === redirecting) throw redirect;
        // If the handler's response was replaced, its own cookies are gone.
        const kept = lines.filter((line) => own.includes(line));
        return ours.length === 0 ? response : withSetCookies(response, kept);
      },

    proxy: (handler, handling) =>
      async function proxy(request) {
        const response = await sessions.handle(request, () => handler(request), handling);
        const location = response.headers.get("location");
        if (location?.startsWith("/") !== true) return response;
        // Next.js does not accept a relative Location from a proxy.
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

/** The status for an error that Next.js uses as control flow; `undefined` for a real error. */
function statusOf(error: unknown): number | undefined {
  const digest: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "digest") : undefined;
  if (typeof digest !== "string") return undefined;
  if (digest.startsWith("NEXT_REDIRECT;")) return redirecting;
  const status = /^NEXT_HTTP_ERROR_FALLBACK;(4\d\d)$/.exec(digest)?.[1];
  return status === undefined ? undefined : Number(status);
}
