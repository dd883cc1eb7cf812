import assert from "node:assert/strict";
import type { Session } from "coatcheck";
import { SharedCache } from "../support/shared-cache.ts";
import { home, testEverywhere } from "../support/site.ts";
import type { Site } from "../support/site.ts";

/** Everything a handler may do with a session; all of it makes the page this visitor's. */
const accessors: Record<string, (session: Session) => unknown> = {
  "opens it": () => {},
  get: (session) => session.get("x"),
  "get of what is not there": (session) => session.get("nothing"),
  has: (session) => session.has("nothing"),
  keys: (session) => session.keys(),
  entries: (session) => session.entries(),
  id: (session) => session.id,
  subject: (session) => session.subject,
  loggedIn: (session) => session.loggedIn,
  rejection: (session) => session.rejection,
  permanent: (session) => session.permanent,
  createdAt: (session) => session.createdAt,
  authenticatedAt: (session) => session.authenticatedAt,
  lastSeenAt: (session) => session.lastSeenAt,
  expiresAt: (session) => session.expiresAt,
  peekFlashes: (session) => session.peekFlashes(),
  takeFlashes: (session) => session.takeFlashes(),
  set: (session) => session.set("x", 2),
  delete: (session) => session.delete("x"),
  clear: (session) => session.clear(),
  update: (session) => session.update("n", () => 1),
  flash: (session) => session.flash("hello"),
  login: (session) => session.login("leo"),
  logout: (session) => session.logout(),
  rotate: (session) => session.rotate(),
  "set permanent": (session) => (session.permanent = true),
};

const statuses = [200, 201, 301, 302, 304, 400, 403, 404, 500, 503];

function assertPrivate(response: Response, what: string): void {
  const cacheControl = response.headers.get("cache-control") ?? "";
  const vary = (response.headers.get("vary") ?? "").toLowerCase().split(/, */);
  assert.ok(vary.includes("cookie"), `${what}: Vary is ${vary.join()}`);
  const sent = response.headers.getSetCookie();
  if (sent.length > 0) assert.equal(cacheControl, "no-store", what);
  else assert.match(cacheControl, /^(private, no-cache|no-store)$/, what);
  const names = sent.map((line) => line.split("=")[0]);
  assert.equal(new Set(names).size, names.length, `${what}: ${names.join()}`);
}

testEverywhere(
  "[85][86][16] whatever is done with a session, at any status, no cache may share the page",
  async (site) => {
    for (const [what, access] of Object.entries(accessors)) {
      for (const status of statuses) {
        const [stranger, known] = [site.visitor(), site.visitor()];
        await known.login("leo");
        await known.with((session) => session.flash("hello"));
        for (const visitor of [stranger, known]) {
          await visitor.with(access, { status });
          assert.equal(visitor.last.status, status);
          assertPrivate(visitor.last, `${what} at ${status}`);
        }
      }
    }
  },
);

testEverywhere("[85] also when the handler throws", async (site) => {
  const visitor = site.visitor();
  const crash = async (session: Session): Promise<void> => {
    await session.login("leo");
    throw new Error("on purpose");
  };
  await assert.rejects(visitor.with(crash), { message: "on purpose" });
  assert.equal(visitor.last.status, 500);
  assertPrivate(visitor.last, "a login before a crash");
  assert.equal(await visitor.subject(), "leo");
});

testEverywhere("[86] a page that looked at the other cookies is this visitor's, too", async (site) => {
  const uses: ((at: object) => unknown)[] = [
    (at) => site.sessions.cookies(at).get("theme"),
    (at) => site.sessions.cookies(at).has("theme"),
    (at) => site.sessions.cookies(at).getAll("theme"),
    (at) => site.sessions.cookies(at).signed.get("theme"),
    (at) => site.sessions.cookies(at).sealed.invalid("theme"),
    (at) => site.sessions.cookies(at).set("theme", "dark"),
    (at) => site.sessions.cookies(at).delete("theme"),
  ];
  for (const use of uses) {
    const response = await site.visitor().send((at) => {
      use(at);
      return new Response();
    });
    assertPrivate(response, use.toString());
  }
});

testEverywhere("[87] a page that never asked for its session goes out as the app wrote it", async (site) => {
  const visitor = site.visitor();
  await visitor.login("leo");
  site.store.forget();
  const headers = { "cache-control": "public, max-age=3600", vary: "Accept-Language" };
  const response = await visitor.send(() => new Response("public", { headers }));
  assert.equal(response.headers.get("cache-control"), headers["cache-control"]);
  assert.equal(response.headers.get("vary"), headers.vary);
  assert.deepEqual(response.headers.getSetCookie(), []);
  assert.deepEqual(site.store.calls, []);
});

