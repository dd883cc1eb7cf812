// The pages and states that no scenario stops at: each is looked at, wide and narrow, light and dark.

import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { browserTest, logIn, messages, picture } from "./browser.ts";

browserTest("the pages of somebody who has just come", async ({ page }) => {
  await page.goto("/");
  await picture(page, "40-home-nobody");
  await page.goto("/lessons/flask");
  await page.locator(".strip > summary").click();
  await picture(page, "40-flask");
  await page.goto("/inside/disk");
  assert.match(await page.locator("#nothing").innerText(), /Nothing lies there for you/);
  await picture(page, "40-disk-nothing");
  await page.goto("/races/counter?pace=steps&step=2");
  await picture(page, "40-race-step");
  await page.goto("/cookies_get");
  await picture(page, "40-cookies-none");
});

browserTest(
  "the strip shows what ran, for the form and for the page, and folds what may run",
  async ({ page }) => {
    await page.goto("/counter");
    await page.locator(".strip > summary").click();
    const form = page.getByRole("region", { name: "POST /counter" });
    assert.equal(await form.isVisible(), false, "no form was sent yet");
    await page.getByText("POST /counter", { exact: true }).click();
    assert.match(await form.innerText(), /session\.update/);
    await page.getByRole("button", { name: "Add one" }).click();
    await page.locator(".strip > summary").click();
    assert.ok(await form.isVisible());
    assert.match(await page.locator(".strip").innerText(), /The form before it/);
    await picture(page, "41-strip-after-form");
  },
);

browserTest("a form that asks before it logs out, and one that is too large", async ({ page, site }) => {
  await logIn(page);
  await page.goto("/logout");
  await picture(page, "42-logout");
  await page.route("**/form-of-the-test", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${site.url}/user"><input name="note" value="${"x".repeat(20_000)}" /><button>Send</button></form>`,
    }),
  );
  await page.goto("/form-of-the-test");
  await page.getByRole("button", { name: "Send" }).click();
  assert.match(await page.locator("main").innerText(), /Too much at once/);
  await picture(page, "42-too-large");
});

browserTest("too many failed logins say when to try again", async ({ page }) => {
  for (let count = 0; count < 30 && !(await messages(page)).join().includes("Too many"); count += 1) {
    await logIn(page, { password: `${count}` });
  }
  assert.match((await messages(page)).join(), /^Too many failed logins\. Please try again in/);
  await picture(page, "43-too-many");
});

browserTest(
  "over plain http from another machine, every page says that logging in will not work",
  async ({ page, site }) => {
    for (const path of ["/", "/break", "/races/counter", "/nowhere"]) {
      const asked = request(`${site.url}${path}`, { headers: { Host: "192.168.1.20:3000" } }).end();
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      const body = await text(response);
      const name = `**/as-seen-from-elsewhere${path}`;
      await page.route(name, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body }));
      await page.goto(`/as-seen-from-elsewhere${path}`);
      assert.match(await page.locator("#notice").innerText(), /over plain http.*192\.168\.1\.20:3000/, path);
      if (path === "/break") await picture(page, "44-plain-http");
    }
  },
);

browserTest("a long name, from right to left, fits everywhere", async ({ page }) => {
  const name = "نرگس".repeat(7);
  await page.goto("/signup");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Create my account" }).click();
  await picture(page, "45-long-name");
  for (const path of ["/", "/break", "/account", "/two-browsers"]) {
    await page.goto(path);
    await page.setViewportSize({ width: 360, height: 740 });
    assert.ok((await page.evaluate<number>("document.documentElement.scrollWidth")) <= 360, path);
  }
});
