import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import { testSite } from "./test-site.ts";
import type { TestSite } from "./test-site.ts";

/** Every path that the site has, and some that it has not. */
function pathsOf({ site }: TestSite): string[] {
  const routes = site.app.routes.map(({ path }) => path.replace(":name", "site.css"));
  const others = ["/nowhere", "/static/nope.css", "/robots.txt", "/user/", "/user?x=1", "/login?failed=x"];
  return [...new Set([...routes.filter((path) => !path.includes("*")), ...others])];
}

test("no page makes a record, or sends a cookie, for a visitor who only looks", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  const paths = pathsOf(site);
  assert.ok(paths.includes("/user") && paths.includes("/inside") && paths.length > 20, paths.join(" "));
  for (const path of paths) {
    for (const [what, headers] of [
      ["no cookie", {}],
      ["a cookie that nobody made", { Cookie: "__Host-Http-session=x" }],
      ["a picture", { "Sec-Fetch-Dest": "image" }],
      ["from the login page", { Referer: `${site.url}/login` }],
    ] as const) {
      let next: string | undefined = path;
      for (let hops = 0; next !== undefined && hops < 5; hops += 1) {
        const answer = await site.visitor().get(next, headers);
        // The documentation may not be built here.
        assert.ok(answer.status < 500 || next === "/docs/", path);
        assert.deepEqual(answer.headers.getSetCookie(), [], `${path}, ${what}`);
        next = answer.location;
      }
      assert.equal(next, undefined, `${path} leads somewhere`);
    }
    assert.deepEqual((await site.visitor().head(path)).headers.getSetCookie(), [], path);
  }
  assert.equal(probe.count("create"), 0);
});

test("a form that asks for nothing to be kept makes no record, and sends no cookie", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  const wrong = { name: "leo", password: "wrong" };
  for (const [path, fields] of [
    ["/login", { name: "x".repeat(2_000), password: "wrong" }],
    ["/signup", {}],
    ["/signup", { name: "leo", password: "correct horse" }],
    ["/signup", { name: "Ada", password: "short" }],
    ["/logout", {}],
    ["/user", { note: "mine", colour: "rose" }],
    ["/user", {}],
    ["/password", { current: "1234", next: "correct horse" }],
    ["/devices", { others: "yes" }],
    ["/session_delete", { what: "name" }],
    ["/session_delete", { what: "everything" }],
    ["/session_delete", {}],
    ["/inside", {}],
    ["/nowhere", {}],
  ] as const) {
    const visitor = site.visitor();
    const answer = await visitor.post(path, fields);
    assert.ok(answer.status < 500);
    const next = answer.location === undefined ? answer : await visitor.open(answer.location);
    for (const { headers } of [answer, next]) assert.deepEqual(headers.getSetCookie(), [], path);
  }
  // What was typed is kept in the browser: nothing else is left of a failed login.
  for (const fields of [wrong, {}]) {
    const { headers: kept } = await site.visitor().post("/login", fields);
    assert.deepEqual(
      kept.getSetCookie().map((line) => line.split("=", 1)[0]),
      ["typed-login"],
    );
  }
  // The browser is asked to forget three cookies: that is what it was sent for, and all that is sent.
  const { headers } = await site.visitor().post("/cookies_delete");
  assert.ok(headers.getSetCookie().every((line) => line.includes("Max-Age=0")));
  assert.equal(probe.count("create"), 0);
});

test("what asks for something to be kept makes one record each", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  for (const [at, [path, fields]] of (
    [
      ["/session_set", { name: "Ada", message: "hi" }],
      ["/counter", {}],
      ["/flash", {}],
      ["/cookie_set", { value: "x" }],
      ["/login", { name: "leo", password: "1234" }],
    ] as const
  ).entries()) {
    const visitor = site.visitor();
    const page = await visitor.submit(path, fields);
    assert.equal(page.status, 200);
    assert.equal(probe.count("create"), at + 1, path);
  }
});

test("2,000 knocks at a closed door leave nothing behind", async (t) => {
  const probe = probeStore(memoryStore());
  const site = await testSite(t, { store: probe.store });
  for (let count = 0; count < 2_000; count += 1) {
    const answer = await site.site.app.request("/user");
    assert.equal(answer.status, 303);
  }
  assert.equal(probe.count("create"), 0);
});
