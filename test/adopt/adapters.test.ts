import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import { fromCookieSession } from "coatcheck/adopt";
import { memoryStore } from "coatcheck/memory";
import type { TestData } from "coatcheck/testing";
import { servers } from "../contracts/servers.ts";
import { cookieSessionCookies } from "./old-systems.ts";

for (const [name, start] of Object.entries(servers)) {
  test(`through the ${name} adapter a visitor is adopted, whatever their page does`, async () => {
    const sessions = createSessions<TestData>({
      secret: generateSecret(),
      store: memoryStore(),
      adopt: [
        fromCookieSession<{ user: string }>({
          secret: "the old key",
          until: new Date(Date.now() + 3_600_000),
          take: (old) => ({ subject: old.user }),
        }),
      ],
    });
    const server = await start(sessions, {
      "/page": async (session) => ({ body: (await session()).subject ?? "nobody" }),
      "/redirect": async (session) => ({
        status: 303,
        headers: { location: (await session()).subject ?? "/" },
      }),
      "/static": async () => ({ body: "the same for everybody" }),
      async "/fails"(session) {
        await session();
        throw Object.assign(new Error("on purpose"), { status: 500 });
      },
    });
    for (const [path, status] of [
      ["/page", 200],
      ["/redirect", 303],
      ["/fails", 500],
      ["/static", 200],
    ] as const) {
      const cookie = cookieSessionCookies({ user: "leo", path }, "the old key");
      const response = await server.fetch(new Request(`http://localhost${path}`, { headers: { cookie } }));
      const set = response.headers.getSetCookie();
      assert.equal(response.status, status, path);
      if (path === "/static") {
        assert.deepEqual(set, []);
        continue;
      }
      assert.deepEqual(
        set.map((line) => line.split("=")[0]),
        ["__Host-Http-session", "session", "session.sig"],
        path,
      );
      assert.equal(response.headers.get("cache-control"), "no-store", path);
      assert.ok(
        set.slice(1).every((line) => line.includes("=; Path=/; Max-Age=0;")),
        path,
      );
      const ticket = set[0]?.split(";")[0] ?? "";
      const next = await server.fetch(new Request("http://localhost/page", { headers: { cookie: ticket } }));
      assert.equal(await next.text(), "leo");
      assert.deepEqual(next.headers.getSetCookie(), []);
    }
    await server.close();
  });
}
