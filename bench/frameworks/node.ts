import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { siteOf, untouched, welcome } from "../site.ts";
import type { Deeds, Site } from "../site.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export function nodeSite(
  deeds: Deeds<[IncomingMessage, ServerResponse]>,
  wrap: (handler: Handler) => Handler = (handler) => handler,
): Site {
  const handle = wrap(async (request, response) => {
    switch (request.url) {
      case "/untouched":
        response.end(untouched);
        break;
      case "/read":
        response.end(await deeds.read(request, response));
        break;
      case "/write":
        response.end(String(await deeds.write(request, response)));
        break;
      case "/login":
        await deeds.login(request, response);
        response.end(welcome);
        break;
      default:
        response.writeHead(404).end();
    }
  });
  return siteOf(createServer((request, response) => void handle(request, response)));
}
