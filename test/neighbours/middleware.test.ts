// Middleware that people put beside sessions, the real packages, before the sessions and after them: an app
// answers the same with sessions as without.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import polka from "@polka/compression";
import compression from "compression";
import { createSessions, generateSecret } from "coatcheck";
import type { Session, Sessions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import express from "express";
// @ts-expect-error TS7016: Express 4 comes without types, and Express 5's fit.
import express4 from "express4";
// @ts-expect-error TS7016: comes without types
import httpCompression from "http-compression";
// @ts-expect-error TS7016: comes without types
import morgan from "morgan";
// @ts-expect-error TS7016: comes without types
import responseTime from "response-time";
import { listen } from "../support/listen.ts";
import { inLaterTurn } from "../support/store-calls.ts";

interface Data {
  a: string;
}

/** A store that answers at once, and one that answers in a later turn of the event loop, as one over a network does. */
const hubs: Readonly<Record<string, () => Sessions<Data>>> = {
  "a store that answers at once": () =>
    createSessions<Data>({ secret: generateSecret(), store: memoryStore() }),
  "a store that waits": () => {
    const probe = probeStore(memoryStore());
    probe.around = inLaterTurn;
    return createSessions<Data>({ secret: generateSecret(), store: probe.store });
  },
};

const wrappers: Readonly<Record<string, () => express.RequestHandler>> = {
  compression: () => compression({ threshold: 0 }),
  "http-compression": () => httpCompression({ threshold: 0 }) as express.RequestHandler,
  "@polka/compression": () => polka({ threshold: 0 }),
  "response-time": () => responseTime(),
  morgan: () => morgan("tiny", { stream: { write: () => undefined } }),
};

async function get(port: number, path: string, signal?: AbortSignal) {
  const sent = httpRequest({
    port,
    host: "127.0.0.1",
    path,
    headers: { "accept-encoding": "gzip" },
    agent: false,
    ...(signal === undefined ? {} : { signal }),
  }).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const body = Buffer.concat(await response.toArray());
  const isZipped = response.headers["content-encoding"] === "gzip";
  return {
    status: response.statusCode,
    encoding: response.headers["content-encoding"],
    body: (isZipped ? gunzipSync(body) : body).toString(),
    cookies: response.headers["set-cookie"] ?? [],
  };
}

const big = "a page of some length ".repeat(20_000);

for (const [framework, make] of Object.entries({
  "Express 5": express,
  "Express 4": express4 as typeof express,
})) {
  for (const [wrapping, wrapper] of Object.entries(wrappers)) {
    for (const place of ["before", "after"] as const) {
      for (const [store, hub] of Object.entries(hubs)) {
        test(
          `${framework}: ${wrapping} ${place} the sessions sends what it sends without, on ${store}`,
          { timeout: 20_000 },
          async (t) => {
            const folder = mkdtempSync(join(tmpdir(), "coatcheck-"));
            t.after(() => rmSync(folder, { recursive: true, force: true }));
            writeFileSync(join(folder, "page.txt"), big);
            const start = async (sessions: Sessions<Data> | undefined): Promise<number> => {
              const app = make().set("env", "test");
              if (place === "before") app.use(wrapper());
              if (sessions !== undefined) app.use(expressSessions(sessions));
              if (place === "after") app.use(wrapper());
              const use = async (req: object): Promise<Session<Data> | undefined> => {
                const session = await sessions?.of(req);
                session?.set("a", "A");
                return session;
              };
              app.get("/send", async (req, res) => {
                await use(req);
                res.send(big);
              });
              app.get("/json", async (req, res) => {
                await use(req);
                res.json({ big });
              });
              app.get("/file", async (req, res) => {
                await use(req);
                res.sendFile(join(folder, "page.txt"));
              });
              app.get("/pipe", async (req, res) => {
                await use(req);
                createReadStream(join(folder, "page.txt"), { highWaterMark: 4096 }).pipe(res.type("text"));
              });
              app.get("/written", async (req, res) => {
                await use(req);
                res.type("text");
                res.write("one ");
                res.write("two ");
                res.end("three");
              });
              app.get("/head", async (req, res) => {
                await use(req);
                res.writeHead(201, { "content-type": "text/plain" });
                res.end(big);
              });
              app.get("/events", async (req, res) => {
                await use(req);
                res.type("text");
                res.flushHeaders();
                res.write("data: 1\n\n");
                res.write("data: 2\n\n");
                setImmediate(() => res.end("data: 3\n\n"));
              });
              app.get("/login", async (req, res) => {
                await (await sessions?.of(req))?.login("ana");
                res.send(big);
              });
              return listen(t, app);
            };
            const [bare, kept] = [await start(undefined), await start(hub())];
            const isKeeping = (path: string): boolean => path !== "/nothing";
            // http-compression and @polka/compression keep writeHead to themselves: without sessions, too, there is no head to flush.
            const paths = ["/send", "/json", "/file", "/pipe", "/written", "/head", "/login", "/nothing"];
            if (!wrapping.startsWith("http-") && !wrapping.startsWith("@polka")) paths.push("/events");
            for (const path of paths) {
              const expected = await get(bare, path, t.signal);
              const { cookies, ...answer } = await get(kept, path, t.signal);
              const { cookies: _, ...without } = expected;
              assert.deepEqual(answer, without, path);
              assert.equal(cookies.length, isKeeping(path) ? 1 : 0, path);
            }
          },
        );
      }
    }
  }
}
