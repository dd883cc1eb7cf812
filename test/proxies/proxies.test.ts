// docs/behind-a-proxy.md, with real proxies: its configurations, and what it says of each line that is missing.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:https";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { WebSocket } from "ws";
import { listen } from "../support/listen.ts";
import { ask, host, open, startCaddy, startNginx, withoutProxy } from "./proxy.ts";
import type { Proxy } from "./proxy.ts";
import { proxiedSite } from "./site.ts";
import type { SiteOptions } from "./site.ts";

const own = `https://${host}`;

async function logIn(proxy: Proxy, name: string, headers: Readonly<Record<string, string>> = {}) {
  const answer = await ask(proxy, `/login?as=${name}`, {
    method: "POST",
    headers: { origin: own, ...headers },
  });
  return { ...answer, cookie: answer.cookies[0]?.split(";")[0] ?? "" };
}

async function socketThrough(proxy: Proxy, headers: Readonly<Record<string, string>>): Promise<string> {
  const socket = new WebSocket(`wss://127.0.0.1:${proxy.port}/`, {
    agent: new Agent({ ca: proxy.ca, servername: host }),
    headers: { host, ...headers },
  });
  return new Promise((resolve) => {
    socket.on("message", (message: Buffer) => {
      resolve(message.toString());
      socket.terminate();
    });
    socket.on("unexpected-response", (_request, response) => {
      resolve(String(response.statusCode));
      response.destroy();
    });
    socket.on("error", () => {});
  });
}

const proxies = {
  nginx: startNginx,
  caddy: (t: TestContext, upstream: number) => startCaddy(t, upstream),
};

