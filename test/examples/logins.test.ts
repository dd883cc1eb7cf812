// Every example, started and logged in to, as a browser would.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { getRequestListener } from "@hono/node-server";
import { generateSecret } from "coatcheck";
import { CookieJar } from "coatcheck/testing";
import { toNodeHandler } from "h3";

process.env["SESSION_SECRET"] = generateSecret();
process.env["SESSION_DB"] = ":memory:";

interface Site {
  readonly server: Server;
  readonly sessions: { close(): Promise<void> };
}

function serverOf(listener: (request: IncomingMessage, response: ServerResponse) => unknown): Server {
  return createServer((request, response) => void listener(request, response));
}

const sites: Readonly<Record<string, () => Promise<Site>>> = {
  async express() {
    const { app, sessions } = await import("../../examples/express.ts");
    return { server: serverOf(app), sessions };
  },
  async fastify() {
    const { app, sessions } = await import("../../examples/fastify.ts");
    await app.ready();
    return { server: app.server, sessions };
  },
  async fetch() {
    const { fetch, sessions } = await import("../../examples/fetch.ts");
    return { server: serverOf(getRequestListener(fetch)), sessions };
  },
  async h3() {
    const { app, sessions } = await import("../../examples/h3.ts");
    return { server: serverOf(toNodeHandler(app)), sessions };
  },
  async hono() {
    const { app, sessions } = await import("../../examples/hono.ts");
    return { server: serverOf(getRequestListener(app.fetch)), sessions };
  },
  async koa() {
    const { app, sessions } = await import("../../examples/koa.ts");
    return { server: serverOf(app.callback()), sessions };
  },
  node: async () => import("../../examples/node.ts"),
};

for (const [name, open] of Object.entries(sites)) {
  test(`the example for ${name} logs people in and out`, async (t) => {
    const { server, sessions } = await open();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await sessions.close();
    });
    const { port } = server.address() as AddressInfo;
    const jar = new CookieJar();
    const visit = async (path: string, form?: Record<string, string>): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        redirect: "manual",
        headers: { cookie: jar.header ?? "" },
        ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
      });
      jar.take(response);
      const body = await response.text();
      if (form === undefined) {
        assert.equal(response.status, 200, body);
        assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
        return body;
      }
      assert.equal(response.status, 303, body);
      return visit(response.headers.get("location") ?? "");
    };

    assert.match(await visit("/"), /Hello, stranger!.*Log in/);
    assert.equal(jar.header, undefined, "a look costs nothing");
    for (const wrong of [{ name: "ana", password: "wrong" }, { name: "ben", password: "" }, {}]) {
      assert.match(await visit("/login", wrong), /Login failed\..*Hello, stranger!/);
    }
    assert.match(
      await visit("/login", { name: "ana", password: "correct horse" }),
      /You are logged in\..*Hello, ana!/,
    );
    const page = await visit("/");
    assert.match(page, /Hello, ana!.*Log out/);
    assert.doesNotMatch(page, /You are logged in/, "a message is shown once");
    assert.match(await visit("/logout", {}), /Hello, stranger!/);
  });

  test(`the example for ${name} is short`, () => {
    const text = readFileSync(join(import.meta.dirname, "..", "..", "examples", `${name}.ts`), "utf8");
    assert.ok(text.trimEnd().split("\n").length < 60);
  });
}
