// The suite in a runtime that is a process: Node, Bun, Deno. Prints its report as the last line.

import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { sqliteStore } from "coatcheck/sqlite";
import type { SqliteDatabase } from "coatcheck/sqlite";
import type { Door } from "./clause.ts";
import { ownDatabaseClauses } from "./sqlite-clauses.ts";
import { raceClauses, runSuite, storeClauses } from "./suite.ts";

type Handler = (request: Request) => Promise<Response>;

/** What is used of the servers that Bun and Deno bring. */
interface Globals {
  readonly Bun?: {
    readonly version: string;
    serve(options: { port: number; hostname: string; fetch: Handler }): {
      port: number;
      stop(now: boolean): Promise<void>;
    };
  };
  readonly Deno?: {
    readonly version: { readonly deno: string };
    serve(
      options: { port: number; hostname: string; onListen(): void; signal: AbortSignal },
      handler: Handler,
    ): { readonly addr: { readonly port: number } };
  };
}

const { Bun, Deno } = globalThis as unknown as Globals;
const hostname = "127.0.0.1";

/** A client that sends the Host it is told, as `fetch` does not, and hangs up at once. */
function doorAt(port: number, close: () => unknown): Door {
  return {
    async send(path, { method = "GET", headers, body, signal } = {}) {
      const named = { host: "localhost", ...Object.fromEntries(new Headers(headers)) };
      const options = { hostname, port, path, method, headers: named, agent: false };
      const sent = httpRequest(signal ? { ...options, signal } : options);
      sent.end(body ?? undefined);
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      const lines = Object.entries(response.headersDistinct).flatMap(([name, values = []]) =>
        values.map((value): [string, string] => [name, value]),
      );
      const status = response.statusCode ?? 0;
      const isEmpty = method === "HEAD" || status === 204 || status === 304;
      if (isEmpty) response.resume();
      return new Response(isEmpty ? null : piecesOf(response), { status, headers: lines });
    },
    async close() {
      await close();
    },
  };
}

function piecesOf(response: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      response.on("data", (piece: Uint8Array) => controller.enqueue(new Uint8Array(piece)));
      response.on("end", () => controller.close());
      response.on("error", (error) => controller.error(error));
    },
    cancel() {
      response.destroy();
    },
  });
}

/** Node has no server of the fetch kind, so here is a small one. */
async function serveOnNode(handler: Handler): Promise<Door> {
  const server = createServer((incoming, outgoing) => {
    answer(handler, incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
  });
  server.listen(0, hostname);
  await once(server, "listening");
  return doorAt((server.address() as AddressInfo).port, () => {
    server.closeAllConnections();
    server.close();
  });
}

async function answer(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const { method = "GET", url = "/" } = incoming;
  const body = method === "GET" || method === "HEAD" ? null : await text(incoming);
  const response = await handler(
    new Request(`http://${incoming.headers.host}${url}`, { method, headers, body }),
  );
  outgoing.writeHead(response.status, [
    ...[...response.headers].filter(([name]) => name !== "set-cookie").flat(),
    ...response.headers.getSetCookie().flatMap((cookie) => ["set-cookie", cookie]),
  ]);
  for await (const piece of response.body ?? []) outgoing.write(piece);
  outgoing.end();
}

async function serve(handler: Handler): Promise<Door> {
  if (Bun !== undefined) {
    const server = Bun.serve({ port: 0, hostname, fetch: handler });
    return doorAt(server.port, () => server.stop(true));
  }
  if (Deno !== undefined) {
    // A shutdown would wait for visitors who have gone.
    const end = new AbortController();
    const server = Deno.serve({ port: 0, hostname, onListen() {}, signal: end.signal }, handler);
    return doorAt(server.addr.port, () => end.abort());
  }
  return serveOnNode(handler);
}

// The folder is the test's own, and goes with it.
function emptyPath(): string {
  return join(mkdtempSync(join(import.meta.dirname, "sqlite-")), "sessions.db");
}

type OpenDatabase = SqliteDatabase & { close(): void };

/** The libraries of SQLite that the runtime brings. */
const libraries: Record<string, (path: string) => OpenDatabase> = {
  "node:sqlite": (path) => new DatabaseSync(path, { timeout: 10 }),
};
if (Bun !== undefined) {
  // A variable, since there are no types of it here.
  const name = "bun:sqlite";
  const { Database } = (await import(name)) as { Database: new (path: string) => OpenDatabase };
  libraries[name] = (path) => {
    const database = new Database(path);
    database.exec("PRAGMA busy_timeout = 10");
    return database;
  };
}

const sqlite = [
  ...storeClauses("sqlite", () => {
    const path = emptyPath();
    return () => sqliteStore({ path });
  }),
  ...Object.entries(libraries).flatMap(([library, open]) =>
    storeClauses(`sqlite (a database of ${library})`, () => {
      const path = emptyPath();
      return () => {
        const database = open(path);
        database.exec("PRAGMA journal_mode = wal");
        return sqliteStore({ database });
      };
    }).concat(
      ownDatabaseClauses(library, open, emptyPath),
      // Those of node:sqlite run in test/contracts.
      library === "bun:sqlite" ? raceClauses(() => sqliteStore({ database: open(":memory:") })) : [],
    ),
  ),
];

const version = Bun?.version ?? Deno?.version.deno ?? process.versions.node;
console.log(JSON.stringify(await runSuite(version, serve, sqlite)));
process.exit(0);
