import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, RequestOptions, ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { duplexPair } from "node:stream";
import type { Readable } from "node:stream";
import type { StartServer } from "coatcheck/testing";
import { apps } from "./apps.ts";
import type { MakeApp } from "./apps.ts";

/** The adapters, each with a way to make a site of routes behind it, in this process: for the races. */
export const servers: Readonly<Record<string, StartServer>> = Object.fromEntries(
  Object.entries(apps).map(([name, make]) => [name, inProcess(make)]),
);

/**
 * Answers requests without a socket: through the framework's own `fetch`, or over a pair of streams to a
 * server of Node's that listens nowhere. Either way everything that happens belongs to the caller.
 */
export function inProcess(make: MakeApp): StartServer {
  return async (sessions, routes) => {
    const { fetch, listener } = await make(sessions, routes);
    if (fetch !== undefined) return { fetch, close: async () => {} };
    const server = createServer(listener);
    return {
      async fetch(request) {
        const [near, far] = duplexPair();
        server.emit("connection", far);
        const response = await sendHttp(request, { createConnection: () => near });
        // The answer has been written when it begins to arrive, since nothing here takes time.
        return new Response(await response.text(), response);
      },
      close: async () => {},
    };
  };
}

/** Sends a request and answers when its answer begins. */
export async function sendHttp(request: Request, options: RequestOptions): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const sent = httpRequest({
    path: pathname + search,
    ...options,
    method: request.method,
    headers: { host: "localhost", connection: "close", ...Object.fromEntries(request.headers) },
    signal: request.signal,
  });
  if (request.body === null) sent.end();
  else sent.end(await request.text());
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = request.method === "HEAD" ? null : bodyOf(response);
  return toResponse(response.statusCode ?? 0, headersOf(response.headersDistinct), body);
}

/** Starts an app on a socket of its own, for HTTP/1. */
export function overHttp(make: MakeApp): StartServer {
  return async (sessions, routes) => {
    const { listener } = await make(sessions, routes);
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return {
      fetch: async (request) => sendHttp(request, { port, host: "127.0.0.1", agent: false }),
      async close() {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      },
    };
  };
}

/** Starts an app on a socket of its own, for HTTP/2 without TLS. */
export function overHttp2(make: MakeApp): StartServer {
  return async (sessions, routes) => {
    const { listener } = await make(sessions, routes);
    const server = createHttp2Server((request, response) =>
      // The compatibility layer is made to be taken for HTTP/1's.
      listener(request as unknown as IncomingMessage, response as unknown as ServerResponse),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = connect(`http://127.0.0.1:${port}`);
    return {
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        const { host: _, ...headers } = Object.fromEntries(request.headers);
        const body = await request.text();
        const stream = client.request(
          { ":path": pathname + search, ":method": request.method, ":authority": "localhost", ...headers },
          { endStream: body === "", signal: request.signal },
        );
        if (body !== "") stream.end(body);
        const [received] = (await once(stream, "response")) as [Record<string, string | string[]>];
        const { ":status": status, ...rest } = received;
        return toResponse(Number(status), headersOf(rest), request.method === "HEAD" ? null : bodyOf(stream));
      },
      async close() {
        client.destroy();
        server.close();
        await once(server, "close");
      },
    };
  };
}

/**
 * A body whose end, good or bad, is its reader's to see. It flows whether it is read or not. By hand, since an HTTP/2
 * answer without a body has ended in Deno before it can be looked at, which `Readable.toWeb` takes for an error.
 */
function bodyOf(stream: Readable): ReadableStream<Uint8Array> {
  let isOver = false;
  const over = (end: () => void): void => {
    if (!isOver) end();
    isOver = true;
  };
  return new ReadableStream({
    start(controller) {
      if (stream.readableEnded) {
        controller.close();
        return;
      }
      stream.on("data", (chunk: Uint8Array) => {
        if (!isOver) controller.enqueue(new Uint8Array(chunk));
      });
      stream.on("end", () => over(() => controller.close()));
      stream.on("error", (error) => over(() => controller.error(error)));
      stream.on("close", () => over(() => controller.error(new Error("The answer was cut off."))));
    },
    cancel() {
      isOver = true;
      stream.destroy();
    },
  });
}

function headersOf(fields: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, String(value)]),
  );
}

function toResponse(
  status: number,
  headers: [string, string][],
  body: string | ReadableStream | null,
): Response {
  const isEmpty = status === 204 || status === 304;
  // A stream nobody reads would hold its connection.
  if (isEmpty && body instanceof ReadableStream) void body.cancel();
  return new Response(isEmpty ? null : body, { status, headers });
}
