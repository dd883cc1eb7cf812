// The whole site in one visit, as a beginner makes it, in browsers with and without scripts.

import assert from "node:assert/strict";
import { browserTest, logIn, messages, pathOf, wayOf } from "./browser.ts";

for (const scripts of [false, true]) {
  browserTest(
    `a walk through every lesson, ${scripts ? "with" : "without"} scripts`,
    async ({ page, browser, site, another }) => {
      const heading = () => page.locator("h1").innerText();
      const press = (name: string) => page.getByRole("main").getByRole("button", { name }).click();
      const logOut = () => page.getByRole("banner").getByRole("button", { name: "Log out" }).click();

      // Log in: asked to, with a wrong password, with the right one, and led where one wanted to go.
      await page.goto("/user");
      assert.deepEqual(await messages(page), ["Please log in to see /user."]);
      await logIn(page, { password: "12345" });
      assert.match((await messages(page)).join(), /^Login failed/);
      await logIn(page);
      assert.deepEqual(await messages(page), ["Login successful."]);
      assert.equal(pathOf(page), "/user");
      assert.equal(await heading(), "Hello, leo!");
      await page.reload();
      assert.deepEqual(await messages(page), []);
      await page.goto("/no/such/page");
      assert.match(await page.getByRole("banner").innerText(), /leo/);
      await page.goto("/login");
      assert.equal(pathOf(page), "/user");

      // What belongs to the user comes back with the next login.
      await page.getByLabel("Your note").fill("Call Ada");
      await press("Save");
      const ticket = (await browser.cookies()).find(({ name }) => name.includes("session"));
      await logOut();
      assert.deepEqual(await messages(page), ["Goodbye, leo! You are logged out."]);
      await page.goto("/user");
      assert.equal(wayOf(page), "/login");
      await browser.editCookie(ticket?.name ?? "", () => ticket?.value ?? "");
      await page.goto("/user");
      assert.equal(wayOf(page), "/login", "the old cookie opens nothing");
      await logIn(page);
      assert.equal(await page.getByLabel("Your note").inputValue(), "Call Ada");

      // From lesson to lesson by their links: session, counter, messages, cookies.
      await page.getByRole("link", { name: "Next Session" }).click();
      await press("Store both");
      assert.match((await messages(page)).join(), /now holds the name Ada/);
      assert.equal(await page.locator("#kept-message").innerText(), "Good morning");
      await page.goto("/session_delete");
      await press("Remove the name");
      assert.equal(await page.locator("#kept-name").innerText(), "not there");
      await page.goto("/session_delete");
      await press("Clear everything");
      assert.match((await messages(page)).join(), /holds nothing now/);

      await page.getByRole("link", { name: "Next Counter" }).click();
      await press("Add one");
      await press("Add one");
      assert.equal(await page.locator("#count").innerText(), "2");

      await page.getByRole("link", { name: "Next Messages" }).click();
      await press("Leave the messages");
      assert.equal((await messages(page)).length, 5);
      assert.equal((await messages(page)).at(-1), "And yours: <b>not bold</b>");

      await page.getByRole("link", { name: "Next Cookies" }).click();
      await press("Set the cookies");
      await page.waitForURL("**/cookies_get");
      await browser.editCookie("signed", (value) => (value.startsWith("A") ? "B" : "A") + value.slice(1));
      await page.reload();
      assert.equal(await page.locator("#cookie-plain").innerText(), "chocolate");
      assert.match(await page.locator("#cookie-signed").innerText(), /^refused/);
      await page.goto("/cookies_delete");
      await press("Delete the cookies");
      assert.match(await page.locator("#cookie-plain").innerText(), /no cookie/);

      // Devices: one other browser, ended from here. Inside: the one cookie.
      const phone = await another();
      await logIn(phone.page, { keep: true });
      await page.getByRole("link", { name: "Next Devices" }).click();
      await press("Log out all other browsers");
      assert.deepEqual(await messages(page), ["Ended: 1 other browser."]);
      await phone.page.goto("/user");
      assert.equal(wayOf(phone.page), "/login");
      await page.getByRole("link", { name: "Next Inside" }).click();
      assert.match(await page.locator("main").innerText(), /__Host-Http-session/);

      // Kept logged in beyond the browser, for the permanent lifetime.
      await logOut();
      await logIn(page, { keep: true });
      await browser.close();
      site.later({ days: 4 });
      const again = await browser.open();
      await again.goto("/user");
      assert.equal(await again.locator("h1").innerText(), "Hello, leo!");
      site.later({ days: 5, seconds: 1 });
      await again.reload();
      assert.equal(wayOf(again), "/login");
    },
    { scripts, permanentLifetime: { days: 5 } },
  );
}
