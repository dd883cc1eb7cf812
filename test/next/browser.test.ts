// The Next.js example: a real build, served on loopback, used with Chromium with scripts on and off, and
// with plain requests in every runtime that runs `next start`. Next.js is large, so `npm run frameworks -- next` installs it;
// in CI it has to be here.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { TestContext } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { startChromium } from "../browser/chromium.ts";
import { programOf, runtimes } from "../runtimes/runtimes.ts";
import { contractTests } from "./contract.ts";
import { requestTests } from "./requests.ts";
import { nextRuntimes } from "./runtimes.ts";
import type { RunningSite } from "../frameworks/example.ts";
import { contractRoute, next } from "./site.ts";

// A suite that is skipped is not counted, a test is.
test("the Next.js example is installed", { skip: next.missing }, () => {});

describe("coatcheck/next", { skip: next.missing }, () => {
  let site: RunningSite;

  before(async () => {
    await next.build(contractRoute);
    site = await next.start();
  });

  after(async () => site.close());

  requestTests(() => site);
  contractTests();

  for (const { name, flags } of nextRuntimes) {
    const runtime = runtimes.find((one) => one.name === name);
    const program = runtime === undefined ? undefined : programOf(runtime);
    const skip = program === undefined && `${name} is not installed here: \`npm run runtimes\` installs it`;
    assert.ok(skip === false || !process.env["CI"], String(skip));

    describe(`the built site in ${name}`, { skip }, () => {
      let served: RunningSite;

      before(async () => {
        served = await next.start([program ?? "", ...flags]);
      });

      after(async () => served.close());

      requestTests(() => served);
    });
  }

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
});

async function logIn(page: Page, password: string): Promise<void> {
  await page.getByLabel("Name").fill("ana");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

async function messages(page: Page): Promise<string[]> {
  return page.locator("#messages li").allInnerTexts();
}
