// What every example of a framework must do, whatever the framework. Its pages and forms:
//
//   GET  /            "Hello, stranger!" or "Hello, ana!", "Note: …" with the session's note, waiting messages
//   GET  /login       a form that posts `name` and `password` (ana, "correct horse") to /login
//   POST /login       logs in, flashes "You are logged in.", and redirects to /user or to where the visitor wanted to go;
//                     if the password is wrong, shows or flashes "Login failed."
//   GET  /user        for logged-in users; strangers are sent to /login?return=%2Fuser
//   POST /logout      logs out, and redirects to /
//   POST /note        sets the session's `note` to the field `note`, and redirects to /
//   POST /fail        sets the note, and then fails in the framework's own way
//   POST /fail-login  logs ana in, sets the note, and then fails likewise
//   POST /everywhere  ends all sessions of the user but this one, and redirects to /
//   GET  /about       "About", the same for everybody: looks at no session, and is made at build time if the framework can

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CookieJar } from "coatcheck/testing";
import { startChromium } from "../browser/chromium.ts";
import type { RunningSite } from "./example.ts";

/** A way in which a handler of the framework fails, and how the framework responds. */
export interface Failure {
  /** For the test's name: "throws an HttpException". */
  readonly how: string;
  /** The path of a form like `/fail`. */
  readonly path: string;
  readonly status: number;
}

/** What is particular to a framework. */
export interface WalkSettings {
  /** Each sets the note before it fails. Default: `/fail`, with status 422. */
  readonly failures?: readonly Failure[];
  /** The status of `/fail-login`. Default 500. */
  readonly failedLogin?: number;
  /** Changes a form's request to what the framework's own client would send. */
  readonly form?: (path: string, fields: Readonly<Record<string, string>>) => FormRequest;
  /** What `/about` has in Cache-Control; `null` for nothing. Default: anything that is not about visitors. */
  readonly about?: string | null;
  /** The statuses with which a form of another site may be refused. Default: 403. */
  readonly refused?: readonly number[];
}

/** The request of a form. */
export interface FormRequest {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | URLSearchParams | FormData;
}

const password = "correct horse";

/** One browser without scripts. */
export class Visitor {
  readonly jar: CookieJar = new CookieJar();
  readonly #url: string;
  readonly #form: NonNullable<WalkSettings["form"]>;

  constructor(site: RunningSite, settings: WalkSettings = {}) {
    this.#url = site.url;
    this.#form = settings.form ?? ((path, fields) => ({ path, body: new URLSearchParams(fields) }));
  }

