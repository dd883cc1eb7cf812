import { loginResponse } from "../exchange/fetch.ts";
import { loginRedirect } from "../http/login-redirect.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import { NodeRequestLike } from "../node/messages.ts";
import { exchangesOf } from "../sessions.ts";
import type { Sessions } from "../sessions.ts";
import { connectNitro2 } from "./nitro/nitro2.ts";
import type { Nitro2App, Nitro2Event } from "./nitro/nitro2.ts";
import { connectNitro3 } from "./nitro/nitro3.ts";
import type { Nitro3App, Nitro3Event } from "./nitro/nitro3.ts";
import type { NitroSessionsOptions } from "./nitro/options.ts";

export type { Nitro2App, Nitro2Event } from "./nitro/nitro2.ts";
export type { Nitro3App, Nitro3Event } from "./nitro/nitro3.ts";
export type { NitroSessionsOptions } from "./nitro/options.ts";

/**
 * Nitro plugin, for Nitro 2 (Nuxt 4) and Nitro 3: `export default nitroSessions(sessions)` in
 * `server/plugins/sessions.ts`, then `await sessions.of(event)` in any handler. Requests from other sites that could
 * change something are refused with 403. When Nitro closes, so does `sessions`.
 *
 * Requests that the app makes of itself for a visitor (`useFetch`, `event.$fetch`) share the session and the commit of
 * the visitor's request. Cached handlers have no session.
 *
 * A handler fails if it throws or returns an error, whatever the status of the response, or if its response has status
 * 500 or above.
 */
export function nitroSessions<Data extends object>(
  sessions: Sessions<Data>,
  options: NitroSessionsOptions = {},
): (nitroApp: Nitro2App | Nitro3App) => void {
  return (nitroApp) => {
    const exchanges = exchangesOf(sessions);
    if ("h3App" in nitroApp) connectNitro2(nitroApp, exchanges, options);
    else connectNitro3(nitroApp, exchanges, options);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the hooks' own types differ between versions
    const hooks = nitroApp.hooks as CloseHooks | undefined;
    hooks?.hook("close", async () => sessions.close());
  };
}

interface CloseHooks {
  hook(name: "close", listener: () => Promise<void>): unknown;
}

/**
 * Requires a login: call it with the event at the beginning of a handler or middleware, and return its result if there
 * is one. People are sent to the login page and then back; programs get 401. As middleware it protects everything:
 * `export default defineEventHandler(requireLogin(sessions))`.
 *
 * @throws what `sessions.of` throws.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (event: Nitro2Event | Nitro3Event) => Promise<Response | undefined> {
  return async (event) => {
    if ((await sessions.of(event)).loggedIn) return undefined;
    if (!isNitro2(event)) return loginResponse(event.req, options);
    const { req } = event.node;
    return new Response(
      null,
      loginRedirect(new NodeRequestLike(req), req.originalUrl ?? req.url ?? "/", options),
    );
  };
}

/** Events of h3 2 have a `node` of their own if they run on Node, and a request that is a `Request`. */
function isNitro2(event: Nitro2Event | Nitro3Event): event is Nitro2Event {
  return "node" in event && !(Reflect.get(event, "req") instanceof Request);
}
