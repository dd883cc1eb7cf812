import { assertKnownOptions } from "../runtime/check-options.ts";
import type { LoginRedirectOptions } from "../http/login-redirect.ts";
import type { NodeRequest, NodeResponse } from "../node/messages.ts";
import type { Sessions } from "../sessions.ts";
import { nodeErrors, nodeSessions, requireLogin as nodeRequireLogin } from "./node.ts";
import type { NodeSessionsOptions } from "./node.ts";

/**
 * Express middleware, for Express 5 and 4: `app.use(expressSessions(sessions))`, then
 * `await sessions.of(req)` in any handler after it. No byte of a response is sent before the handler's changes
 * are in the store. Requests from other sites that could change something are refused with 403.
 *
 * A handler fails if its response has status 500 or above. With {@link expressErrors}, it also fails if it
 * throws (or calls `next(error)`) and an error handler responds with a lower status.
 */
export function expressSessions<
  Data extends object,
  Request extends NodeRequest = NodeRequest,
  Response extends NodeResponse = NodeResponse,
>(
  sessions: Sessions<Data>,
  options: NodeSessionsOptions<Request, Response> = {},
): (req: Request, res: Response, next: (error?: unknown) => void) => void {
  assertKnownOptions(options, ["onUnavailable", "onForbidden"], "expressSessions");
  return nodeSessions(sessions, options);
}

/**
 * Express error middleware: `app.use(expressErrors(sessions))` after the routes and before the app's own
 * error handlers. An error then counts as a failure whatever the status of its response (a failed handler's
 * data is not kept), and a failure of the store gets a 503 response.
 */
export function expressErrors<Data extends object>(
  sessions: Sessions<Data>,
): (error: unknown, req: object, res: object, next: (error?: unknown) => void) => void {
  return nodeErrors(sessions);
}

/**
 * Express middleware that requires a login: `app.use("/user", requireLogin(sessions))`, after `expressSessions`.
 * Other people are sent to the login page and then back; programs get 401.
 */
export function requireLogin<Data extends object>(
  sessions: Sessions<Data>,
  options: LoginRedirectOptions = {},
): (req: NodeRequest, res: NodeResponse, next: (error?: unknown) => void) => Promise<void> {
  return nodeRequireLogin(sessions, options);
}
