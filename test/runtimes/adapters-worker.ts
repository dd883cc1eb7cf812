// The adapters in workerd: apps that have a `fetch` of their own through that, the others through its `node:http`,
// whose servers are reached by their port from inside. Its own server in front speaks HTTP/1 and HTTP/2.

import { createServer } from "node:http";
// @ts-expect-error -- only workerd has it
import { handleAsNodeRequest as answerAt } from "cloudflare:node";
import type { StartServer } from "coatcheck/testing";
import type { MakeApp } from "../contracts/apps.ts";
import { runAdapters } from "./adapters.ts";

interface Environment {
  readonly self: { fetch(request: Request): Promise<Response> };
}

const handleAsNodeRequest = answerAt as (port: number, request: Request) => Promise<Response>;
let current: ((request: Request) => Promise<Response>) | undefined;
let lastPort = 8000;

function serve(make: MakeApp, self: Environment["self"]): StartServer {
  return async (sessions, routes) => {
    const { fetch, listener } = await make(sessions, routes);
    const server = createServer(listener);
    if (fetch !== undefined) current = fetch;
    else {
      const port = ++lastPort;
      server.listen(port);
      current = async (request) => handleAsNodeRequest(port, request);
    }
    return {
      async fetch(request) {
        const sent = new Request(request, { redirect: "manual" });
        // As every request has it that comes over a wire.
        sent.headers.set("host", new URL(request.url).host);
        return self.fetch(sent);
      },
      async close() {
        current = undefined;
        if (fetch === undefined) server.close();
      },
    };
  };
}

export const worker = {
  async fetch(request: Request): Promise<Response> {
    return (await current?.(request)) ?? new Response("nobody serves", { status: 500 });
  },

  async test(_controller: unknown, env: Environment): Promise<void> {
    const ways = { "HTTP/1": (make: MakeApp): StartServer => serve(make, env.self) };
    console.log(JSON.stringify(await runAdapters("workerd", "", ways)));
  },
};
