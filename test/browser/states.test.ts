import assert from "node:assert/strict";
import { memoryStore } from "coatcheck/memory";
import { probeStore } from "coatcheck/testing";
import type { Page } from "playwright-core";
import { browserTest, logIn, messages, pathOf, picture, signUp, wayOf } from "./browser.ts";
import { broken, untouched } from "../support/store-calls.ts";

const header = (page: Page): Promise<string> => page.getByRole("navigation", { name: "Account" }).innerText();

browserTest(
  "a form that was opened as eve does not change leo's account, and her text is kept for whoever wants it",
  async ({ page, browser }) => {
    await signUp(page, "eve");
    await page.getByLabel("Your note").fill("Eve's own secret");
    const other = await browser.tab();
    await other.goto("/user");
    await other.getByRole("banner").getByRole("button", { name: "Log out" }).click();
    await logIn(other);

    await page.getByRole("button", { name: "Save" }).click();
    assert.match(await page.locator("#notice").innerText(), /made for eve, and now leo is logged in\./);
    assert.match(await header(page), /leo/);
    assert.equal(await page.getByLabel("Your note").inputValue(), "Eve's own secret");
    await picture(page, "17-not-saved");
    await other.reload();
    assert.equal(await other.getByLabel("Your note").inputValue(), "Buy milk. Return the umbrella.");

    await page.getByRole("button", { name: "Save" }).click();
    assert.match((await messages(page)).join(), /^Saved/, "leo sent it himself now");
    assert.equal(await page.getByLabel("Your note").inputValue(), "Eve's own secret");
  },
);

browserTest("nor do the forms for the password and the devices", async ({ page, browser, another }) => {
  await signUp(page, "eve");
  await page.goto("/password");
  const devices = await browser.tab();
  await (await another()).page.goto("/").then(() => undefined);
  await devices.goto("/devices");
  const other = await browser.tab();
  await other.goto("/logout");
  await other.getByRole("main").getByRole("button", { name: "Log out" }).click();
  await logIn(other);

  await page.getByLabel("Current password").fill("1234");
  await page.getByLabel("New password").fill("a brand new horse");
  await page.getByRole("button", { name: "Change the password" }).click();
  assert.match(await page.locator("#notice").innerText(), /made for eve, and now leo/);
  assert.equal(await page.getByLabel("New password").inputValue(), "");
  await picture(page, "17-password-not-changed");

  await devices.getByRole("button", { name: "Log out here" }).click();
  assert.match(await devices.locator("#notice").innerText(), /made for eve, and now leo/);
  await picture(devices, "17-devices-not-changed");
  await other.goto("/user");
  assert.match(await header(other), /leo/, "leo is still logged in, with the password he had");
});

browserTest(
  "a note that comes after the session has ended is back in the form after the login, even a failed one",
  async ({ page, site }) => {
    await logIn(page);
    const story = "A long story, ".repeat(35);
    await page.getByLabel("Your note").fill(story);
    await page.getByLabel("rose").check();
    site.later({ hours: 2 });
    await page.getByRole("button", { name: "Save" }).click();
    assert.equal(wayOf(page), "/login");
    assert.match((await messages(page)).join(), /Your note is not lost/);
    assert.match(await header(page), /Log in/);
    await picture(page, "17-logged-out");
    await logIn(page, { password: "12345" });
    await logIn(page);
    assert.equal(pathOf(page), "/user");
    assert.match(await page.locator("#notice").innerText(), /not saved yet/);
    assert.equal(await page.getByLabel("Your note").inputValue(), story);
    assert.equal(await page.getByLabel("rose").isChecked(), true);
    await picture(page, "17-note-is-back");
    await page.getByRole("button", { name: "Save" }).click();
    assert.match((await messages(page)).join(), /^Saved/);
    assert.equal(await page.locator("#notice").count(), 0);
    assert.equal(await page.getByLabel("Your note").inputValue(), story);
  },
);

