import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Actions, Site } from "../site.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export function nodeSite(
  actions: Actions<[IncomingMessage, ServerResponse]>,
  wrap: (handler: Handler) => Handler = (handler) => handler,
): Site {
  const handle = wrap(async (request, response) => {
    switch (request.url) {
      case "/untouched":
        response.end(untouched);
        break;
      case "/read":
        response.end(await actions.read(request, response));
        break;
      case "/write":
        response.end(String(await actions.write(request, response)));
        break;
      case "/login":
        await actions.login(request, response);
        response.end(welcome);
        break;
      default:
        response.writeHead(404).end();
    }
  });
  return siteOf(createServer((request, response) => void handle(request, response)));
}
