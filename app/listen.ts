import { createServer } from "node:http";
import type { Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { ConfigError } from "coatcheck";

/** A running site: its address, and how to stop it. */
export type Listening = { address: string; port: number; close: () => Promise<void> };

/** How long running requests may take to finish when the site stops. */
const GRACE_MS = 5_000;

/**
 * Listens on one host or, without one, only on this machine: on both loopback addresses, since `localhost` is
 * `::1` to some programs and `127.0.0.1` to others. An account named leo with the password 1234 must not be open
 * to the whole network unless somebody asks for that.
 *
 * @throws ConfigError CONFIG_INVALID if the port is taken or not allowed.
 */
export async function listen(app: Hono, host: string | undefined, port: number): Promise<Listening> {
  const first = await open(app, host ?? "127.0.0.1", port);
  const servers = [first];
  const taken = portOf(first);
  if (host === undefined) {
    try {
      servers.push(await open(app, "::1", taken));
    } catch (error) {
      // A machine without IPv6 has no ::1, and no program that would connect to it.
      if (error instanceof ConfigError) {
        await Promise.all(servers.map(close));
        throw error;
      }
    }
  }
  const shown = host === undefined || host === "0.0.0.0" || host === "::" ? "localhost" : host;
  return {
    address: `http://${shown.includes(":") ? `[${shown}]` : shown}:${taken}`,
    port: taken,
    close: async () => {
      await Promise.all(servers.map(close));
    },
  };
}

function open(app: Hono, host: string, port: number): Promise<Server> {
  const listener = getRequestListener(app.fetch);
  const server = createServer((request, response) => void listener(request, response));
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(readable(error, host, port)));
    server.listen(port, host, () => resolve(server));
  });
}

function readable(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE") {
    return new ConfigError(
      "CONFIG_INVALID",
      `Port ${port} is used by another program. Choose another one:  PORT=${port + 1} npm start`,
    );
  }
  if (error.code === "EACCES")
    return new ConfigError(
      "CONFIG_INVALID",
      `Port ${port} is not allowed to this user. Choose one above 1023:  PORT=3000 npm start`,
    );
  if (error.code === "EADDRNOTAVAIL" && host !== "::1")
    return new ConfigError("CONFIG_INVALID", `HOST is "${host}", which is not an address of this machine.`);
  if (error.code === "ENOTFOUND")
    return new ConfigError("CONFIG_INVALID", `HOST is "${host}", a name that can't be resolved.`);
  return error;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("The server does not listen on a port.");
  return address.port;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
}
