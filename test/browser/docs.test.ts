import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { Page } from "playwright-core";
import { testSite } from "../app/test-site.ts";
import { startChromium } from "./chromium.ts";

const docs = join(import.meta.dirname, "..", "..", "docs-site");
const isBuilt = existsSync(join(docs, ".built", "built.json"));
const skip = !isBuilt && !process.env["CI"] && "the documentation is not built: npm run docs";

/** The documentation in a browser, and what its console complains about. */
async function openDocs(t: TestContext, colorScheme: "dark" | "light") {
  const site = await testSite(t);
  const profile = mkdtempSync(join(tmpdir(), "coatcheck-docs-"));
  const context = await startChromium(profile, { baseURL: site.url, colorScheme });
  t.after(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });
  const page = context.pages()[0] ?? (await context.newPage());
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  return { page, context, complaints };
}

/** How far the page is wider than the window. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");

test(
  "search finds the guide about CSRF, in the dark, and nothing breaks the site's policy",
  { skip },
  async (t) => {
    const { page, context, complaints } = await openDocs(t, "dark");
    await page.goto("/docs/");
    assert.equal(await page.locator("html.dark").count(), 1);
    await page.locator(".VPNavBarSearch button").click();
    await page.locator(".VPLocalSearchBox input").fill("CSRF");
    const first = page.locator(".VPLocalSearchBox .result").first();
    assert.equal(await first.getAttribute("href"), "/docs/security#csrf-forms-on-other-sites");
    await first.click();
    await page.waitForURL("**/docs/security#csrf-forms-on-other-sites");
    await page.locator("h2#csrf-forms-on-other-sites").waitFor();
    await page.locator(".VPNavBarAppearance button").click();
    assert.equal(await page.locator("html.dark").count(), 0);
    assert.deepEqual(await context.cookies(), []);
    assert.deepEqual(complaints, []);
  },
);

test("pages of each kind fit a phone, and lead back to the site", { skip }, async (t) => {
  const { page, complaints } = await openDocs(t, "light");
  await page.setViewportSize({ width: 390, height: 844 });
  for (const [path, heading] of [
    ["/docs/", "Questions and answers"],
    ["/docs/flash", "Flash"],
    ["/docs/comparison", "Comparison"],
    ["/docs/reference/coatcheck", "coatcheck"],
    ["/docs/decisions/", "Why is it done this way"],
    ["/docs/decisions/094-five-functions", "094"],
    ["/docs/source/examples/hono-ts", "examples/hono.ts"],
    ["/docs/what-it-is", "Coatcheck"],
  ] as const) {
    assert.equal((await page.goto(path))?.status(), 200, path);
    assert.match((await page.locator("h1").textContent()) ?? "", new RegExp(heading, "i"), path);
    assert.equal(await overflow(page), 0, path);
  }
  assert.deepEqual(complaints, []);
  assert.equal((await page.goto("/docs/nowhere"))?.status(), 404);
  await page.getByText("There is nothing at this address.").waitFor();
  await page.locator(".VPNavBarHamburger").click();
  await page.locator(".VPNavScreen .to-the-site").click();
  await page.waitForURL(/\/\/[^/]+\/$/);
});
