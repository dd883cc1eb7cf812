// What a real browser does with what this package relies on: which cookies it takes and sends, what it says of
// where a request comes from, and how it fetches pages ahead.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { memoryStore } from "coatcheck/memory";
import { nodeSessions } from "coatcheck/node";
import type { BrowserContext, Page } from "playwright-core";
import { startChromium } from "./chromium.ts";

type Route = (request: IncomingMessage, sessions: Sessions) => Promise<string> | string;

interface Place {
  readonly page: Page;
  readonly context: BrowserContext;
  /** The site, and the same server under a name that is another site to the browser. */
  readonly here: string;
  readonly elsewhere: string;
  /** Resolves when a request for this path that was fetched ahead has been answered. */
  fetchedAhead(path: string): Promise<void>;
  /** The paths that were asked for, in order, with what each was for. */
  readonly asked: readonly string[];
}

function platformTest(
  name: string,
  routes: Readonly<Record<string, Route>>,
  run: (place: Place) => Promise<void>,
): void {
  test(name, async (t) => {
    const sessions = createSessions({
      secret: generateSecret(),
      store: memoryStore(),
      crossOrigin: { exemptPaths: ["/callback"] },
    });
    const asked: string[] = [];
    const server = createServer(
      nodeSessions(sessions, async (request: IncomingMessage, response: ServerResponse) => {
        const path = request.url?.split("?")[0] ?? "";
        const route = routes[path];
        if (path === "/favicon.ico" || route === undefined) {
          response.writeHead(404).end();
          return;
        }
        const body = await route(request, sessions);
        const purpose = request.headers["sec-purpose"] ?? request.headers["purpose"];
        response.setHeader("content-type", "text/html; charset=utf-8");
        response.end(`<!doctype html><title>${path}</title><body>${body}`);
        asked.push(purpose === undefined ? path : `${path} (${String(purpose)})`);
        server.emit("asked");
      }),
    ).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const context = await start(t);
    if (context === undefined) return;
    await run({
      page: context.pages()[0] ?? (await context.newPage()),
      context,
      here: `http://localhost:${port}`,
      elsewhere: `http://127.0.0.1:${port}`,
      asked,
      async fetchedAhead(path) {
        while (!asked.some((line) => line.startsWith(`${path} (`)))
          await once(server, "asked", { signal: AbortSignal.timeout(15_000) });
      },
    });
  });
}

async function start(t: TestContext): Promise<BrowserContext | undefined> {
  const profile = mkdtempSync(join(tmpdir(), "coatcheck-profile-"));
  t.after(() => rmSync(profile, { recursive: true, force: true }));
  let context: BrowserContext;
  try {
    context = await startChromium(profile, {});
  } catch (error) {
    if (process.env["CI"]) throw error;
    t.skip(`Chromium does not start here: ${String(error).split("\n")[0]}`);
    return undefined;
  }
  t.after(() => context.close());
  context.setDefaultTimeout(15_000);
  return context;
}

platformTest(
  "a script can't plant the session cookie, nor put another in its place; a response can set it on localhost",
  {
    "/": () => "",
    "/login": async (request, sessions) => {
      await (await sessions.of(request)).login("leo");
      return "";
    },
    "/who": async (request, sessions) => (await sessions.of(request)).subject ?? "nobody",
  },
  async ({ page, context, here }) => {
    const plant = `(async () => {
      document.cookie = "__Host-Http-session=planted; Path=/; Secure";
      document.cookie = "__Host-planted=1; Path=/; Secure";
      try {
        await cookieStore.set({ name: "__Host-Http-session", value: "planted", path: "/" });
        return "taken";
      } catch (error) {
        return error.name;
      }
    })()`;
    const names = async (): Promise<string[]> => (await context.cookies()).map(({ name }) => name).toSorted();
    await page.goto(`${here}/`);
    assert.equal(await page.evaluate(plant), "TypeError");
    // The control: a script may plant a name that is only __Host-.
    assert.deepEqual(await names(), ["__Host-planted"]);

    await page.goto(`${here}/login`);
    const ticket = (await context.cookies()).find(({ name }) => name === "__Host-Http-session");
    assert.ok(ticket?.httpOnly);
    assert.equal(await page.evaluate(plant), "TypeError");
    assert.deepEqual(
      (await context.cookies()).find(({ name }) => name === "__Host-Http-session")?.value,
      ticket.value,
    );
    await page.goto(`${here}/who`);
    assert.equal(await page.locator("body").innerText(), "leo");
  },
);

const formTo = (url: string): string =>
  `<form method="post" action="${url}"><input name="code" value="7"><button>Go on</button></form>`;

