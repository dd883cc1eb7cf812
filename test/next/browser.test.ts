// The Next.js example: a real build, served on loopback, used with Chromium with scripts on and off, and
// with plain requests. Next.js is large, so `npm run next` installs it; in CI it has to be here.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import { CookieJar } from "coatcheck/testing";
import type { BrowserContext, Page } from "playwright-core";
import { startChromium } from "../browser/chromium.ts";
import { missing, startSite } from "./site.ts";
import type { NextSite } from "./site.ts";

// A suite that is skipped is not counted, a test is.
test("the Next.js example is installed", { skip: missing }, () => {});

describe("coatcheck/next", { skip: missing }, () => {
  let site: NextSite;

  before(async () => {
    site = await startSite();
  });

  after(async () => site.close());

  /** A browser of its own, on the site, that is gone when the test ends. */
  async function browser(t: TestContext, javaScriptEnabled = true): Promise<BrowserContext> {
    const profile = mkdtempSync(join(tmpdir(), "coatcheck-profile-"));
    const context = await startChromium(profile, { baseURL: site.url, javaScriptEnabled });
    t.after(async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    });
    context.setDefaultTimeout(15_000);
    return context;
  }

  async function visit(jar: CookieJar, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (jar.header !== undefined) headers.set("cookie", jar.header);
    const response = await fetch(site.url + path, { redirect: "manual", ...init, headers });
    jar.take(response);
    return response;
  }

  for (const scripts of [true, false]) {
    const how = scripts ? "with scripts" : "without scripts";

    test(`logs in through a redirect, greets, shows the message once, logs out (${how})`, async (t) => {
      const context = await browser(t, scripts);
      const page = await context.newPage();
      await page.goto("/user");
      assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, "/login?return=%2Fuser");
      assert.deepEqual(await context.cookies(), [], "a closed door leaves no cookie");

      await logIn(page, "wrong");
      await page.locator("main").getByText("is not right").waitFor();
      await logIn(page, "1234");
      await page.waitForURL("**/user");
      await page.locator("main").getByText("Hello, ana!").waitFor();
      assert.deepEqual(await messages(page), ["Welcome, ana!"]);
      assert.equal(await page.locator("#subject").innerText(), "ana");
      const [cookie, ...others] = (await context.cookies()).filter(({ name }) => name.startsWith("__Host-"));
      assert.deepEqual(others, []);
      assert.match(cookie?.value ?? "", /^[\w-]{22}\.[\w-]{43}\.[\w-]{22}$/);
      assert.deepEqual(
        [cookie?.httpOnly, cookie?.secure, cookie?.sameSite, cookie?.expires],
        [true, true, "Lax", -1],
      );
      await page.reload();
      assert.deepEqual(await messages(page), []);

      await page.getByRole("button", { name: "Log out" }).click();
      await page.locator("main").getByText("Goodbye!").waitFor();
      assert.equal(await page.locator("#subject").innerText(), "nobody");
      await page.goto("/user");
      assert.equal(new URL(page.url()).pathname, "/login");
      const replay = await fetch(`${site.url}/user`, {
        redirect: "manual",
        headers: { cookie: `${cookie?.name}=${cookie?.value}` },
      });
      assert.equal(replay.status, 307);
      assert.match(replay.headers.get("location") ?? "", /^\/login/);
      assert.deepEqual(replay.headers.getSetCookie(), []);
    });

    test(`an action that does not redirect shows its page as it left the session (${how})`, async (t) => {
      const page = await (await browser(t, scripts)).newPage();
      await page.goto("/");
      await page.getByRole("button", { name: "Click" }).click();
      await page.locator("main").getByText("That was click 1.").waitFor();
      assert.equal(await page.locator("#clicks").innerText(), "1");
      // Not a reload, which without scripts would send the form again.
      await page.goto("/");
      assert.deepEqual(await messages(page), []);
      assert.equal(await page.locator("#clicks").innerText(), "1");
    });

    test(`an action keeps its data when it says notFound, not when it throws (${how})`, async (t) => {
      const page = await (await browser(t, scripts)).newPage();
      for (const end of ["well", "not found", "error"]) {
        await page.goto("/");
        await page.getByLabel("Note").fill(`ended ${end}`);
        await page.getByLabel("End").selectOption(end);
        const answer = page.waitForResponse((response) => response.request().method() === "POST");
        await page.getByRole("button", { name: "Add" }).click();
        assert.equal((await answer).status(), { well: 200, "not found": 404, error: 500 }[end]);
      }
      await page.goto("/");
      assert.deepEqual(await page.locator("#notes li").allInnerTexts(), ["ended well", "ended not found"]);
    });

    test(`a login stands when its action throws afterwards; its data does not (${how})`, async (t) => {
      const page = await (await browser(t, scripts)).newPage();
      await page.goto("/");
      const answer = page.waitForResponse((response) => response.request().method() === "POST");
      await page.getByRole("button", { name: "Log in and fail" }).click();
      assert.equal((await answer).status(), 500);
      await page.goto("/user");
      assert.equal(await page.locator("#subject").innerText(), "ana");
      assert.equal(await page.locator("h1").innerText(), "Hello, !");
    });
  }

  test("two tabs: both clicks count, one shows the message, a logout in one logs out both", async (t) => {
    const context = await browser(t);
    const [one, other] = [await context.newPage(), await context.newPage()];
    await one.goto("/login");
    await logIn(one, "1234");
    await one.waitForURL("**/user");
    await Promise.all([one.goto("/"), other.goto("/")]);
    await Promise.all([one, other].map((page) => page.getByRole("button", { name: "Click" }).click()));
    const isShown = "document.querySelector('#clicks').textContent !== '0'";
    await Promise.all([one, other].map((page) => page.waitForFunction(isShown, undefined, { polling: 100 })));
    // Messages are the session's: either tab may show either, and no tab shows one again.
    const shown = [...(await messages(one)), ...(await messages(other))];
    assert.deepEqual(shown.toSorted(), ["That was click 1.", "That was click 2."]);
    await one.goto("/");
    assert.equal(await one.locator("#clicks").innerText(), "2");
    await one.getByRole("button", { name: "Log out" }).click();
    await one.locator("main").getByText("Goodbye!").waitFor();
    await other.goto("/user");
    assert.equal(new URL(other.url()).pathname, "/login");
  });

  test("a link's prefetch takes no message from the visitor", async (t) => {
    const context = await browser(t);
    const page = await context.newPage();
    await page.goto("/login");
    await page.evaluate('fetch("/leave", { method: "POST" })');
    // Shows no messages, but links to pages that do.
    await page.goto("/inside");
    await page.locator("main").getByText("Inside, ana").waitFor();
    await page.waitForLoadState("networkidle");
    await page.getByRole("link", { name: "Your page" }).hover();
    await page.waitForLoadState("networkidle");
    await page.getByRole("link", { name: "Your page" }).click();
    await page.locator("main").getByText("You came in by another door.").waitFor();
    await page.goto("/");
    assert.deepEqual(await messages(page), []);
  });

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
      const page = await (await fetch(site.url, { headers: { cookie } })).text();
      assert.equal(/id="subject">([^<]*)</.exec(page)?.[1], subject, cookie);
    }
  });

  test("the proxy sends strangers to the login and lets others in", async () => {
    const jar = new CookieJar();
    const page = { headers: { accept: "text/html" } };
    const stranger = await visit(jar, "/inside", page);
    assert.equal(stranger.status, 303);
    const { pathname, search } = new URL(stranger.headers.get("location") ?? "", site.url);
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
});

async function logIn(page: Page, password: string): Promise<void> {
  await page.getByLabel("Name").fill("ana");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

async function messages(page: Page): Promise<string[]> {
  return page.locator("#messages li").allInnerTexts();
}
