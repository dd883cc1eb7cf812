import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import type { TestContext } from "node:test";

/**
 * Serves on loopback until the test is over.
 *
 * @param served a server, or what answers the requests of one over HTTP/1.
 * @param wanted the port; default: any that is free.
 * @returns the port.
 */
export async function listen(
  t: TestContext,
  served: Server | ((request: IncomingMessage, response: ServerResponse) => unknown),
  wanted = 0,
): Promise<number> {
  const server =
    typeof served === "function"
      ? createServer((request, response) => void served(request, response))
      : served;
  server.listen(wanted, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    // Servers of HTTP/2 have no such method.
    if ("closeAllConnections" in server && typeof server.closeAllConnections === "function")
      server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