platformTest(
  "a form_post from another site: one path is open, SameSite=None cookies come along, the session does not",
  {
    "/begin": async (request, sessions) => {
      (await sessions.of(request)).set("cart", ["apple"]);
      sessions.cookies(request).sealed.set("sign-in", "state", {
        sameSite: "none",
        path: "/callback",
        maxAge: { minutes: 10 },
      });
      return "begun";
    },
    "/provider": (request) =>
      formTo(`http://${String(request.headers.host).replace("127.0.0.1", "localhost")}/callback`),
    "/other": (request) =>
      formTo(`http://${String(request.headers.host).replace("127.0.0.1", "localhost")}/who`),
    "/callback": async (request, sessions) => {
      const session = await sessions.of(request);
      const state = sessions.cookies(request).sealed.get("sign-in");
      const found = `${request.method} ${state} ${JSON.stringify(session.get("cart"))}`;
      await session.login("leo");
      return found;
    },
    "/who": async (request, sessions) => (await sessions.of(request)).subject ?? "nobody",
  },
  async ({ page, here, elsewhere }) => {
    await page.goto(`${here}/begin`);
    await page.goto(`${elsewhere}/provider`);
    await page.getByRole("button").click();
    await page.waitForURL(`${here}/callback`);
    assert.equal(await page.locator("body").innerText(), "POST state undefined");
    await page.goto(`${here}/who`);
    assert.equal(await page.locator("body").innerText(), "leo");

    await page.goto(`${elsewhere}/other`);
    const [response] = await Promise.all([
      page.waitForResponse((one) => one.url() === `${here}/who`),
      page.getByRole("button").click(),
    ]);
    assert.equal(response.status(), 403);
  },
);

platformTest(
  "cookies that a script set under odd names, in UTF-8, are read as text, and removed where the name is ASCII",
  {
    "/": () => "",
    "/read": (request, sessions) => {
      const cookies = sessions.cookies(request);
      return ["cart[x]", "user:id", "größe", "a b"].map((name) => cookies.get(name)).join("|");
    },
    "/remove": (request, sessions) => {
      const cookies = sessions.cookies(request);
      for (const name of ["cart[x]", "user:id", "a b"]) cookies.delete(name);
      return "";
    },
  },
  async ({ page, here }) => {
    await page.goto(`${here}/`);
    await page.evaluate(
      `for (const pair of ["cart[x]=1", "user:id=ü €", "größe=\\"42\\"", "a b=c d"]) document.cookie = pair + "; Path=/"`,
    );
    await page.goto(`${here}/read`);
    assert.equal(await page.locator("body").innerText(), '1|ü €|"42"|c d');
    await page.goto(`${here}/remove`);
    assert.equal(await page.evaluate("document.cookie"), 'größe="42"');
  },
);

const aheadRoutes: Readonly<Record<string, Route>> = {
  "/": async (request, sessions) => {
    (await sessions.of(request)).flash("hello");
    return '<a href="/next">Next</a>';
  },
  "/next": shown,
  "/after": shown,
};

async function shown(request: IncomingMessage, sessions: Sessions): Promise<string> {
  const messages = await (await sessions.of(request)).takeFlashes();
  return `[${messages.map(({ message }) => message).join()}]`;
}

for (const [what, ahead] of Object.entries({
  "a speculation rule's prefetch": `{ prefetch: [{ urls: ["/next"], eagerness: "immediate" }] }`,
  "a speculation rule's prerender": `{ prerender: [{ urls: ["/next"], eagerness: "immediate" }] }`,
})) {
  platformTest(
    `${what} uses no message up; it is shown on a page that is asked for`,
    aheadRoutes,
    async (place) => {
      const { page, here, asked } = place;
      await page.goto(`${here}/`);
      await page.evaluate(`{
      const rules = document.createElement("script");
      rules.type = "speculationrules";
      rules.textContent = JSON.stringify(${ahead});
      document.head.append(rules);
    }`);
      await place.fetchedAhead("/next");
      await page.getByRole("link").click();
      await page.waitForURL(`${here}/next`);
      const first = await page.locator("body").innerText();
      await page.goto(`${here}/after`);
      const second = await page.locator("body").innerText();
      // The page that was fetched ahead is shown as it is, or asked for again; either way the message is shown once.
      assert.deepEqual([first, second].toSorted(), ["[]", "[hello]"], asked.join(", "));
      if (asked.filter((path) => path.startsWith("/next")).length === 1) assert.equal(second, "[hello]");
    },
  );
}

platformTest("a link's prefetch uses no message up", aheadRoutes, async (place) => {
  const { page, here } = place;
  await page.goto(`${here}/`);
  await page.evaluate(`{
    const link = document.createElement("link");
    link.rel = "prefetch";
    link.href = "/next";
    document.head.append(link);
  }`);
  await place.fetchedAhead("/next");
  await page.getByRole("link").click();
  await page.waitForURL(`${here}/next`);
  const first = await page.locator("body").innerText();
  await page.goto(`${here}/after`);
  assert.deepEqual([first, await page.locator("body").innerText()].toSorted(), ["[]", "[hello]"]);
});
