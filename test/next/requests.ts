import assert from "node:assert/strict";
import { test } from "node:test";
import { CookieJar } from "coatcheck/testing";
import * as fc from "fast-check";
import type { RunningSite } from "../frameworks/example.ts";

/** What the built site must answer to plain requests, wherever it runs. */
export function requestTests(siteNow: () => RunningSite): void {
  async function visit(jar: CookieJar, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (jar.header !== undefined) headers.set("cookie", jar.header);
    const response = await fetch(siteNow().url + path, { redirect: "manual", ...init, headers });
    jar.take(response);
    return response;
  }

  test("a server component that writes is told where to write instead, and sets no cookie", async () => {
    const jar = new CookieJar();
    const response = await visit(jar, "/write");
    assert.deepEqual(response.headers.getSetCookie(), []);
    const told = /<pre id="told">([^<]*)</.exec(await response.text())?.[1] ?? "";
    for (const name of ["set", "login", "flash", "permanent"]) {
      assert.match(told, new RegExp(`^${name}: AFTER_RESPONSE .*server action`, "m"));
    }
    assert.equal(jar.header, undefined);
  });

  test("reading sets no cookie, and pages are kept from shared caches", async () => {
    const jar = new CookieJar();
    await visit(jar, "/leave", { method: "POST" });
    for (const path of ["/", "/user", "/inside", "/count"]) {
      const response = await visit(jar, path);
      assert.equal(response.status, 200, path);
      assert.deepEqual(response.headers.getSetCookie(), [], path);
      assert.match(response.headers.get("cache-control") ?? "", /private|no-store/, path);
    }
  });

  test("a page takes no ticket out of another cookie, and none of two", async () => {
    const [own, other] = [new CookieJar(), new CookieJar()];
    for (const jar of [own, other]) await visit(jar, "/leave", { method: "POST" });
    const ticket = `__Host-Http-session=${other.get("__Host-Http-session")}`;
    const planted = `theme=${encodeURIComponent(`; ${ticket}`)}`;
    for (const [cookie, subject] of [
      [ticket, "ana"],
      [planted, "nobody"],
      [`${ticket}; ${planted}`, "ana"],
      [`${ticket}; ${own.header}`, "nobody"],
    ] as const) {
      const page = await (await fetch(siteNow().url, { headers: { cookie } })).text();
      assert.equal(/id="subject">([^<]*)</.exec(page)?.[1], subject, cookie);
    }
  });

  test("a page opens what a route handler opens, whatever Cookie header comes", async () => {
    const jars = [new CookieJar(), new CookieJar()];
    for (const [at, jar] of jars.entries())
      for (let click = 0; click <= at; click++) await visit(jar, "/count", { method: "POST" });
    const own = jars.map((jar) => jar.header ?? "");
    const cookie = fc.oneof(
      fc.constantFrom(...own, "theme=dark", "__Host-Http-session", "__Host-Http-session=%zz", "=", ""),
      fc.constantFrom(...own).map((pair) => `theme=${encodeURIComponent(`; ${pair}`)}`),
      fc.constantFrom(...own).map((pair) => pair.replace(".", "%2E")),
      fc.constantFrom(...own).map((pair) => pair.replace("=", '="')),
    );
    const header = fc
      .array(fc.tuple(cookie, fc.constantFrom("; ", "; ", ";", " ;\t")), { maxLength: 4 })
      .map((pairs) => pairs.flat().join(""));
    for (const sent of fc.sample(header, 40)) {
      const headers = { cookie: sent };
      const clicks = await (await fetch(`${siteNow().url}/count`, { headers })).json();
      const page = await (await fetch(siteNow().url, { headers })).text();
      assert.equal(/id="clicks">([^<]*)</.exec(page)?.[1], String(clicks), JSON.stringify(sent));
    }
  });

  test("the proxy sends strangers to the login and lets others in", async () => {
    const jar = new CookieJar();
    const page = { headers: { accept: "text/html" } };
    const stranger = await visit(jar, "/inside", page);
    assert.equal(stranger.status, 303);
    const { pathname, search } = new URL(stranger.headers.get("location") ?? "", siteNow().url);
    assert.equal(pathname + search, "/login?return=%2Finside");
    await visit(jar, "/leave", { method: "POST" });
    assert.match(await (await visit(jar, "/inside", page)).text(), /Inside, (<!-- -->)?ana/);
    assert.equal((await visit(new CookieJar(), "/inside")).status, 401, "programs get 401");
  });

  for (const { end, status, name } of [
    { end: "well", status: 200, name: "kept" },
    { end: "redirect", status: 307, name: "kept" },
    { end: "error", status: 500, name: "" },
  ]) {
    test(`a route handler that ends with ${end} sends its cookies, one line each`, async () => {
      const jar = new CookieJar();
      const response = await visit(jar, `/leave?end=${end}`, { method: "POST" });
      assert.equal(response.status, status);
      if (end === "redirect") assert.match(response.headers.get("location") ?? "", /\/user$/);
      const names = response.headers.getSetCookie().map((line) => line.slice(0, line.indexOf("=")));
      const expected = end === "error" ? ["__Host-Http-session"] : ["__Host-Http-session", "beside", "own"];
      assert.deepEqual(names.filter((one) => end !== "error" || one !== "own").toSorted(), expected);
      const session = response.headers.getSetCookie().find((line) => line.startsWith("__Host-Http-session="));
      assert.match(session ?? "", /; Secure.*HttpOnly|HttpOnly.*; Secure/i);
      assert.match(session ?? "", /SameSite=lax/i);
      if (end !== "error") assert.equal(decodeURIComponent(jar.get("beside") ?? ""), "50 % & more");
      const page = await (await visit(jar, "/user")).text();
      assert.match(page, name === "" ? /Hello, (<!-- -->)*!/ : /Hello, (<!-- -->)?kept/);
    });
  }

  test("a route handler refuses another site's form", async () => {
    const response = await visit(new CookieJar(), "/count", {
      method: "POST",
      headers: { origin: "https://elsewhere.example" },
    });
    assert.equal(response.status, 403);
  });

  test("fifty visitors at once each see only themselves", async () => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const jar = new CookieJar();
        for (let click = 0; click <= at % 5; click++) {
          assert.equal(await (await visit(jar, "/count", { method: "POST" })).json(), click + 1);
        }
        const page = await (await visit(jar, "/")).text();
        assert.match(page, new RegExp(`id="clicks">${(at % 5) + 1}<`));
      }),
    );
  });

  test("fifty increments at once in one session are told 1 to 50", async () => {
    const jar = new CookieJar();
    await visit(jar, "/leave", { method: "POST" });
    const told = await Promise.all(
      Array.from({ length: 50 }, async () =>
        Number(await (await visit(jar, "/count", { method: "POST" })).json()),
      ),
    );
    assert.deepEqual(
      told.toSorted((one, other) => one - other),
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
  });
}