browserTest("an emptied session still says who is logged in", async ({ page }) => {
  await logIn(page);
  await page.goto("/session_delete");
  await page.getByRole("button", { name: "Clear everything" }).click();
  assert.match(await header(page), /leo/);
  await picture(page, "19-cleared");
  await page.getByRole("banner").getByRole("button", { name: "Log out" }).click();
  assert.deepEqual(await messages(page), ["Goodbye, leo! You are logged out."]);
});

browserTest("a browser that keeps no cookies is told what became of a login", async ({ page, browser }) => {
  await browser.blockCookies();
  await logIn(page, { password: "12345" });
  assert.deepEqual(await messages(page), ["Login failed: the name or the password is not right."]);
  await page.reload();
  assert.deepEqual(await messages(page), []);
  await logIn(page);
  assert.equal(pathOf(page), "/login?cookies=missing");
  assert.match(await page.locator("#notice").innerText(), /did not keep the session's cookie/);
  await page.goto("/session_set");
  await page.getByRole("button", { name: "Store both" }).click();
  assert.match(await page.locator("#notice").innerText(), /Nothing was kept: your browser did not keep/);
  await picture(page, "19-cookies-blocked");
  // Every page says so from now on, though nothing is kept anywhere.
  for (const link of ["Messages", "Cookies", "Coatcheck"]) {
    await page.getByRole("banner").getByRole("link", { name: link }).click();
    assert.match(await page.locator("#notice").innerText(), /your browser did not keep/, link);
  }
});

browserTest("the address of a page that a form leads to has nothing odd in it", async ({ page }) => {
  await page.goto("/session_set");
  await page.getByRole("button", { name: "Store both" }).click();
  assert.equal(pathOf(page), "/session_get");
  assert.equal((await messages(page)).length, 1);
});

const probe = probeStore(memoryStore());
browserTest(
  "while the store is down, a page claims neither that somebody is logged in nor that nobody is",
  async ({ page }) => {
    await logIn(page);
    probe.around = broken;
    const answer = await page.goto("/inside");
    assert.equal(answer?.status(), 503);
    assert.deepEqual((await header(page)).trim().split(/\s*\n\s*/), ["Docs", "Your page"]);
    await picture(page, "19-store-down");
    probe.around = untouched;
    await page.getByRole("link", { name: "Try again" }).click();
    assert.equal(wayOf(page), "/inside");
    assert.match(await header(page), /leo/);
  },
  { store: probe.store },
);

browserTest("pages for what cannot be done say so", async ({ page, site }) => {
  await logIn(page);
  for (const [name, path, text] of [
    ["19-wrong-method", "/inside", /does not take POST/],
    ["19-refused", "/logout", /page of another site/],
  ] as const) {
    // A page of this test's own, sandboxed: its form comes from nowhere.
    const sandbox = name === "19-refused" ? "Content-Security-Policy" : "X-Nothing";
    await page.route("**/form-of-the-test", (route) =>
      route.fulfill({
        contentType: "text/html",
        headers: { [sandbox]: "sandbox allow-forms allow-top-navigation" },
        body: `<form method="post" action="${site.url}${path}"><button>Send</button></form>`,
      }),
    );
    await page.goto("/form-of-the-test");
    await page.getByRole("button", { name: "Send" }).click();
    assert.match(await page.locator("main").innerText(), text);
    await picture(page, name);
    await page.unroute("**/form-of-the-test");
  }
  await page.goto("/static/nope.css");
  assert.match(await page.locator("main").innerText(), /No such file/);
  await picture(page, "16-no-file");
});

browserTest("names in other scripts, and one that looks like another", async ({ page, browser }) => {
  await signUp(page, "Ieo");
  assert.match((await messages(page)).join(), /taken, or one that looks like it/);
  await picture(page, "18-looks-like-leo");
  for (const name of ["نرگس می\u200Cخواهد", "👩‍👩‍👧‍👦 the Smiths", "सरस्वती"]) {
    await signUp(page, name);
    assert.equal(await page.locator("h1").innerText(), `Hello, ${name}!`);
    await browser.forgetCookies();
  }
});
