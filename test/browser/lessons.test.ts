import assert from "node:assert/strict";
import { browserTest, logIn, messages, pathOf, picture } from "./browser.ts";

browserTest("scenario 12, 13, 14: a name and a message, set, shown, removed", async ({ page }) => {
  await page.goto("/session_get");
  assert.match(await page.locator("main").innerText(), /holds no name and no message/);
  await page.goto("/session_set");
  await picture(page, "12-session-set");
  await page.getByLabel("A name").fill("Grace");
  await page.getByLabel("A message").fill("Good evening");
  await page.getByRole("button", { name: "Store both" }).click();
  assert.deepEqual(await messages(page), ["The session now holds the name Grace and a message."]);
  assert.equal(await page.locator("#kept-name").innerText(), "Grace");
  assert.equal(await page.locator("#kept-message").innerText(), "Good evening");
  await picture(page, "13-session-get");

  await page.goto("/session_delete");
  await picture(page, "14-session-delete");
  await page.getByRole("button", { name: "Remove the name" }).click();
  assert.equal(await page.locator("#kept-name").innerText(), "not there");
  assert.equal(await page.locator("#kept-message").innerText(), "Good evening");
  await page.goto("/session_delete");
  await page.getByRole("button", { name: "Clear everything" }).click();
  assert.match((await messages(page)).join(), /it holds nothing now/);
  assert.match(await page.locator("main").innerText(), /holds no name and no message/);
  await picture(page, "14-cleared");
});

browserTest(
  "scenario 15: one opaque cookie; one changed character logs out and breaks nothing",
  async ({ page, browser }) => {
    await page.goto("/inside");
    await picture(page, "15-inside-empty");
    await logIn(page);
    const [cookie, ...others] = await browser.cookies();
    assert.deepEqual(others, []);
    assert.ok(cookie);
    assert.equal(cookie.name, "__Host-Http-session");
    assert.deepEqual(
      [cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path, cookie.expires],
      [true, true, "Lax", "/", -1],
    );
    assert.match(cookie.value, /^[\w-]{22}\.[\w-]{43}\.[\w-]{22}$/);

    await page.goto("/inside");
    assert.match(await page.locator("main").innerText(), /Buy milk/);
    for (const part of cookie.value.split(".").slice(1)) assert.ok(!(await page.content()).includes(part));
    await picture(page, "15-inside");

    for (const at of [3, 40, 80]) {
      await browser.editCookie(cookie.name, () => {
        const other = cookie.value[at] === "A" ? "B" : "A";
        return cookie.value.slice(0, at) + other + cookie.value.slice(at + 1);
      });
      const answer = await page.goto("/");
      assert.equal(answer?.status(), 200);
      assert.match(await page.locator("header").innerText(), /Log in/);
    }
    await page.goto("/login");
    await picture(page, "15-edited-ticket");
    await logIn(page);
    assert.equal(pathOf(page), "/user");
  },
);

browserTest(
  "scenario 16, 17, 18: cookies set, shown, edited, refused, deleted",
  async ({ page, browser }) => {
    await page.goto("/cookies_get");
    assert.equal(await page.locator("#cookie-plain").innerText(), "There is no cookie named plain.");
    await page.goto("/cookie_set");
    await picture(page, "16-cookie-set");
    await page.getByLabel("A value").fill("chocolate & <b>nuts</b>");
    await page.getByRole("button", { name: "Set the cookies" }).click();
    const names = new Set((await browser.cookies()).map(({ name }) => name));
    for (const name of ["plain", "signed", "sealed"]) {
      assert.ok(names.has(name));
      assert.equal(await page.locator(`#cookie-${name}`).innerText(), "chocolate & <b>nuts</b>");
    }
    await picture(page, "17-cookies-get");

    await browser.editCookie("plain", () => "vanilla");
    await browser.editCookie("signed", (value) => (value.startsWith("A") ? "B" : "A") + value.slice(1));
    await browser.editCookie("sealed", (value) => (value.startsWith("A") ? "B" : "A") + value.slice(1));
    await page.reload();
    assert.equal(await page.locator("#cookie-plain").innerText(), "vanilla");
    assert.match(await page.locator("#cookie-signed").innerText(), /^refused/);
    assert.match(await page.locator("#cookie-sealed").innerText(), /^refused/);
    await picture(page, "17-edited");

    await page.goto("/cookies_delete");
    await picture(page, "18-cookies-delete");
    await page.getByRole("button", { name: "Delete the cookies" }).click();
    const left = (await browser.cookies()).map(({ name }) => name);
    assert.deepEqual(left, ["__Host-Http-session"], "only the session's, which holds the message");
    assert.equal(await page.locator("#cookie-plain").innerText(), "There is no cookie named plain.");
  },
);

browserTest(
  "scenario 20: several messages, through redirects, once, in order, escaped, by category",
  async ({ page }) => {
    await page.goto("/flash");
    await page.getByRole("button", { name: "Leave the messages" }).click();
    assert.equal(pathOf(page), "/flash");
    assert.deepEqual(await messages(page), [
      "First: this went well.",
      "Second: this is good to know.",
      "Third: careful with this.",
      "Fourth: this went wrong.",
      "And yours: <b>not bold</b>",
    ]);
    const colours = await page.evaluate<string[]>(
      "[...document.querySelectorAll('.messages .message')].map((box) => getComputedStyle(box).backgroundColor)",
    );
    assert.equal(new Set(colours).size, 5, "each category looks different");
    await picture(page, "20-messages");
    await page.reload();
    assert.deepEqual(await messages(page), []);
  },
);

browserTest(
  "scenario 21: of two tabs opened at once, one shows the message",
  async ({ page, browser, site }) => {
    const other = await browser.tab();
    await page.goto("/login");
    await logIn(page);
    await page.goto("/session_set");
    // The form is sent without following its redirect, so the message still waits.
    const session = (await browser.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
    const answer = await fetch(`${site.url}/session_set`, {
      method: "POST",
      redirect: "manual",
      headers: { Cookie: session, Origin: site.url },
      body: new URLSearchParams({ name: "Ada", message: "hi" }),
    });
    assert.equal(answer.status, 303);
    await Promise.all([page.goto("/"), other.goto("/")]);
    const shown = [await messages(page), await messages(other)].filter((list) => list.length > 0);
    assert.deepEqual(shown, [["The session now holds the name Ada and a message."]]);
  },
);

browserTest("the counter counts the clicks of two tabs", async ({ page, browser }) => {
  await page.goto("/counter");
  await page.getByRole("button", { name: "Add one" }).click();
  const other = await browser.tab();
  await other.goto("/counter");
  await Promise.all([page, other].map((tab) => tab.getByRole("button", { name: "Add one" }).click()));
  await page.goto("/counter");
  assert.equal(await page.locator("#count").innerText(), "3");
  await picture(page, "00-counter");
});
