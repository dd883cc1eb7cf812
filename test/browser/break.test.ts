import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { browserTest, logIn, pathOf, picture } from "./browser.ts";

const press = (page: Page, name: string) => page.getByRole("button", { name }).click();
const state = (page: Page) => page.locator("#state").innerText();

browserTest("the strip below a page is folded, and opens with the keyboard", async ({ page }) => {
  await logIn(page);
  const code = page.getByRole("region", { name: "POST /login" });
  assert.equal(await code.isVisible(), false);
  await page.locator(".strip > summary").focus();
  await page.keyboard.press("Enter");
  assert.match(await code.innerText(), /await logIn\(/);
  const called = page.getByRole("region", { name: "logIn", exact: true });
  assert.match(await called.innerText(), /await session\.login\(subject\)/);
  assert.match(
    await page.locator(".strip").innerText(),
    /create [\d.]+ ms[^]*__Host-Http-session=…; Path=\/; Secure/,
  );
  await page.locator(".strip a", { hasText: "app/routes/user.ts" }).click();
  assert.equal(pathOf(page), "/source/app/routes/user.ts");
  await page.goBack();
  await page.locator(".strip > summary").click();
  await picture(page, "30-strip");
});

browserTest("inside: a number on both sides, hangers, a torn ticket, and the disk", async ({ page }) => {
  await logIn(page);
  await page.goto("/inside");
  const [ticket, coat] = await page.locator(".ticket-number").allInnerTexts();
  assert.equal(ticket, coat);
  assert.equal(await page.locator(".rail li").count(), 3);
  await picture(page, "31-inside");
  await page.getByRole("link", { name: "On disk", exact: true }).click();
  assert.match(await page.locator("#fields").innerText(), /d:note\s+([0-9a-f]{8} ){4}/);
  await picture(page, "31-disk");
  await page.locator("header").getByRole("button", { name: "Log out" }).click();
  await page.goto("/inside");
  assert.match(await page.locator("#torn").innerText(), new RegExp(ticket ?? "none"));
  assert.match(await page.locator("#taken").innerText(), /An empty hanger/);
  await picture(page, "31-torn");
});

browserTest(
  "break it, without scripts: every button does what it says, and the way back works",
  async ({ page, site }) => {
    await page.goto("/break");
    await picture(page, "32-break-nobody");
    await page.goto("/login?return=/break");
    await logIn(page);
    await page.goto("/break");
    await press(page, "Change one character");
    assert.match(await state(page), /refused: forged/);
    await picture(page, "32-break-edited");
    await press(page, "Put the good one back");
    assert.match(await state(page), /You are logged in as leo/);
    await press(page, "Get a new ticket");
    await picture(page, "32-break-rotated");
    await press(page, "Replay the copy");
    assert.match(await state(page), /refused: superseded/);
    await picture(page, "32-break-replayed");
    await press(page, "Put the newer one back");
    await press(page, "Take it away");
    assert.match(await state(page), /every call of the store fails/);
    await picture(page, "32-break-outage");
    await page.goto("/user");
    assert.match(await page.locator("main").innerText(), /You have not been logged out/);
    site.later({ seconds: 10 });
    await page.goto("/user");
    assert.match(await page.locator("main").innerText(), /Hello, leo!/);
    await page.goto("/break");
    await press(page, "Let it expire");
    assert.match(await state(page), /refused: ended/);
    const events = await page.locator(".event b").allInnerTexts();
    for (const type of ["rejected", "rotated", "store-failed"]) assert.ok(events.includes(type), type);
    assert.match(await page.locator("#live").innerText(), /Reload/);
    await picture(page, "32-break-expired");
    await page.goto("/login?return=/break");
    await logIn(page);
    await page.goto("/break");
    await press(page, "Log out, keep a copy");
    await picture(page, "32-break-logged-out");
    await press(page, "Replay the copy now");
    assert.match(await state(page), /refused: ended/);
  },
);

browserTest(
  "break it, with two tabs: a form made for leo is refused once ada is logged in",
  async ({ page, browser }) => {
    await logIn(page);
    await page.goto("/break");
    const other = await browser.tab();
    await other.goto("/logout");
    await other.locator("main").getByRole("button", { name: "Log out" }).click();
    await other.goto("/signup");
    await other.getByLabel("Name").fill("ada");
    await other.getByLabel("Password").fill("a good long password");
    await other.getByRole("button", { name: "Create my account" }).click();
    await press(page, "Send this form");
    assert.match(await page.locator("main").innerText(), /made for leo, and now ada is logged in/);
  },
);

browserTest(
  "break it, with scripts: events of another tab arrive by themselves",
  async ({ page, browser }) => {
    await page.goto("/break");
    await press(page, "Watch my events");
    await page.getByText("Listening").waitFor();
    const other = await browser.tab();
    await logIn(other);
    await page.locator(".event", { hasText: "login" }).waitFor();
    assert.deepEqual(await page.locator(".event b").allInnerTexts(), ["login", "created"]);
    assert.equal(await page.locator("#no-events").count(), 0);
    await picture(page, "33-break-live");
  },
  { scripts: true },
);

browserTest(
  "two browsers, with scripts: the one that is ended sees it hang up",
  async ({ page, another }) => {
    await page.goto("/login?return=/two-browsers");
    await logIn(page);
    await page.goto("/two-browsers");
    await page.getByText("The line is open").waitFor();
    await picture(page, "34-two-open");
    const second = await another();
    await logIn(second.page);
    await page.getByRole("link", { name: "Another browser came or went" }).click();
    await page.getByText("The line is open").waitFor();
    await second.page.goto("/two-browsers");
    await picture(second.page, "34-two-both");
    await press(second.page, "End");
    await page.getByText("Hung up: this session has ended").waitFor();
    await picture(page, "34-two-ended");
    assert.equal(await page.locator("[data-line]").getAttribute("data-state"), "ended");
    await page.getByRole("link", { name: "still logged in" }).click();
    assert.match(pathOf(page), /^\/login/);
  },
  { scripts: true },
);

browserTest("two browsers, without scripts: it happens at the next click", async ({ page, another }) => {
  await logIn(page);
  await page.goto("/two-browsers");
  assert.match(await page.locator("#line").innerText(), /notices at the next click/);
  const second = await another();
  await logIn(second.page);
  await second.page.goto("/two-browsers");
  await press(second.page, "End");
  await page.getByRole("link", { name: "still logged in" }).click();
  assert.match(pathOf(page), /^\/login/);
});
