// The programs of docs/oauth-and-iframes.md, with a provider and partners on other sites, and what its table says of cookies.

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { getRequestListener } from "@hono/node-server";
import { createSessions, generateSecret } from "coatcheck";
import type { SessionsOptions } from "coatcheck";
import { honoSessions } from "coatcheck/hono";
import { memoryStore } from "coatcheck/memory";
import { Hono } from "hono";
import type { BrowserContext, FrameLocator, Page } from "playwright-core";
import { examplesOf } from "../docs/blocks.ts";
import { freePort } from "../support/free-port.ts";
import { listen } from "../support/listen.ts";
import { startChromium } from "./chromium.ts";

const root = join(import.meta.dirname, "../..");
const guide = "docs/oauth-and-iframes.md";

interface Program {
  readonly app?: Hono;
  readonly embedded?: (request: Request) => Promise<Response>;
}

/** The program of the guide that contains a text, loaded with these settings. */
async function programWith(text: string, settings: Readonly<Record<string, string>>): Promise<Program> {
  const given = pathToFileURL(join(root, "test/docs/given.ts")).href;
  const example = examplesOf(guide, readFileSync(join(root, guide), "utf8"), given).find(({ code }) =>
    code.includes(text),
  );
  if (example === undefined) throw new Error(`no program of the guide contains ${text}`);
  const blocks = join(root, "test/docs/.blocks");
  mkdirSync(blocks, { recursive: true });
  const folder = mkdtempSync(join(blocks, "oauth-"));
  Object.assign(process.env, { SESSION_SECRET: generateSecret(), ...settings });
  try {
    const file = join(folder, "program.ts");
    writeFileSync(file, example.code);
    return (await import(pathToFileURL(file).href)) as Program;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function browser(t: TestContext, blocksThirdParty = false): Promise<BrowserContext | undefined> {
  const profile = mkdtempSync(join(tmpdir(), "coatcheck-profile-"));
  t.after(() => rmSync(profile, { recursive: true, force: true }));
  try {
    const context = await startChromium(profile, {});
    t.after(() => context.close());
    context.setDefaultTimeout(15_000);
    if (blocksThirdParty) await blockThirdPartyCookies(context);
    return context;
  } catch (error) {
    if (process.env["CI"]) throw error;
    t.skip(`Chromium does not start here: ${String(error).split("\n")[0]}`);
    return undefined;
  }
}

/** As a person does in the settings. */
async function blockThirdPartyCookies(context: BrowserContext): Promise<void> {
  const developer = await context.newCDPSession(await pageOf(context));
  await developer.send("Network.enable");
  await developer.send("Network.setCookieControls", { enableThirdPartyCookieRestriction: true });
}

const pageOf = async (context: BrowserContext): Promise<Page> => context.pages()[0] ?? context.newPage();
const textOf = (page: Page): Promise<string> => page.locator("body").innerText();

/** Serves an app; `here` and `elsewhere` are one site and another to the browser. */
async function serve(t: TestContext, fetch: Hono["fetch"], wanted?: number) {
  const listener = getRequestListener((request) => fetch(request));
  const server = createServer((request, response) => void listener(request, response));
  const port = await listen(t, server, wanted);
  return { here: `http://localhost:${port}`, elsewhere: `http://127.0.0.1:${port}` };
}

/** A provider that lets everybody in as Ana, and checks PKCE as RFC 7636 4.6 says. */
function provider(callback: () => string): Hono {
  const codes = new Map<string, string>();
  const app = new Hono();
  app.get("/authorize", (c) => {
    const { response_mode: mode, state = "", code_challenge: challenge = "" } = c.req.query();
    if (mode === "form_post") {
      return c.html(
        `<form method="post" action="${callback()}"><input name="state" value="${state}"><input name="sub" value="ana"><button>Go on</button></form>`,
      );
    }
    const code = randomUUID();
    codes.set(code, challenge);
    return c.html(`<a href="${callback()}?code=${code}&state=${state}">Go on</a>`);
  });
  app.post("/token", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const code = form.get("code") ?? "";
    const challenge = codes.get(code);
    codes.delete(code);
    const verifier = form.get("code_verifier") ?? "";
    if (challenge !== createHash("sha256").update(verifier).digest("base64url"))
      return c.json({ error: "invalid_grant" }, 400);
    return c.json({ sub: "ana" });
  });
  return app;
}

/** The guide's program that contains `text`, a provider on another site, and a page where a visitor begins to sign in. */
async function signingIn(t: TestContext, text: string) {
  const port = await freePort();
  const other = await serve(t, provider(() => `http://localhost:${port}/callback`).fetch);
  const settings = { PROVIDER: other.elsewhere, ORIGIN: `http://localhost:${port}` };
  const { app } = await programWith(text, settings);
  assert.ok(app);
  const { here } = await serve(t, app.fetch, port);
  const context = await browser(t);
  if (context === undefined) return undefined;
  const page = await pageOf(context);
  await page.goto(`${here}/sign-in`);
  return { here, other, context, page };
}

describe("OAuth", () => {
  test("the guide's program logs in with a GET callback and PKCE; a link to the callback alone does not", async (t) => {
    const begun = await signingIn(t, "code_challenge_method");
    if (begun === undefined) return;
    const { here, context, page } = begun;
    await page.getByRole("link").click();
    await page.waitForURL(`${here}/`);
    assert.equal(await textOf(page), "Hello, ana!");

    await context.clearCookies();
    const forged = await page.goto(`${here}/callback?code=any&state=made-up`);
    assert.equal(forged?.status(), 400);
    // An address that somebody else's sign-in has led to, with and without one of this browser's own.
    await page.goto(`${here}/sign-in`);
    const address = (await page.getByRole("link").getAttribute("href")) ?? "";
    for (const begin of [true, false]) {
      await context.clearCookies();
      if (begin) await page.goto(`${here}/sign-in`);
      await page.goto(address);
      assert.equal(await textOf(page), "Not begun here.");
    }
  });

  test("the guide's program logs in with form_post; a form with another state does not", async (t) => {
    const begun = await signingIn(t, "response_mode=form_post");
    if (begun === undefined) return;
    const { here, other, context, page } = begun;
    await page.getByRole("button").click();
    await page.waitForURL(`${here}/`);
    assert.equal(await textOf(page), "Hello, ana!");

    for (const begin of [true, false]) {
      await context.clearCookies();
      if (begin) await page.goto(`${here}/sign-in`);
      await page.goto(`${other.elsewhere}/authorize?response_mode=form_post&state=made-up`);
      await page.getByRole("button").click();
      await page.waitForURL(`${here}/callback`);
      assert.equal(await textOf(page), "Not begun here.");
      await page.goto(`${here}/`);
      assert.equal(await textOf(page), "Hello, stranger!");
    }
  });

  test("a redirect after a form_post brings the session back", async (t) => {
    const sessions = createSessions({
      secret: generateSecret(),
      store: memoryStore(),
      crossOrigin: { exemptPaths: ["/callback"] },
    });
    const app = new Hono().use(honoSessions(sessions));
    const seen: unknown[] = [];
    app.get("/begin", async (c) => {
      (await sessions.of(c)).set("cart", "hat");
      return c.text("begun");
    });
    app.get("/provider", (c) =>
      c.html(
        `<form method="post" action="http://localhost:${new URL(c.req.url).port}/callback"><button>Go on</button></form>`,
      ),
    );
    app.post("/callback", async (c) => {
      seen.push((await sessions.of(c)).get("cart"));
      return c.redirect("/cart", 303);
    });
    app.get("/cart", async (c) => c.text(String((await sessions.of(c)).get("cart"))));
    const { here, elsewhere } = await serve(t, app.fetch);
    const context = await browser(t);
    if (context === undefined) return;
    const page = await pageOf(context);
    await page.goto(`${here}/begin`);
    await page.goto(`${elsewhere}/provider`);
    await page.getByRole("button").click();
    await page.waitForURL(`${here}/cart`);
    assert.equal(await textOf(page), "hat");
    assert.deepEqual(seen, [undefined]);
  });
});

/** A site that says who is logged in, by a link, by a form and in an iframe, with a page of another site around it. */
function whoSite(cookie: NonNullable<SessionsOptions["cookie"]>): Hono {
  const sessions = createSessions({
    secret: generateSecret(),
    store: memoryStore(),
    cookie,
    crossOrigin: false,
  });
  const app = new Hono().use(honoSessions(sessions));
  app.get("/login", async (c) => {
    await (await sessions.of(c)).login("ana");
    return c.text("logged in");
  });
  app.get("/outside", (c) => {
    const site = `http://localhost:${new URL(c.req.url).port}`;
    return c.html(
      `<a href="${site}/who">link</a><form method="post" action="${site}/who"><button>form</button></form><iframe src="${site}/who"></iframe>`,
    );
  });
  app.on(["GET", "POST"], "/who", async (c) =>
    c.html(`<p>${(await sessions.of(c)).subject ?? "nobody"}</p>`),
  );
  return app;
}

describe("what the guide's table says of cookies from another site", () => {
  const rows: {
    name: string;
    cookie: NonNullable<SessionsOptions["cookie"]>;
    blocks?: boolean;
    found: string[];
  }[] = [
    { name: "strict", cookie: { sameSite: "strict" }, found: ["nobody", "nobody", "nobody"] },
    { name: "lax", cookie: { sameSite: "lax" }, found: ["ana", "nobody", "nobody"] },
    { name: "none", cookie: { sameSite: "none" }, found: ["ana", "ana", "ana"] },
    {
      name: "none, third-party cookies blocked",
      cookie: { sameSite: "none" },
      blocks: true,
      found: ["ana", "ana", "nobody"],
    },
  ];
  for (const { name, cookie, blocks, found } of rows) {
    test(name, async (t) => {
      const { here, elsewhere } = await serve(t, whoSite(cookie).fetch);
      const context = await browser(t, blocks);
      if (context === undefined) return;
      const page = await pageOf(context);
      await page.goto(`${here}/login`);
      const seen: string[] = [];
      for (const role of ["link", "button"] as const) {
        await page.goto(`${elsewhere}/outside`);
        await page.getByRole(role).click();
        await page.waitForURL(`${here}/who`);
        seen.push(await textOf(page));
      }
      await page.goto(`${elsewhere}/outside`);
      seen.push(await page.frameLocator("iframe").locator("p").innerText());
      assert.deepEqual(seen, found);
    });
  }
});

describe("iframes", () => {
  test("the guide's program keeps a login for each site that embeds it, with third-party cookies blocked", async (t) => {
    const port = await freePort();
    const outside = new Hono().get("/", (c) => c.html(`<iframe src="http://localhost:${port}/"></iframe>`));
    const partner = await serve(t, outside.fetch);
    const another = partner.elsewhere.replace("127.0.0.1", "another.localhost");
    const stranger = partner.elsewhere.replace("127.0.0.1", "stranger.localhost");
    const { embedded } = await programWith("partitioned: true", {
      PARTNER: `${partner.elsewhere} ${another}`,
    });
    assert.ok(embedded);
    const { here } = await serve(t, embedded, port);
    const context = await browser(t, true);
    if (context === undefined) return;
    const page = await pageOf(context);
    const frame: FrameLocator = page.frameLocator("iframe");
    const shown = async (site: string): Promise<string> => {
      await page.goto(site);
      return frame.locator("p").innerText();
    };
    assert.equal(await shown(partner.elsewhere), "Hello, stranger!");
    await frame.getByRole("button").click();
    await frame.getByText("Hello, 42!").waitFor();
    assert.equal(await shown(partner.elsewhere), "Hello, 42!");
    assert.equal(await shown(another), "Hello, stranger!");
    await page.goto(here);
    assert.equal(await page.locator("p").innerText(), "Hello, stranger!");
    // frame-ancestors: the browser shows an error instead.
    await page.goto(stranger);
    assert.equal(await frame.locator("p", { hasText: "Hello" }).count(), 0);
  });
});
