import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { serve } from "@hono/node-server";
import { generateSecret } from "coatcheck";
import { CookieJar } from "coatcheck/testing";
import { io } from "socket.io-client";
import { WebSocket } from "ws";
import type * as SocketIoExample from "../../examples/socket-io.ts";

process.env["SESSION_SECRET"] = generateSecret();
process.env["SESSION_DB"] = ":memory:";

interface Visitor {
  readonly jar: CookieJar;
  readonly post: (path: string) => Promise<Response>;
}

function visitorOf(url: string): Visitor {
  const jar = new CookieJar();
  return {
    jar,
    async post(path) {
      const response = await fetch(url + path, { method: "POST", headers: { cookie: jar.header ?? "" } });
      jar.take(response);
      return response;
    },
  };
}

test("a WebSocket opens for whoever is logged in, and hangs up when they log out", async (t) => {
  const { server, sessions } = await import("../../examples/websocket.ts");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.close();
    await sessions.close();
  });
  const { port } = server.address() as AddressInfo;
  const { jar, post } = visitorOf(`http://127.0.0.1:${port}`);
  const open = (headers: Readonly<Record<string, string>>): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { cookie: jar.header ?? "", ...headers } });

  const refusal: unknown[] = await once(open({}), "error");
  assert.match(String(refusal[0]), /401/);

  await post("/login");
  const hijack: unknown[] = await once(open({ origin: "https://evil.example" }), "error");
  assert.match(String(hijack[0]), /401/, "another site's page gets none");

  for (const end of [async () => post("/logout"), async () => sessions.revokeAll("ana")]) {
    await post("/login");
    const socket = open({ origin: `http://127.0.0.1:${port}` });
    const greeting: unknown[] = await once(socket, "message");
    assert.equal(String(greeting[0]), "Hello, ana!");
    const closed = once(socket, "close");
    await end();
    assert.equal((await closed)[0], 1008);
  }
});

for (const transport of ["websocket", "polling"]) {
  test(`Socket.IO over ${transport} connects whoever is logged in, and disconnects them when they log out`, async (t) => {
    const { server, sessions } = (await import(
      `../../examples/socket-io.ts?${transport}`
    )) as typeof SocketIoExample;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await sessions.close();
    });
    const { port } = server.address() as AddressInfo;
    const { jar, post } = visitorOf(`http://127.0.0.1:${port}`);
    const connect = (headers: Readonly<Record<string, string>> = {}) => {
      const socket = io(`http://127.0.0.1:${port}`, {
        transports: [transport],
        forceNew: true,
        reconnection: false,
        extraHeaders: { cookie: jar.header ?? "", ...headers },
      });
      t.after(() => socket.close());
      return socket;
    };
    const event = async (socket: ReturnType<typeof connect>, name: string): Promise<unknown> =>
      new Promise((resolve) => socket.on(name, resolve));

    assert.match(String(await event(connect(), "connect_error")), /Log in first/);
    await post("/login");
    const hijack = connect({ origin: "https://evil.example" });
    assert.match(
      String(await event(hijack, "connect_error")),
      /Log in first/,
      "another site's page gets none",
    );

    for (const end of [async () => post("/logout"), async () => sessions.revokeAll("ana")]) {
      await post("/login");
      const socket = connect();
      assert.equal(await event(socket, "greeting"), "Hello, ana!");
      const disconnected = event(socket, "disconnect");
      await end();
      assert.equal(typeof (await disconnected), "string");
    }
  });
}

test("an event stream begins for whoever is logged in, and ends when they log out", async (t) => {
  const { app, sessions } = await import("../../examples/events.ts");
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  t.after(async () => {
    server.close();
    await sessions.close();
  });
  const { port } = server.address() as AddressInfo;
  const { jar, post } = visitorOf(`http://127.0.0.1:${port}`);
  const events = async (): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/events`, { headers: { cookie: jar.header ?? "" } });

  assert.equal((await events()).status, 401);
  await post("/login");
  const stream = await events();
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  assert.match((await reader?.read())?.value ?? "", /Hello, ana!/);
  await post("/logout");
  let rest = "";
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) rest += part.value;
  assert.match(rest, /event: goodbye/);
});
