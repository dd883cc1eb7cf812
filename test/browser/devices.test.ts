import assert from "node:assert/strict";
import { browserTest, logIn, messages, pathOf, picture, signUp, wayOf } from "./browser.ts";

browserTest(
  "scenario 22: another browser is listed, ended, and logged out on its next click",
  async ({ page, site, another }) => {
    await logIn(page);
    site.later({ minutes: 3 });
    const phone = await another();
    await logIn(phone.page, { keep: true });
    await page.goto("/devices");
    assert.equal(await page.locator(".device").count(), 2);
    assert.equal(await page.locator(".device[data-current]").count(), 1);
    assert.match(await page.locator(".device[data-current]").innerText(), /Chrome on Linux[^]*this browser/);
    await page.locator(".device[data-current] summary").click();
    await page.getByLabel("A name for Chrome on Linux", { exact: true }).fill("My desk");
    await page.getByRole("button", { name: "Save the name of Chrome on Linux", exact: true }).click();
    assert.deepEqual(await messages(page), ["That browser is My desk from now on."]);
    assert.match(
      await page.locator(".device[data-current]").innerText(),
      /My desk[^]*Logged in\s+3 minutes ago/,
    );
    await picture(page, "22-devices");

    await page.getByRole("button", { name: "Log out Chrome on Linux" }).click();
    assert.deepEqual(await messages(page), ["That browser is logged out."]);
    assert.equal(await page.locator(".device").count(), 1);
    await phone.page.getByRole("link", { name: "Devices" }).first().click();
    assert.equal(wayOf(phone.page), "/login");
    assert.match(await phone.page.locator("#notice").innerText(), /ended it from another device/);
    await picture(phone.page, "22-ended");
    await logIn(phone.page);
    assert.equal(pathOf(phone.page), "/devices", "where they wanted to go");

    await page.goto("/devices");
    await page.getByRole("button", { name: "Log out all other browsers" }).click();
    assert.deepEqual(await messages(page), ["Ended: 1 other browser."]);
    await phone.page.goto("/user");
    assert.equal(wayOf(phone.page), "/login");
  },
);

browserTest("a new password logs out the other browsers", async ({ page, another }) => {
  await signUp(page, "ada");
  const other = await another();
  await logIn(other.page, { name: "ada", password: "correct horse" });
  await page.goto("/password");
  await page.getByLabel("Current password").fill("correct horse");
  await page.getByLabel("New password").fill("a brand new horse");
  await picture(page, "00-password");
  await page.getByRole("button", { name: "Change the password" }).click();
  assert.deepEqual(await messages(page), ["Your password is changed. 1 other browser was logged out."]);
  await other.page.goto("/user");
  assert.equal(wayOf(other.page), "/login");
});