for (const [name, start] of Object.entries(proxies)) {
  describe(`the configuration of ${name} in the guide`, { skip: withoutProxy(name as "nginx") }, () => {
    test("lets a visitor log in over https and log out, with the Secure cookie, and refuses other sites' forms", async (t) => {
      const proxy = await start(t, await listen(t, proxiedSite()));
      const login = await logIn(proxy, "ana");
      assert.equal(login.status, 303);
      assert.match(
        login.cookies[0] ?? "",
        /^__Host-Http-session=[^;]+; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
      );
      const home = await ask(proxy, "/", { headers: { cookie: login.cookie } });
      assert.equal(home.body, "Hello, ana!");
      assert.equal(home.headers["cache-control"], "private, no-cache");

      for (const headers of [
        { origin: "https://evil.example" },
        { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
        { origin: own, "sec-fetch-site": "same-site" },
        // What the visitor's side says of the host counts for nothing.
        { origin: "https://evil.example", "x-forwarded-host": "evil.example" },
      ]) {
        const refused = await ask(proxy, "/logout", {
          method: "POST",
          headers: { cookie: login.cookie, ...headers },
        });
        assert.equal(refused.status, 403, JSON.stringify(headers));
      }
      const logout = await ask(proxy, "/logout", {
        method: "POST",
        headers: { cookie: login.cookie, origin: own },
      });
      assert.equal(logout.status, 303);
      assert.equal((await ask(proxy, "/", { headers: { cookie: login.cookie } })).body, "Hello, stranger!");
    });

    test("tells the site its name, the scheme and the visitor's address, and nothing that the visitor made up", async (t) => {
      const proxy = await start(t, await listen(t, proxiedSite()));
      const made = {
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "evil.example",
      };
      assert.deepEqual(JSON.parse((await ask(proxy, "/seen", { headers: made })).body), {
        host,
        protocol: "https",
        ip: "127.0.0.1",
        hostname: host,
      });
    });

    test("passes on an event stream at once, and its end when the session ends", async (t) => {
      const proxy = await start(t, await listen(t, proxiedSite()));
      const { cookie } = await logIn(proxy, "ana");
      const stream = (await open(proxy, "/events?unbuffered", { headers: { cookie } })).setEncoding("utf8");
      const chunks = stream[Symbol.asyncIterator]();
      assert.equal((await chunks.next()).value, "event: hello\n\n");
      await ask(proxy, "/logout", { method: "POST", headers: { cookie, origin: own } });
      assert.equal((await chunks.next()).value, "event: goodbye\n\n");
      assert.equal((await chunks.next()).done, true);
    });

    test("opens a WebSocket for the site's own pages, and none for another site's", async (t) => {
      const proxy = await start(t, await listen(t, proxiedSite()));
      const { cookie } = await logIn(proxy, "ana");
      assert.equal(await socketThrough(proxy, { cookie, origin: own }), "Hello, ana!");
      assert.equal(await socketThrough(proxy, { cookie, origin: "https://evil.example" }), "401");
    });
  });
}

describe("what goes wrong with nginx", { skip: withoutProxy("nginx") }, () => {
  /** Starts nginx with the guide's configuration, changed. */
  async function changed(
    t: TestContext,
    changes: Readonly<Record<string, string>>,
    { outside = "", ...site }: SiteOptions & { outside?: string } = {},
  ): Promise<Proxy> {
    return startNginx(t, await listen(t, proxiedSite(site)), changes, outside);
  }

  const noHost = { "    proxy_set_header Host $http_host;\n": "" };

  test("without Host: forms and sockets of browsers that do not send Sec-Fetch-Site are refused", async (t) => {
    const proxy = await changed(t, noHost);
    assert.equal((await logIn(proxy, "ana")).status, 403);
    const { status, cookie } = await logIn(proxy, "ana", { "sec-fetch-site": "same-origin" });
    assert.equal(status, 303);
    assert.equal(await socketThrough(proxy, { cookie, origin: own }), "401");
  });

  test("without Host, but with the site's origin named: they are accepted, and other sites' are not", async (t) => {
    const proxy = await changed(t, noHost, { crossOrigin: { origins: [own] } });
    const { status, cookie } = await logIn(proxy, "ana");
    assert.equal(status, 303);
    assert.equal(await socketThrough(proxy, { cookie, origin: own }), "Hello, ana!");
    assert.equal((await logIn(proxy, "ana", { origin: "https://evil.example" })).status, 403);
  });

  test("with $host: the port is lost, and forms on a port of its own are refused", async (t) => {
    const asked = { host: `${host}:8443`, origin: `${own}:8443` };
    assert.equal((await logIn(await changed(t, {}), "ana", asked)).status, 303);
    const proxy = await changed(t, { "Host $http_host": "Host $host" });
    assert.equal((await logIn(proxy, "ana", asked)).status, 403);
  });

  test("without X-Forwarded-Proto, or without `trust proxy`: Express sees http, and the cookie is Secure anyway", async (t) => {
    const proxy = await changed(t, { "    proxy_set_header X-Forwarded-Proto $scheme;\n": "" });
    assert.match((await ask(proxy, "/seen")).body, /"protocol":"http"/);
    assert.match((await logIn(proxy, "ana")).cookies[0] ?? "", /; Secure;/);
    const distrusting = await changed(t, {}, { trustProxy: false });
    assert.match((await ask(distrusting, "/seen")).body, /"protocol":"http"/);
  });

  test("with `trust proxy` true: the visitor chooses an address", async (t) => {
    const proxy = await changed(t, {}, { trustProxy: true });
    const headers = { "x-forwarded-for": "6.6.6.6" };
    assert.match((await ask(proxy, "/seen", { headers })).body, /"ip":"6\.6\.6\.6"/);
  });

  test("with X-Forwarded-Host passed on: Express believes the visitor, Coatcheck does not", async (t) => {
    const proxy = await changed(t, { '    proxy_set_header X-Forwarded-Host "";\n': "" });
    const headers = { "x-forwarded-host": "evil.example", origin: "https://evil.example" };
    assert.match((await ask(proxy, "/seen", { headers })).body, /"hostname":"evil\.example"/);
    assert.equal((await logIn(proxy, "ana", headers)).status, 403);
  });

  test("with buffering: events arrive when the stream ends, all at once", async (t) => {
    const proxy = await changed(t, {});
    const { cookie } = await logIn(proxy, "ana");
    let ended = false;
    const arrived = open(proxy, "/events", { headers: { cookie } }).then((response) => ({
      response,
      late: ended,
    }));
    // The stream has begun when this has been answered twice, and its first event has not arrived.
    while (!(await ask(proxy, "/streams")).body.includes("1")) continue;
    ended = true;
    await ask(proxy, "/logout", { method: "POST", headers: { cookie, origin: own } });
    const { response, late } = await arrived;
    assert.equal(late, true);
    const [first] = (await once(response.setEncoding("utf8"), "data")) as [string];
    assert.equal(first, "event: hello\n\nevent: goodbye\n\n");

    const unbuffered = await changed(t, {
      "proxy_http_version 1.1;": "proxy_http_version 1.1; proxy_buffering off;",
    });
    const again = await logIn(unbuffered, "ana");
    const stream = await open(unbuffered, "/events", { headers: { cookie: again.cookie } });
    assert.equal((await once(stream.setEncoding("utf8"), "data"))[0], "event: hello\n\n");
    stream.destroy();
  });

  test("with a stream that is silent for longer than proxy_read_timeout: it is cut off", async (t) => {
    const proxy = await changed(t, {
      "proxy_http_version 1.1;": "proxy_http_version 1.1; proxy_read_timeout 100ms;",
    });
    const { cookie } = await logIn(proxy, "ana");
    const stream = await open(proxy, "/events?unbuffered", { headers: { cookie } });
    let body = "";
    stream.setEncoding("utf8").on("data", (text: string) => (body += text));
    await new Promise((resolve) => stream.on("error", resolve).on("close", resolve));
    assert.equal(body, "event: hello\n\n");
    assert.equal(stream.complete, false);
  });

  test("without Upgrade: a WebSocket does not open", async (t) => {
    const proxy = await changed(t, { "    proxy_set_header Upgrade $http_upgrade;\n": "" });
    const { cookie } = await logIn(proxy, "ana");
    assert.equal(await socketThrough(proxy, { cookie, origin: own }), "200");
  });

  test("with large cookies: 400 and 502, which larger buffers prevent; the session's cookie is about 110 bytes", async (t) => {
    const proxy = await changed(t, {});
    const { cookie } = await logIn(proxy, "ana");
    assert.ok(cookie.length > 100 && cookie.length < 120, String(cookie.length));
    const headers = { cookie: `${cookie}; other=${"x".repeat(9_000)}` };
    assert.equal((await ask(proxy, "/", { headers })).status, 400);
    assert.equal((await ask(proxy, "/cookies?many=4")).status, 502);

    const buffers = "large_client_header_buffers 4 16k; proxy_buffer_size 16k; proxy_buffers 8 16k;";
    const larger = await changed(t, {}, { outside: buffers });
    assert.equal((await ask(larger, "/", { headers })).status, 200);
    assert.equal((await ask(larger, "/cookies?many=4")).status, 200);
  });

  test("with a cache: each visitor gets their own page, unless the cache ignores the headers", async (t) => {
    const cache =
      "proxy_cache_path $HOME/cache keys_zone=pages:1m; proxy_cache pages; proxy_cache_valid 200 1m;";
    const ignore = "proxy_ignore_headers Cache-Control Set-Cookie Vary;";
    const pages: Record<string, string[]> = {};
    for (const outside of [cache, cache + ignore]) {
      const proxy = await changed(t, {}, { outside });
      const [ana, ben] = [await logIn(proxy, "ana"), await logIn(proxy, "ben")];
      pages[outside] = [];
      for (const { cookie } of [ana, ben])
        pages[outside].push((await ask(proxy, "/", { headers: { cookie } })).body);
    }
    assert.deepEqual(pages[cache], ["Hello, ana!", "Hello, ben!"]);
    assert.deepEqual(pages[cache + ignore], ["Hello, ana!", "Hello, ana!"]);
  });

  test("with proxy_cookie_path: the cookie gets a path that its name forbids", async (t) => {
    const proxy = await changed(t, {}, { outside: "proxy_cookie_path / /shop/;" });
    assert.match((await logIn(proxy, "ana")).cookies[0] ?? "", /^__Host-.*; Path=\/shop\/;/);
  });
});