testEverywhere("[87] stricter headers of the app are kept, and weaker ones give way", async (site) => {
  const merged: [app: string | undefined, reading: string, sending: string][] = [
    [undefined, "private, no-cache", "no-store"],
    ["public, max-age=3600", "private, no-cache", "no-store"],
    ["max-age=60", "private, no-cache", "no-store"],
    ["s-maxage=60", "private, no-cache", "no-store"],
    ["private, s-maxage=60", "private, no-cache", "no-store"],
    ["PUBLIC, private", "private, no-cache", "no-store"],
    ["no-cache", "private, no-cache", "no-store"],
    ['no-cache="Set-Cookie"', "private, no-cache", "no-store"],
    ['private="X-Name"', "private, no-cache", "no-store"],
    ["private", "private", "no-store"],
    ["private, max-age=60", "private, max-age=60", "no-store"],
    ["no-store", "no-store", "no-store"],
    ["No-Store, private", "No-Store, private", "No-Store, private"],
  ];
  for (const [app, reading, sending] of merged) {
    const headers = new Headers(app === undefined ? {} : { "cache-control": app });
    for (const [expected, use] of [
      [reading, (session: Session) => session.get("x")],
      [sending, (session: Session) => session.set("x", 1)],
    ] as const) {
      const response = await site.visitor().send(async (at) => {
        use(await site.sessions.of(at));
        return new Response("x", { headers });
      });
      assert.equal(response.headers.get("cache-control"), expected, app);
    }
  }
  for (const [app, expected] of [
    ["", "Cookie"],
    ["cookie", "cookie"],
    ["Accept, COOKIE", "Accept, COOKIE"],
    ["Accept", "Accept, Cookie"],
    ["*", "*"],
    ["X-Cookie", "X-Cookie, Cookie"],
  ] as const) {
    const response = await site.visitor().send(async (at) => {
      await site.sessions.of(at);
      return new Response("x", { headers: { vary: app } });
    });
    assert.equal(response.headers.get("vary"), expected);
  }
});

testEverywhere(
  "[16] immutable headers, the app's own cookies and repeated writes all end in one line for each cookie",
  async (site) => {
    const visitor = site.visitor();
    const responses = [
      () => Response.redirect("https://site.example/next", 302),
      () => new Response(null, { status: 204 }),
      () => new Response(null, { status: 304 }),
      () =>
        new Response("x", {
          headers: [
            ["set-cookie", "app=1"],
            ["set-cookie", "other=2"],
          ],
        }),
      () => new Response(new ReadableStream({ start: (controller) => controller.close() })),
    ];
    for (const respond of responses) {
      const response = await visitor.send(async (at) => {
        const session = await site.sessions.of(at);
        session.set("x", 1);
        await session.login("leo");
        await session.rotate();
        session.flash("hello");
        session.permanent = true;
        const cookies = site.sessions.cookies(at);
        cookies.set("theme", "dark");
        cookies.set("theme", "light, and bright");
        return respond();
      });
      const names = response.headers.getSetCookie().map((line) => line.split("=")[0] ?? "");
      const own = names.filter((name) => name !== "app" && name !== "other");
      assert.deepEqual(own.toSorted(), ["__Host-Http-session", "theme"]);
      assert.equal(new Set(names).size, names.length);
      assert.equal(visitor.jar.get("theme")?.value, "light%2C%20and%20bright");
    }
  },
);

/** A page for each accessor, through a cache that all visitors share; each shows who the session says it is. */
async function crawl(site: Site, cache: SharedCache, subject: string): Promise<void> {
  const visitor = site.visitor();
  await visitor.login(subject);
  for (const [what, access] of Object.entries(accessors)) {
    const url = `${home}${encodeURIComponent(what)}`;
    const cookie = visitor.jar.header(home) ?? "";
    const response = await cache.fetch(new Request(url, { headers: { cookie } }), (request) =>
      site.send(request, async (at) => {
        const session = await site.sessions.of(at);
        const page = `for ${subject}`;
        if (what !== "login") await access(session);
        // What an app does to have its pages cached.
        return new Response(page, { headers: { "cache-control": "public, max-age=600" } });
      }),
    );
    assert.equal(await response.text(), `for ${subject}`, `${subject} was served another's page of ${what}`);
    for (const line of response.headers.getSetCookie()) {
      const ticket = line.split("=")[1]?.split(";")[0] ?? "";
      if (ticket !== "") visitor.jar.receive(line, home);
    }
    if (visitor.ticket === undefined || what === "logout") await visitor.login(subject);
  }
}

testEverywhere("[88] a shared cache serves nobody another visitor's page or cookie", async (site) => {
  const cache = new SharedCache();
  for (const subject of ["leo", "ada", "eve"]) await crawl(site, cache, subject);
  assert.equal(cache.hits, 0);
  // The cache works: a page without a session is shared.
  for (const subject of ["leo", "ada"]) {
    const headers = { "x-subject": subject };
    const page = () => new Response("same for all", { headers: { "cache-control": "public, max-age=600" } });
    await cache.fetch(new Request(`${home}public`, { headers }), (request) => site.send(request, page));
  }
  assert.equal(cache.hits, 1);
});
