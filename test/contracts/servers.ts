import { fetchSessions } from "coatcheck/fetch";
import { honoSessions } from "coatcheck/hono";
import type { StartServer, TestAnswer } from "coatcheck/testing";
import { Hono } from "hono";

function toResponse({ status = 200, body, headers = {} }: TestAnswer): Response {
  return new Response(status === 204 || status === 304 ? null : (body ?? ""), { status, headers });
}

/** The adapters, each with a way to make a site of routes behind it. */
export const servers: Readonly<Record<string, StartServer>> = {
  async fetch(sessions, routes) {
    const handler = fetchSessions(
      sessions,
      async (request) => {
        const route = routes[new URL(request.url).pathname];
        return route === undefined
          ? new Response("", { status: 404 })
          : toResponse(await route(() => sessions.of(request), request));
      },
      { onError: () => new Response("failed", { status: 500 }) },
    );
    return { fetch: handler, close: async () => {} };
  },

  async hono(sessions, routes) {
    const app = new Hono();
    app.use(honoSessions(sessions));
    for (const [path, route] of Object.entries(routes)) {
      app.all(path, async (c) => toResponse(await route(() => sessions.of(c), c)));
    }
    app.onError((_, c) => c.text("failed", 500));
    return { fetch: async (request) => app.fetch(request), close: async () => {} };
  },
};
