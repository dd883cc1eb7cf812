import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import type { SiteOptions } from "../../app/site.ts";
import { testSite } from "../app/test-site.ts";
import type { TestSite } from "../app/test-site.ts";
import { startChromium } from "./chromium.ts";

const pictures = join(import.meta.dirname, "screenshots");

const LOOKS = [
  { name: "desktop-light", width: 1200, height: 800, colorScheme: "light" },
  { name: "desktop-dark", width: 1200, height: 800, colorScheme: "dark" },
  { name: "phone-light", width: 390, height: 844, colorScheme: "light" },
  { name: "phone-dark", width: 390, height: 844, colorScheme: "dark" },
] as const;

/** A real browser with a profile on disk, on the test's site. Scripts are off unless asked for: the site needs none. */
export class Browser {
  readonly #site: TestSite;
  readonly #scripts: boolean;
  readonly #profile = mkdtempSync(join(tmpdir(), "coatcheck-profile-"));
  readonly #complaints: string[] = [];
  #context: BrowserContext | undefined;

  constructor(site: TestSite, scripts = false) {
    this.#site = site;
    this.#scripts = scripts;
  }

  /** Starts the browser, with what the profile kept from last time. */
  async open(): Promise<Page> {
    this.#context = await startChromium(this.#profile, {
      baseURL: this.#site.url,
      javaScriptEnabled: this.#scripts,
      // Colours that fade over would be caught half-way by the pictures.
      reducedMotion: "reduce",
      viewport: { width: LOOKS[0].width, height: LOOKS[0].height },
    });
    return this.#watched(this.#context.pages()[0] ?? (await this.#context.newPage()));
  }

  /** Closes the browser window, and the browser with it. */
  async close(): Promise<void> {
    await this.#context?.close();
    this.#context = undefined;
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Page> {
    return this.#watched(await this.#opened.newPage());
  }

  /** What the browser's tools show under "cookies". */
  async cookies(): Promise<Awaited<ReturnType<BrowserContext["cookies"]>>> {
    return this.#opened.cookies();
  }

  /** Edits a cookie's value, as one can in the browser's tools. */
  async editCookie(name: string, edit: (value: string) => string): Promise<void> {
    const cookie = (await this.cookies()).find((one) => one.name === name);
    assert.ok(cookie, `there is a cookie named ${name}`);
    await this.#opened.addCookies([{ ...cookie, value: edit(cookie.value) }]);
  }

  /** Forgets all cookies, as one can in the browser's settings. */
  async forgetCookies(): Promise<void> {
    await this.#opened.clearCookies();
  }

  /** Keeps no cookie from now on: each is taken out as soon as the response with it has come. */
  async blockCookies(): Promise<void> {
    await this.#opened.route("**/*", async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      const { "set-cookie": _, ...headers } = response.headers();
      const body = await response.body().catch(() => Buffer.alloc(0));
      await this.#opened.clearCookies();
      await route.fulfill({ status: response.status(), headers, body });
    });
  }

  /** Ends with the test: nothing may have been refused by the content security policy or found missing. */
  async dispose(): Promise<void> {
    await this.close();
    rmSync(this.#profile, { recursive: true, force: true });
    assert.deepEqual(this.#complaints, []);
  }

  get #opened(): BrowserContext {
    assert.ok(this.#context, "the browser is open");
    return this.#context;
  }

  #watched(page: Page): Page {
    page.on("console", (message) => {
      // A page that answers 404 or the like is often what the test asked for.
      if (message.type() === "error" && !message.text().includes("server responded with a status of")) {
        this.#complaints.push(message.text());
      }
    });
    return page;
  }
}

/** What a browser test gets: the site, one browser that is open, and a way to open others. */
export interface Stage {
  readonly site: TestSite;
  readonly browser: Browser;
  readonly page: Page;
  another: () => Promise<{ browser: Browser; page: Page }>;
}

/** A test in Chromium. Where it cannot start, the test is skipped with the reason; in CI it fails. */
export function browserTest(
  name: string,
  run: (stage: Stage) => Promise<void>,
  { scripts = false, ...options }: Partial<SiteOptions> & { scripts?: boolean } = {},
): void {
  test(name, async (t: TestContext) => {
    const site = await testSite(t, options);
    const browsers: Browser[] = [];
    const another = async (): Promise<{ browser: Browser; page: Page }> => {
      const browser = new Browser(site, scripts);
      browsers.push(browser);
      return { browser, page: await browser.open() };
    };
    try {
      let first: { browser: Browser; page: Page };
      try {
        first = await another();
      } catch (error) {
        if (process.env["CI"]) throw error;
        t.skip(
          `Chromium does not start here: ${error instanceof Error ? error.message.split("\n")[0] : "unknown reason"}`,
        );
        return;
      }
      await run({ site, ...first, another });
    } finally {
      for (const browser of browsers) await browser.dispose();
    }
  });
}

/** Takes pictures of a page as it is: wide and narrow, light and dark. Fails if it is wider than its screen. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  for (const look of LOOKS) {
    await page.setViewportSize(look);
    await page.emulateMedia({ colorScheme: look.colorScheme });
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    assert.ok(width <= look.width, `${name} fits on ${look.name}: ${width} px`);
    await page.screenshot({ path: join(pictures, `${name}.${look.name}.png`), fullPage: true });
  }
  await page.setViewportSize(LOOKS[0]);
}

/** The messages on a page, as a person reads them. */
export async function messages(page: Page): Promise<string[]> {
  return page.locator(".messages .message .words").allInnerTexts();
}

/** Fills in the login form and sends it. */
export async function logIn(page: Page, { password = "1234", keep = false } = {}): Promise<void> {
  if (new URL(page.url()).pathname !== "/login") await page.goto("/login");
  await page.getByLabel("Name").fill("leo");
  await page.getByLabel("Password").fill(password);
  if (keep) await page.getByLabel("Keep me logged in").check();
  await page.getByRole("button", { name: "Log in" }).click();
}

/** The path that a page is at. */
export function pathOf(page: Page): string {
  const { pathname, search } = new URL(page.url());
  return pathname + search;
}

/** The same without its query. */
export function wayOf(page: Page): string {
  return new URL(page.url()).pathname;
}
