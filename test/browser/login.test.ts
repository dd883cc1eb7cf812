import assert from "node:assert/strict";
import { browserTest, logIn, messages, pathOf, picture, wayOf } from "./browser.ts";

browserTest("scenario 1, 2: a login leads to /user, which greets by name", async ({ page }) => {
  await page.goto("/login");
  await picture(page, "01-login");
  await logIn(page);
  assert.equal(pathOf(page), "/user");
  assert.equal(await page.locator("h1").innerText(), "Hello, leo!");
  await picture(page, "02-user");
});

browserTest("scenario 3: every page reaches the session, also one that does not exist", async ({ page }) => {
  await logIn(page);
  await page.goto("/");
  assert.match(await page.locator("header").innerText(), /leo/);
  await picture(page, "03-home");
  await page.goto("/no/such/page");
  assert.match(await page.locator("header").innerText(), /leo/);
  await picture(page, "03-not-found");
  await page.goto("/user");
  assert.equal(await page.locator("h1").innerText(), "Hello, leo!");
});

browserTest(
  "scenario 4: a page that needs a login says why, and is where the login leads",
  async ({ page }) => {
    await page.goto("/devices?from=link");
    assert.equal(pathOf(page), "/login?return=%2Fdevices%3Ffrom%3Dlink");
    assert.deepEqual(await messages(page), ["Please log in to see /devices."]);
    await picture(page, "04-asked-to-log-in");
    await logIn(page);
    assert.equal(pathOf(page), "/devices?from=link");
  },
);

browserTest("scenario 5: /login sends somebody who is logged in to /user", async ({ page }) => {
  await logIn(page);
  await page.goto("/login");
  assert.equal(pathOf(page), "/user");
});

browserTest(
  "scenario 6: logging out says goodbye, and the old cookie is refused",
  async ({ page, browser, another }) => {
    await logIn(page);
    const [ticket] = await browser.cookies();
    assert.ok(ticket);
    await page.getByRole("banner").getByRole("button", { name: "Log out" }).click();
    assert.deepEqual(await messages(page), ["Goodbye, leo! You are logged out."]);
    await picture(page, "06-goodbye");
    await page.goto("/user");
    assert.equal(wayOf(page), "/login");

    const thief = await another();
    await thief.page.goto("/session_set");
    await thief.page.getByRole("button", { name: "Store both" }).click();
    await thief.page.waitForURL("**/session_get");
    await thief.browser.editCookie(ticket.name, () => ticket.value);
    await thief.page.goto("/user");
    assert.equal(wayOf(thief.page), "/login");
    assert.match(await thief.page.locator("#notice").innerText(), /Your session has ended/);
    await picture(thief.page, "06-old-cookie-refused");
  },
);

browserTest("scenario 7: closing the browser logs out", async ({ page, browser }) => {
  await logIn(page);
  await browser.close();
  const again = await browser.open();
  assert.deepEqual(await browser.cookies(), []);
  await again.goto("/user");
  assert.equal(wayOf(again), "/login");
});

browserTest(
  "scenario 8: keep me logged in outlives the browser, until its lifetime is over",
  async ({ page, browser, site }) => {
    await logIn(page, { keep: true });
    await browser.close();
    site.later({ days: 4 });
    const again = await browser.open();
    await again.goto("/user");
    assert.equal(await again.locator("h1").innerText(), "Hello, leo!");
    await picture(again, "08-still-logged-in");
    site.later({ days: 5, seconds: 1 });
    await again.reload();
    assert.equal(wayOf(again), "/login");
  },
  { permanentLifetime: { days: 5 } },
);

browserTest(
  "scenario 9: staying away too long logs out, though the browser still has the cookie",
  async ({ page, browser, site }) => {
    await logIn(page);
    site.later({ hours: 1, seconds: 1 });
    assert.equal((await browser.cookies()).length, 1);
    await page.goto("/user");
    assert.equal(wayOf(page), "/login");
    assert.deepEqual(await messages(page), ["Please log in to see /user."]);
    assert.match(await page.locator("#notice").innerText(), /Your session has ended: .*stayed away too long/);
    await picture(page, "09-away-too-long");
  },
);

browserTest("scenario 10: a note and a colour come back from the database", async ({ page }) => {
  await logIn(page);
  await page.getByLabel("Your note").fill("Call Ada\nat nine");
  await page.getByLabel("rose").check();
  await page.getByRole("button", { name: "Save" }).click();
  await picture(page, "10-saved");
  await page.getByRole("banner").getByRole("button", { name: "Log out" }).click();
  await logIn(page);
  assert.equal(await page.getByLabel("Your note").inputValue(), "Call Ada\nat nine");
  assert.equal(await page.getByLabel("rose").isChecked(), true);
});

browserTest(
  "scenario 19: right and wrong passwords each have a message of their own, once",
  async ({ page }) => {
    await logIn(page, { password: "12345", keep: true });
    assert.equal(wayOf(page), "/login");
    assert.deepEqual(await messages(page), ["Login failed: the name or the password is not right."]);
    assert.equal(await page.getByLabel("Name").inputValue(), "leo", "what was typed is there again");
    assert.equal(await page.getByLabel("Keep me logged in").isChecked(), true);
    assert.equal(await page.getByLabel("Password").inputValue(), "");
    await picture(page, "19-failed");
    await page.reload();
    assert.deepEqual(await messages(page), []);
    await logIn(page);
    assert.deepEqual(await messages(page), ["Login successful."]);
    await picture(page, "19-successful");
    await page.reload();
    assert.deepEqual(await messages(page), []);
  },
);

browserTest(
  "signing up, with a name full of markup, and a problem shown beside the form",
  async ({ page }) => {
    const name = "<b>Ada</b> & 'Co'";
    await page.goto("/signup");
    await page.getByLabel("Name").fill("Leo");
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Create my account" }).click();
    assert.match((await messages(page)).join(), /taken/);
    assert.equal(await page.getByLabel("Name").inputValue(), "Leo");
    await picture(page, "00-sign-up");
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Create my account" }).click();
    assert.equal(await page.locator("h1").innerText(), `Hello, ${name}!`);
  },
);
