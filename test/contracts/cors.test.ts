// Sessions and `cors`, in both orders: who may read the answer to a request that was refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createSessions, generateSecret } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { expressSessions } from "coatcheck/express";
import { memoryStore } from "coatcheck/memory";
import cors from "cors";
import express from "express";
import type { RequestHandler } from "express";

const page = "https://app.example";
const allowPage = cors({ origin: page, credentials: true });

async function send(
  t: TestContext,
  layers: readonly RequestHandler[],
  method = "POST",
  origin = page,
): Promise<Response> {
  const app = express();
  for (const layer of layers) app.use(layer);
  app.post("/", (_req, res) => void res.send("done"));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
    method,
    headers: {
      origin,
      "sec-fetch-site": "same-site",
      connection: "close",
      ...(method === "OPTIONS" ? { "access-control-request-method": "POST" } : {}),
    },
  });
  await response.body?.cancel();
  return response;
}

const hub = (crossOrigin: SessionsOptions["crossOrigin"] = {}) =>
  createSessions({ secret: generateSecret(), store: memoryStore(), crossOrigin });

const readableBy = (response: Response): string | null => response.headers.get("access-control-allow-origin");

test("cors first: the page that is allowed can read the refusal", async (t) => {
  const response = await send(t, [allowPage, expressSessions(hub())]);
  assert.deepEqual([response.status, readableBy(response)], [403, page]);
});

test("sessions first: the refusal has no CORS headers, and the page sees a network error", async (t) => {
  const response = await send(t, [expressSessions(hub()), allowPage]);
  assert.deepEqual([response.status, readableBy(response)], [403, null]);
});

test("sessions first, with refused going through cors: the page can read the refusal", async (t) => {
  const sessions = expressSessions(hub(), {
    onForbidden: (req: express.Request, res: express.Response) =>
      allowPage(req, res, () => res.status(403).send("From another site.")),
  });
  const response = await send(t, [sessions, allowPage]);
  assert.deepEqual([response.status, readableBy(response)], [403, page]);
});

for (const order of ["cors first", "sessions first"]) {
  test(`${order}: the preflight passes, and a trusted origin gets its answer`, async (t) => {
    const sessions = expressSessions(hub({ trustedOrigins: [page] }));
    const layers = order === "cors first" ? [allowPage, sessions] : [sessions, allowPage];
    const preflight = await send(t, layers, "OPTIONS");
    assert.deepEqual([preflight.status, readableBy(preflight)], [204, page]);
    const response = await send(t, layers);
    assert.deepEqual([response.status, readableBy(response)], [200, page]);
    const other = await send(t, layers, "POST", "https://evil.example");
    assert.equal(other.status, 403);
  });
}
