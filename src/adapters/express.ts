import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { nodeErrors, nodeSessions, requireLogin as nodeRequireLogin } from "./node.ts";
import type { NodeSessionsOptions } from "./node.ts";

/**
 * Express middleware, for Express 5 and 4: `app.use(expressSessions(sessions))`, then
 * `await sessions.of(req)` in any handler after it. No byte of an answer leaves before what its handler
 * did is in the store. Requests from other sites that could change something are refused with 403.
 *
 * A handler has failed when the answer is 500 or more; with {@link expressErrors}, also when it threw
 * (or called `next(error)`) and an error handler answered with less.
 */
export function expressSessions<
  Data extends object,
  Request extends NodeRequest = NodeRequest,
  Response extends NodeResponse = NodeResponse,
>(
  sessions: Sessions<Data>,
  options: NodeSessionsOptions<Request, Response> = {},
): (req: Request, res: Response, next: (error?: unknown) => void) => void {
  return nodeSessions(sessions, options);
}

/**
 * Express error middleware: `app.use(expressErrors(sessions))` after the routes and before the app's own
 * error handlers. An error then counts as a failure whatever it is answered with (a failed handler's
 * data is not kept), and a store that failed is answered with 503.
 */
export function expressErrors<Data extends object>(
  sessions: Sessions<Data>,
): (error: unknown, req: object, res: object, next: (error?: unknown) => void) => void {
  return nodeErrors(sessions);
}

/**
 * Express middleware for what only somebody who is logged in may see: `app.use("/user", requireLogin(sessions))`,
 * after `expressSessions`. Others are sent to the login page and back again; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): ReturnType<typeof nodeRequireLogin<Data>> {
  return nodeRequireLogin(sessions, options);
}
