import assert from "node:assert/strict";
import { test } from "node:test";
import { createSessions, generateSecret, safeReturnPath } from "coatcheck";
import { fetchSessions, requireLogin as fetchRequireLogin } from "coatcheck/fetch";
import { honoSessions, requireLogin as honoRequireLogin } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { CookieJar, probeStore } from "coatcheck/testing";
import { Hono } from "hono";

type Site = (request: Request) => Response | Promise<Response>;

function sites(): Record<string, { readonly site: Site; readonly calls: () => number }> {
  const probe = probeStore(memoryStore());
  const sessions = createSessions({ secret: generateSecret(), store: probe.store });
  const login = async (): Promise<Response> => {
    await (await sessions.current()).login("ana");
    return new Response();
  };
  const app = new Hono();
  app.use(honoSessions(sessions));
  app.post("/login", login);
  app.use(honoRequireLogin(sessions));
  app.all("*", (c) => c.text("inside"));
  const inside = fetchRequireLogin(sessions, () => new Response("inside"));
  return {
    hono: { site: (request) => app.fetch(request), calls: () => probe.calls.length },
    fetch: {
      site: fetchSessions(sessions, (request) =>
        request.url.endsWith("/login") ? login() : inside(request),
      ),
      calls: () => probe.calls.length,
    },
  };
}

const page = { accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" };

for (const [name, { site, calls }] of Object.entries(sites())) {
  test(`a person is sent to the login page with the way back, and leaves no record (${name})`, async () => {
    const before = calls();
    const response = await site(new Request("http://localhost/user?tab=a&b=%2F", { headers: page }));
    assert.equal(response.status, 303);
    const location = new URL(response.headers.get("location") ?? "", "http://localhost");
    assert.equal(location.pathname, "/login");
    assert.equal(safeReturnPath(location.searchParams.get("return")), "/user?tab=a&b=%2F");
    assert.equal(response.headers.get("vary"), "Cookie");
    assert.equal(calls(), before);
  });

  test(`a form that was sent is not come back to (${name})`, async () => {
    const response = await site(new Request("http://localhost/user", { method: "POST", headers: page }));
    assert.equal(response.headers.get("location"), "/login");
  });

  test(`a program gets 401 (${name})`, async () => {
    for (const accept of ["application/json", "*/*"]) {
      const response = await site(new Request("http://localhost/api", { headers: { accept } }));
      assert.equal(response.status, 401);
      assert.equal(response.headers.get("www-authenticate"), "Session");
    }
  });

  test(`whoever is logged in passes (${name})`, async () => {
    const jar = new CookieJar();
    jar.take(await site(new Request("http://localhost/login", { method: "POST" })));
    const response = await site(
      new Request("http://localhost/user", { headers: { cookie: jar.header ?? "" } }),
    );
    assert.equal(await response.text(), "inside");
  });
}