  /** Sends one request with the jar's cookies, and follows no redirect. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("accept")) headers.set("accept", "text/html");
    if (this.jar.header !== undefined) headers.set("cookie", this.jar.header);
    const response = await fetch(new URL(path, this.#url), { redirect: "manual", ...init, headers });
    this.jar.take(response);
    return response;
  }

  /** Sends a form, as the page of this site would. */
  async post(path: string, fields: Record<string, string> = {}): Promise<Response> {
    const { path: target, headers, body } = this.#form(path, fields);
    return this.send(target, {
      method: "POST",
      headers: { origin: this.#url, "sec-fetch-site": "same-origin", ...headers },
      body,
    });
  }

  /** The text of a page that is there. */
  async page(path: string): Promise<string> {
    const response = await this.send(path);
    const text = textOf(await response.text());
    assert.equal(response.status, 200, text);
    return text;
  }

  /** The text of the page that a form leads to, over redirects. */
  async submit(path: string, fields: Record<string, string> = {}): Promise<string> {
    const response = await this.post(path, fields);
    if (response.status < 300 || response.status > 399) return textOf(await response.text());
    assert.ok(response.status === 303 || response.status === 302, String(response.status));
    const { pathname, search } = new URL(response.headers.get("location") ?? "", this.#url);
    return this.page(pathname + search);
  }

  async logIn(): Promise<string> {
    return this.submit("/login", { name: "ana", password });
  }
}

/** A page as a person reads it: frameworks put comments between the words. */
function textOf(html: string): string {
  return html
    .replaceAll(/<!--[^]*?-->/g, "")
    .replaceAll(/<script[^]*?<\/script>/g, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&#x27;", "'")
    .replaceAll(/\s+/g, " ");
}

/** Declares the tests that every example passes; the site must run before they do. */
export function walkTests(siteNow: () => RunningSite, settings: WalkSettings = {}): void {
  const failures = settings.failures ?? [{ how: "throws", path: "/fail", status: 422 }];
  const visitor = (): Visitor => new Visitor(siteNow(), settings);

  test("logs in, remembers, shows a message once, and logs out", async () => {
    const ana = visitor();
    assert.match(await ana.page("/"), /Hello, stranger ?!/);
    assert.equal(ana.jar.header, undefined, "a look sets no cookie");
    assert.match(await ana.logIn(), /You are logged in\./);
    const page = await ana.page("/");
    assert.match(page, /Hello, ana ?!/);
    assert.doesNotMatch(page, /You are logged in/);
    assert.match(await ana.page("/user"), /ana/);
    assert.match(await ana.submit("/note", { note: "a ticket" }), /Note: a ticket/);
    const ticket = ana.jar.header ?? "";
    assert.match(await ana.submit("/logout"), /Hello, stranger ?!/);
    const replay = await fetch(siteNow().url, { headers: { cookie: ticket } });
    assert.match(textOf(await replay.text()), /Hello, stranger ?!/, "a logged-out ticket opens nothing");
  });

  test("a wrong password logs nobody in, and says so", async () => {
    for (const fields of [{ name: "ana", password: "wrong" }, { name: "ben", password: "" }, {}]) {
      const stranger = visitor();
      assert.match(await stranger.submit("/login", fields), /Login failed\./);
      assert.match(await stranger.page("/"), /Hello, stranger ?!/);
    }
  });

  test("sends strangers from a page for users to the login", async () => {
    const response = await visitor().send("/user");
    assert.ok([302, 303, 307].includes(response.status), String(response.status));
    const { pathname, search } = new URL(response.headers.get("location") ?? "", siteNow().url);
    assert.equal(pathname + search, "/login?return=%2Fuser");
  });

  for (const { how, path, status } of failures) {
    test(`nothing that a handler set is kept if it ${how}`, async () => {
      const ana = visitor();
      await ana.logIn();
      await ana.submit("/note", { note: "before" });
      const response = await ana.post(path, { note: "lost" });
      assert.equal(response.status, status, await response.text());
      const page = await ana.page("/");
      assert.match(page, /Note: before/);
      assert.match(page, /Hello, ana ?!/);
    });
  }

  test("a login stands although its handler failed, and its cookie comes with the error", async () => {
    const ana = visitor();
    const response = await ana.post("/fail-login", { note: "lost" });
    assert.equal(response.status, settings.failedLogin ?? 500, await response.text());
    const page = await ana.page("/");
    assert.match(page, /Hello, ana ?!/);
    assert.doesNotMatch(page, /lost/);
  });

  test("a logout from elsewhere ends a session at its next click", async () => {
    const [here, elsewhere] = [visitor(), visitor()];
    await here.logIn();
    await elsewhere.logIn();
    assert.match(await elsewhere.submit("/everywhere"), /Hello, ana ?!/);
    assert.match(await here.page("/"), /Hello, stranger ?!/);
  });

  test("refuses another site's form", async () => {
    const ana = visitor();
    await ana.logIn();
    const response = await ana.send("/note", {
      method: "POST",
      headers: { origin: "https://elsewhere.example", "sec-fetch-site": "cross-site" },
      body: new URLSearchParams({ note: "planted" }),
    });
    assert.ok((settings.refused ?? [403]).includes(response.status), String(response.status));
    assert.doesNotMatch(await ana.page("/"), /planted/);
  });

  test("keeps a visitor's page from shared caches, and leaves the page for everybody alone", async () => {
    const ana = visitor();
    await ana.logIn();
    for (const path of ["/", "/user"]) {
      const { headers } = await ana.send(path);
      assert.match(headers.get("cache-control") ?? "", /private|no-store/, path);
    }
    const { headers, status } = await ana.send("/about");
    assert.equal(status, 200);
    assert.deepEqual(headers.getSetCookie(), []);
    assert.doesNotMatch(headers.get("cache-control") ?? "", /private|no-store/);
    assert.doesNotMatch(headers.get("vary") ?? "", /cookie/i);
    if (settings.about !== undefined) assert.equal(headers.get("cache-control"), settings.about);
  });

  test("twenty visitors at once each see only themselves", async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const own = visitor();
        assert.match(await own.submit("/note", { note: `of ${at}.` }), new RegExp(`Note: of ${at}\\.`));
        assert.match(await own.page("/"), new RegExp(`Note: of ${at}\\.`));
      }),
    );
  });
}

/** Declares the same walk in Chromium, with scripts and without. */
export function browserTests(siteNow: () => RunningSite): void {
  for (const scripts of [true, false]) {
    test(`a person logs in and out in a browser, ${scripts ? "with" : "without"} scripts`, async (t) => {
      const profile = mkdtempSync(join(tmpdir(), "coatcheck-profile-"));
      const context = await startChromium(profile, { baseURL: siteNow().url, javaScriptEnabled: scripts });
      t.after(async () => {
        await context.close();
        rmSync(profile, { recursive: true, force: true });
      });
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      await page.goto("/user");
      assert.equal(new URL(page.url()).pathname, "/login");
      await page.locator("input[name=name]").fill("ana");
      await page.locator("input[name=password]").fill("wrong");
      await page.getByRole("button", { name: "Log in" }).click();
      await page.getByText("Login failed.").waitFor();
      await page.locator("input[name=name]").fill("ana");
      await page.locator("input[name=password]").fill(password);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.waitForURL("**/user");
      await page.getByText("You are logged in.").waitFor();
      await page.goto("/");
      await page.getByText("Hello, ana!").waitFor();
      assert.equal(await page.getByText("You are logged in.").count(), 0);
      const cookies = (await context.cookies()).filter(({ name }) => name === "__Host-Http-session");
      assert.deepEqual(
        cookies.map(({ httpOnly, secure, sameSite }) => [httpOnly, secure, sameSite]),
        [[true, true, "Lax"]],
      );
      await page.getByRole("button", { name: "Log out" }).click();
      await page.getByText("Hello, stranger!").waitFor();
    });
  }
}
