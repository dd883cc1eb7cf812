// The page about moving in: its app with express-session, and the same app with Coatcheck, on one port and one Redis.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { CookieJar } from "coatcheck/testing";
import { createClient } from "redis";
import { RedisServer, withoutRedis } from "../stores/redis-server.ts";

const root = join(import.meta.dirname, "..", "..");

interface Program {
  readonly app: RequestListener;
  readonly client: { destroy(): void };
  readonly sessions?: Sessions;
}

const programOf = async (name: string): Promise<Program> =>
  (await import(pathToFileURL(join(root, "examples", "moving-in", `${name}.js`)).href)) as Program;

test(
  "an app with Passport and Redis moves in, and nobody is logged out",
  { skip: withoutRedis },
  async (t) => {
    const redis = await RedisServer.start();
    Object.assign(process.env, {
      REDIS_URL: redis.url,
      OLD_SESSION_SECRET: "the secret of the site as it was before",
      SESSION_SECRET: generateSecret(),
    });
    const look = await createClient({ url: redis.url }).connect();
    t.after(() => look.destroy());

    let listener: RequestListener = () => assert.fail("no app yet");
    const server = createServer((request, response) => listener(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const site = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    function browser() {
      const jar = new CookieJar();
      const send = async (path: string, fields?: Record<string, string>): Promise<string> => {
        const response = await fetch(site + path, {
          redirect: "manual",
          headers: jar.headers,
          ...(fields && { method: "POST", body: new URLSearchParams(fields) }),
        });
        jar.take(response);
        const location = response.headers.get("location");
        return location === null ? response.text() : send(location);
      };
      return { jar, send };
    }

    const before = await programOf("before");
    t.after(() => before.client.destroy());
    listener = before.app;
    const [ana, phone, reader] = [browser(), browser(), browser()];
    const login = { username: "ana", password: "correct horse" };
    assert.equal(await ana.send("/"), "Hello, stranger! Visit 1.");
    assert.equal(await ana.send("/login", login), "Hello, ana! Visit 2.");
    assert.equal(await phone.send("/login", login), "Hello, ana! Visit 1.");
    assert.equal(await reader.send("/"), "Hello, stranger! Visit 1.");
    const stolen = browser();
    stolen.jar.take([`connect.sid=${ana.jar.get("connect.sid") ?? ""}; Path=/`]);
    assert.equal((await look.keys("sess:*")).length, 3);

    const after = await programOf("after");
    assert.ok(after.sessions);
    t.after(() => after.client.destroy());
    listener = after.app;
    assert.equal(await ana.send("/"), "Hello, ana! Visit 3.");
    assert.equal(ana.jar.get("connect.sid"), undefined, "the old cookie is cleared");
    assert.equal(await ana.send("/"), "Hello, ana! Visit 4.");
    assert.equal(await phone.send("/"), "Hello, ana! Visit 2.");
    assert.equal(
      await reader.send("/"),
      "Hello, stranger! Visit 2.",
      "an anonymous visitor keeps their data",
    );
    assert.equal((await after.sessions.list("42")).length, 2, "the devices are known");

    // What the old system could not do: a logout ends what a thief has, too, and others end from elsewhere.
    assert.equal(await ana.send("/logout", {}), "Hello, stranger! Visit 1.");
    assert.equal(await stolen.send("/"), "Hello, stranger! Visit 1.");
    assert.equal(await phone.send("/"), "Hello, ana! Visit 3.");
    assert.equal(await after.sessions.revokeAll("42"), 1);
    assert.equal(await phone.send("/"), "Hello, stranger! Visit 1.");
    assert.equal(await phone.send("/login", login), "Hello, ana! Visit 1.");
  },
);

test("docs/moving-in.md shows both programs as they are", () => {
  const page = readFileSync(join(root, "docs", "moving-in.md"), "utf8");
  const blocks = Array.from(page.matchAll(/^```js\n\/\/ (\w+)\.js\n([^]*?)^```$/gm));
  assert.ok(blocks.length >= 4);
  for (const [, name = "", code = ""] of blocks) {
    const program = readFileSync(join(root, "examples", "moving-in", `${name}.js`), "utf8");
    assert.ok(program.includes(code), `${name}.js has changed:\n${code}`);
  }
});
