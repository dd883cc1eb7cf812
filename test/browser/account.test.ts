import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { browserTest, logIn, messages, pathOf, picture, signUp, wayOf } from "./browser.ts";

browserTest(
  "an account is exported and deleted, each after its password was typed again",
  async ({ page, site, another }) => {
    await signUp(page, "ada");
    const other = await another();
    await logIn(other.page, { name: "ada", password: "correct horse" });
    site.later({ minutes: 6 });
    await page.getByRole("link", { name: "Your data" }).click();
    assert.equal(pathOf(page), "/confirm?return=%2Faccount");
    await picture(page, "23-confirm");
    await page.getByLabel("Password").fill("wrong horse");
    await page.getByRole("button", { name: "Go on" }).click();
    assert.deepEqual(await messages(page), ["The password is not right."]);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Go on" }).click();
    assert.equal(pathOf(page), "/account");
    await picture(page, "23-account");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export as JSON" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "coatcheck-account.json");
    assert.match(readFileSync(await download.path(), "utf8"), /"name": "ada"/);

    await page.getByRole("button", { name: "Delete the account ada" }).click();
    assert.equal(wayOf(page), "/");
    assert.match((await messages(page)).join(), /The account ada is deleted/);
    await picture(page, "23-deleted");
    await other.page.goto("/user");
    assert.equal(wayOf(other.page), "/login");
  },
);

browserTest("the demo account is as the next visitor expects it", async ({ page, another }) => {
  await page.goto("/");
  await page.getByRole("button", { name: "Log in as leo" }).click();
  assert.equal(pathOf(page), "/user");
  await page.getByLabel("Your note").fill("rude words");
  await page.getByRole("button", { name: "Save" }).click();
  await picture(page, "24-demo");
  await page.getByRole("link", { name: "Change your password" }).click();
  assert.equal(await page.getByLabel("New password").count(), 0);
  await picture(page, "24-demo-password");
  const next = await another();
  await next.page.goto("/");
  await next.page.getByRole("button", { name: "Log in as leo" }).click();
  assert.equal(await next.page.getByLabel("Your note").inputValue(), "Buy milk. Return the umbrella.");
});

browserTest("on a phone, the lessons are one row, with the current one in sight", async ({ page }) => {
  await logIn(page);
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/user", "/cookie_set", "/devices", "/inside"]) {
    await page.goto(path);
    const row = await page.getByRole("navigation", { name: "Lessons", exact: true }).boundingBox();
    assert.ok(row && row.height < 60, `${path}: ${row?.height}`);
    const here = await page.locator(".lessons [aria-current]").boundingBox();
    assert.ok(here && here.x >= 0 && here.x + here.width <= 390, path);
    const header = await page.getByRole("banner").boundingBox();
    assert.ok(header && header.height < 130, `${path}: ${header?.height}`);
  }
});

browserTest("code is never cut off on a phone, and can be reached by keyboard", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  for (const path of ["/login", "/session_set", "/counter", "/cookie_set"]) {
    await page.goto(path);
    const code = page.locator(".code pre:visible").first();
    await code.focus();
    assert.equal(
      await page.evaluate<boolean>("document.activeElement?.matches('.code pre') === true"),
      true,
      path,
    );
    const over = await page.evaluate<number>(
      "document.activeElement.scrollWidth - document.activeElement.clientWidth",
    );
    assert.ok(over <= 0, `${path}: ${over} px too wide`);
  }
});

browserTest("in forced colours, what is current or chosen is still told", async ({ page }) => {
  await logIn(page);
  await page.emulateMedia({ forcedColors: "active" });
  const style = (selector: string, property: string) =>
    page.evaluate<string>(`getComputedStyle(document.querySelector("${selector}")).${property}`);
  await page.goto("/user");
  assert.equal(await style(".swatch:has(:checked)", "outlineStyle"), "solid");
  assert.equal(await style(".lessons a[aria-current]", "borderBottomWidth"), "3px");
  await page.goto("/devices");
  assert.equal(await style(".badge", "borderTopStyle"), "solid");
});
