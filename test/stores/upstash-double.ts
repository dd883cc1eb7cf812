import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RESP_TYPES } from "redis";
import { atEnd, nodeClient } from "./redis-server.ts";

/** A REST API of Redis, as far as the store uses it. */
export interface UpstashDouble {
  readonly url: string;
  readonly token: string;
  /** The commands of the requests so far. */
  readonly commands: string[][];
  /** Responds instead of Redis, if it returns `true`. */
  interfere: ((request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>) | undefined;
}

/**
 * A double of Upstash's REST API in front of a real Redis, after what its documentation says: a command is a JSON array
 * that is posted; the reply is `{ result }`, or `{ error }` with the status 400; a wrong token is 401; strings are in
 * base64 if the request asks for it. Upstash itself is another server than Redis, and not tested.
 */
export async function upstashDouble(redisUrl: string): Promise<UpstashDouble> {
  const client = (await nodeClient(redisUrl)).withTypeMapping({
    [RESP_TYPES.BLOB_STRING]: Buffer,
    [RESP_TYPES.SIMPLE_STRING]: Buffer,
    [RESP_TYPES.MAP]: Array,
  });
  const token = `token-${process.pid}-${performance.now()}`.replace(".", "-");
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const double: UpstashDouble = {
    url: `http://127.0.0.1:${port}`,
    token,
    commands: [],
    interfere: undefined,
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    if ((await double.interfere?.(request, response)) === true) return;
    const send = (status: number, reply: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
    };
    if (request.method !== "POST") return send(405, { error: "Method Not Allowed" });
    if (request.headers.authorization !== `Bearer ${token}`) return send(401, { error: "Unauthorized" });
    const words = (JSON.parse(body) as unknown[]).map(String);
    double.commands.push(words);
    try {
      const reply: unknown = await client.sendCommand(words);
      const encoding = request.headers["upstash-encoding"] === "base64" ? "base64" : "utf8";
      return send(200, { result: encoded(reply, encoding) });
    } catch (error) {
      return send(400, { error: error instanceof Error ? error.message : "ERR" });
    }
  }
  return double;
}

function encoded(reply: unknown, encoding: "base64" | "utf8"): unknown {
  if (Array.isArray(reply)) return reply.map((part) => encoded(part, encoding));
  return Buffer.isBuffer(reply) ? reply.toString(encoding) : reply;
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding("utf8");
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}
