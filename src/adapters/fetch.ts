import type { FetchHandler, HandleOptions } from "../core/handle.ts";
import type { Sessions } from "../core/sessions.ts";

/**
 * Puts sessions in front of the handler of a plain `fetch` server (`Bun.serve`, `Deno.serve`, workers,
 * route handlers): a handler of the same shape, in which `sessions.of(request)` and
 * `sessions.current()` work. For a single request, `sessions.handle(request, handler)` does the same.
 */
export function fetchSessions<Data extends object>(
  sessions: Sessions<Data>,
  handler: FetchHandler,
  options: HandleOptions = {},
): (request: Request) => Promise<Response> {
  return (request) => sessions.handle(request, handler, options);
}
