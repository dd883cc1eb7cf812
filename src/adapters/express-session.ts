import type { IncomingMessage, ServerResponse } from "node:http";
import { MisuseError, StoreError } from "../errors.ts";
import { plainUnavailable } from "../http/default-responses.ts";
import { sendPlain } from "../node/messages.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import { attempt } from "../runtime/maybe-promise.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";
import { checkedOptions } from "./express-session/options.ts";
import type { SessionCookieDefaults } from "./express-session/options.ts";
import { RequestState } from "./express-session/request-state.ts";
import type { Settings } from "./express-session/request-state.ts";
import type { RequestSession } from "./express-session/session-object.ts";
import { nodeSessions } from "./node.ts";
import type { NodeSessionsOptions } from "./node.ts";

export type { CookieJson, RequestCookie } from "./express-session/cookie.ts";
export type { SessionCookieDefaults } from "./express-session/options.ts";
export type { Callback, RequestSession, SessionMethods } from "./express-session/session-object.ts";

/** The options of {@link expressSession}. Those of express-session belong to `createSessions`; an error says how. */
export interface ExpressSessionOptions<Data extends object, Request, Response> extends NodeSessionsOptions<
  Request,
  Response
> {
  /**
   * Who is logged in, from the session's data: `(data) => data.passport?.user`. When that changes, it is a login or a
   * logout: the session gets a new ticket, its data stays, and `sessions.list`, `revoke` and `revokeAll` know the
   * session by this subject. A string, a number or a bigint; `undefined`, `null`, `false` or `""` if nobody is.
   */
  readonly subject?: (data: Partial<Data>) => unknown;
  /** The cookie of new sessions. */
  readonly cookie?: SessionCookieDefaults;
}

/** The middleware that {@link expressSession} returns. */
export interface ExpressSession<Data extends object, Request, Response> {
  (request: Request, response: Response, next: (error?: unknown) => void): void;
  /**
   * Returns `req.session` with the type of its data, for TypeScript.
   *
   * @throws MisuseError NO_SESSION_HERE if there is none: the middleware did not see the request, or the session was
   *   ended.
   */
  of(request: object): RequestSession<Data>;
}

/**
 * A drop-in for express-session, for Express and other servers that use its kind of middleware:
 * `app.use(expressSession(sessions))`. Handlers get the `req.session` that they know, kept by Coatcheck;
 * `sessions.of(req)` works beside it. Each property is a key of its own, so requests that change different ones do not
 * undo each other's changes. What a handler has changed is written before the first byte of its response.
 *
 * A request that brings a session cookie reads the store before its handlers run. If the store fails then, the
 * response is that of `onUnavailable`, and no handler runs.
 *
 * @throws ConfigError CONFIG_INVALID, COOKIE_CONFIG_INVALID: an option that belongs elsewhere, and where;
 *   SECRET_MISSING if the secret of `createSessions` is an empty list.
 */
export function expressSession<
  Data extends object,
  Request extends NodeRequest = IncomingMessage,
  Response extends NodeResponse = ServerResponse,
>(
  sessions: Sessions<Data>,
  options: ExpressSessionOptions<Data, Request, Response> = {},
): ExpressSession<Data, Request, Response> {
  const exchanges = exchangesOf(sessions);
  exchanges.assertNoEmptyList();
  const { cookie, permanentLifetime } = exchanges;
  const newCookie = checkedOptions(options, { cookie, permanentLifetime });
  const settings: Settings = { cookie, permanentLifetime, newCookie, subject: options.subject };
  const { onUnavailable = (_error, _request, response) => sendPlain(response, plainUnavailable) } = options;
  const { onForbidden } = options;
  const begin = nodeSessions<Data, Request, Response>(
    sessions,
    onForbidden === undefined ? { onUnavailable } : { onUnavailable, onForbidden },
  );
  const path = cookie.scope.path ?? "/";

  const middleware = (request: Request, response: Response, next: (error?: unknown) => void): void => {
    // An outer middleware, or a test, has already set it; or the session was ended since.
    if (Boolean(Reflect.get(request, "session")) || Reflect.has(request, stateKey) || !isIn(path, request)) {
      next();
      return;
    }
    begin(request, response, (error) => {
      const handle: object = request;
      const exchange = exchanges.of(handle);
      if (error !== undefined || exchange === undefined) {
        next(error);
        return;
      }
      const failed = (failure: unknown): void => {
        exchange.fail(failure);
        if (!(failure instanceof StoreError)) next(failure);
        else void attempt(() => onUnavailable(failure, request, response), nothing, next);
      };
      void attempt(
        () => exchange.preload(),
        (session) => {
          const state = new RequestState(settings, exchange, session);
          exchange.overrideCookie(() => state.cookieFor(() => isSecure(request)));
          Reflect.set(request, stateKey, state);
          Object.defineProperties(request, properties);
          next();
        },
        failed,
      );
    });
  };
  return Object.assign(middleware, {
    of(request: object): RequestSession<Data> {
      const session: unknown = Reflect.get(request, "session");
      if (Reflect.has(request, stateKey) && typeof session === "object" && session !== null)
        return session as RequestSession<Data>; // oxlint-disable-line no-unsafe-type-assertion
      throw new MisuseError(
        "NO_SESSION_HERE",
        "This request has no req.session: the middleware did not see it, or the session was ended.",
      );
    },
  });
}

/** Where a request keeps its state. */
const stateKey: unique symbol = Symbol("coatcheck.express-session");

interface WithState {
  readonly [stateKey]: RequestState;
}

/** The properties of a request. One object for all requests, so that they have the same shape. */
const properties: PropertyDescriptorMap & ThisType<WithState> = {
  session: {
    configurable: false,
    enumerable: true,
    get() {
      return this[stateKey].value;
    },
    set(value: unknown) {
      this[stateKey].value = value;
    },
  },
  sessionID: {
    configurable: false,
    enumerable: true,
    get() {
      return this[stateKey].id;
    },
    set() {
      throw new MisuseError("KEY_INVALID", "req.sessionID can't be set: ids are random. Use regenerate().");
    },
  },
};

/** Whether the browser sends a cookie with this path to the request's URL (RFC 6265bis 5.1.4). */
function isIn(path: string, { originalUrl, url = "/" }: NodeRequest): boolean {
  if (path === "/") return true;
  const own = (originalUrl ?? url).replace(/^https?:\/\/[^/]*/i, "").split("?", 1)[0] ?? "";
  return own === path || own.startsWith(path.endsWith("/") ? path : `${path}/`);
}

/** Whether the connection is secure, as Express says if it trusts a proxy. */
function isSecure(request: NodeRequest): boolean {
  const { socket } = request;
  if (typeof socket === "object" && socket !== null && "encrypted" in socket && socket.encrypted === true)
    return true;
  return Reflect.get(request, "secure") === true;
}

function nothing(): void {}
