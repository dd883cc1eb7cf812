// Programs for express-session, as the pages of their packages show them, on the drop-in without a change: Passport
// (local, and OAuth 2 with a provider on loopback), connect-flash, express-flash, csrf-sync, multer.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { createSessions, generateSecret } from "coatcheck";
import type { Sessions } from "coatcheck";
import { expressErrors } from "coatcheck/express";
import { expressSession } from "coatcheck/express-session";
import { memoryStore } from "coatcheck/memory";
import { CookieJar } from "coatcheck/testing";
// @ts-expect-error TS7016: comes without types
import connectFlash from "connect-flash";
import { csrfSync } from "csrf-sync";
import express from "express";
import type { Express, RequestHandler } from "express";
// @ts-expect-error TS7016: comes without types
import expressFlash from "express-flash";
// @ts-expect-error TS7016: comes without types
import multer from "multer";
// @ts-expect-error TS7016: comes without types
import passportModule from "passport";
// @ts-expect-error TS7016: comes without types
import LocalStrategy from "passport-local";
// @ts-expect-error TS7016: comes without types
import OAuth2Strategy from "passport-oauth2";
import { listen } from "../support/listen.ts";

type Done = (error: unknown, user?: unknown, info?: unknown) => void;

/** What is used of Passport. */
interface Passport {
  use(strategy: unknown): void;
  serializeUser(serialize: (user: { id: number }, done: Done) => void): void;
  deserializeUser(deserialize: (id: number, done: Done) => void): void;
  session(): RequestHandler;
  authenticate(strategy: string, options?: object): RequestHandler;
}

const { Passport: PassportClass } = passportModule as unknown as { Passport: new () => Passport };
const Local = LocalStrategy as unknown as new (
  verify: (name: string, password: string, done: Done) => void,
) => unknown;
const OAuth2 = OAuth2Strategy as unknown as new (
  options: object,
  verify: (token: string, refresh: string, profile: unknown, done: Done) => void,
) => unknown;

/** What Passport and its like add to a request. */
type Req = express.Request & {
  user?: { id: number; name: string };
  session: Record<string, unknown> & { id: string };
  logout(options: object, done: (error?: unknown) => void): void;
  logout(done: (error?: unknown) => void): void;
  flash(kind: string, message?: string): unknown;
  csrfToken(): string;
};

const users = new Map([
  [7, { id: 7, name: "ana", password: "correct horse" }],
  [8, { id: 8, name: "ben", password: "battery" }],
]);

interface Data {
  passport?: { user?: number };
  [key: string]: unknown;
}

/** A visitor of an app behind the drop-in. */
class Browser {
  readonly jar: CookieJar = new CookieJar();
  readonly sessions: Sessions<Data>;
  readonly #site: string;

  private constructor(sessions: Sessions<Data>, site: string) {
    this.sessions = sessions;
    this.#site = site;
  }

  static async open(t: TestContext, build: (app: Express, site: string) => void): Promise<Browser> {
    const sessions = createSessions<Data>({
      secret: generateSecret(),
      store: memoryStore(),
      cookie: { name: "sid", secure: false },
    });
    const app = express();
    const site = `http://127.0.0.1:${await listen(t, (req, res) => app(req, res))}`;
    app.use(expressSession(sessions, { subject: (data) => data.passport?.user }));
    build(app, site);
    app.use(expressErrors(sessions));
    return new Browser(sessions, site);
  }

  async send(
    path: string,
    form?: Record<string, string> | FormData,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const cookie = this.jar.header;
    const response = await fetch(new URL(path, this.#site), {
      method: form === undefined ? "GET" : "POST",
      ...(form === undefined ? {} : { body: form instanceof FormData ? form : new URLSearchParams(form) }),
      headers: { ...(cookie === undefined ? {} : { cookie }), ...headers },
      redirect: "manual",
    });
    this.jar.take(response);
    return response;
  }

  /** Follows redirects to the page, and returns its text. */
  async read(
    path: string,
    form?: Record<string, string> | FormData,
    headers?: Record<string, string>,
  ): Promise<string> {
    let response = await this.send(path, form, headers);
    while (response.status === 302) {
      await response.text();
      // A provider on another port gets these cookies, too, and takes no notice.
      response = await this.send(response.headers.get("location") ?? "/");
    }
    return response.text();
  }
}

/** The part that every app with Passport has. */
function withPassport(app: Express, strategy: unknown): Passport {
  const passport = new PassportClass();
  passport.use(strategy);
  passport.serializeUser((user, done) => process.nextTick(done, null, user.id));
  passport.deserializeUser((id, done) => process.nextTick(done, null, users.get(id) ?? false));
  app.use(express.urlencoded({ extended: false }));
  app.use(passport.session());
  app.get("/", (req, res) => {
    const { user, session } = req as Req;
    res.json({ user: user?.name ?? null, cart: session["cart"] ?? null });
  });
  app.post("/cart", (req, res) => {
    (req as Req).session["cart"] = ["hat"];
    res.redirect("/");
  });
  for (const keepSessionInfo of [false, true]) {
    app.post(keepSessionInfo ? "/logout-keep" : "/logout", (req, res, next) => {
      (req as Req).logout({ keepSessionInfo }, (error) => {
        if (error !== undefined && error !== null) return next(error);
        return res.redirect("/");
      });
    });
  }
  return passport;
}

function localApp(app: Express): void {
  const local = new Local((name, password, done) => {
    const user = [...users.values()].find((found) => found.name === name && found.password === password);
    done(null, user ?? false);
  });
  const passport = withPassport(app, local);
  const failureRedirect = "/login";
  app.post("/login/password", passport.authenticate("local", { failureRedirect, successRedirect: "/" }));
  app.post(
    "/login/keep",
    passport.authenticate("local", { failureRedirect, successRedirect: "/", keepSessionInfo: true }),
  );
  app.get("/login", (_req, res) => res.send("log in"));
}

const ana = { username: "ana", password: "correct horse" };

test("Passport: a login with a name and a password, pages of the user, and a logout", async (t) => {
  const browser = await Browser.open(t, localApp);
  await browser.read("/cart", {});
  const before = browser.jar.header ?? "";
  assert.equal(await browser.read("/login/password", { username: "ana", password: "wrong" }), "log in");
  assert.equal(await browser.read("/login/password", ana), '{"user":"ana","cart":null}');
  assert.notEqual(browser.jar.header, before, "the login has another ticket");
  assert.equal((await browser.sessions.list("7")).length, 1, "and is in the list of devices");
  assert.equal(await browser.read("/cart", {}), '{"user":"ana","cart":["hat"]}');
  const loggedIn = browser.jar.header ?? "";
  assert.equal(await browser.read("/logout", {}), '{"user":null,"cart":null}');
  assert.deepEqual(await browser.sessions.list("7"), []);
  for (const cookie of [before, loggedIn]) {
    const replayed = await browser.send("/", undefined, { cookie });
    assert.equal(await replayed.text(), '{"user":null,"cart":null}');
  }
});

test("Passport: keepSessionInfo keeps the data across a login and a logout, with new tickets", async (t) => {
  const browser = await Browser.open(t, localApp);
  await browser.read("/cart", {});
  assert.equal(await browser.read("/login/keep", ana), '{"user":"ana","cart":["hat"]}');
  const loggedIn = browser.jar.header ?? "";
  assert.equal(await browser.read("/logout-keep", {}), '{"user":null,"cart":["hat"]}');
  assert.deepEqual(await browser.sessions.list("7"), []);
  const replayed = await browser.send("/", undefined, { cookie: loggedIn });
  assert.equal(await replayed.text(), '{"user":null,"cart":null}');
});

test("Passport: keepSessionInfo logs in whoever has no session yet, and whoever was logged out from elsewhere", async (t) => {
  const browser = await Browser.open(t, localApp);
  assert.equal(await browser.read("/login/keep", ana), '{"user":"ana","cart":null}');
  await browser.sessions.revokeAll("7");
  assert.equal(await browser.read("/login/keep", ana), '{"user":"ana","cart":null}');
});

test("Passport: another user logs in over the first, and revokeAll logs out on every device", async (t) => {
  const browser = await Browser.open(t, localApp);
  await browser.read("/login/password", ana);
  assert.match(await browser.read("/login/password", { username: "ben", password: "battery" }), /"ben"/);
  assert.deepEqual(await browser.sessions.list("7"), []);
  assert.equal(await browser.sessions.revokeAll("8"), 1);
  assert.match(await browser.read("/"), /null/);
});

/** Sends whoever comes back with a code at once, and gives a token for it. */
async function provider(t: TestContext): Promise<string> {
  const app = express();
  app.get("/authorize", (req, res) => {
    const asked = new URL(req.url, "http://localhost").searchParams;
    const back = new URL(asked.get("redirect_uri") ?? "");
    back.searchParams.set("code", "the-code");
    back.searchParams.set("state", asked.get("state") ?? "");
    res.redirect(back.href);
  });
  app.post("/token", express.urlencoded({ extended: false }), (req, res) => {
    if (req.body.code !== "the-code" || typeof req.body.code_verifier !== "string")
      res.status(400).json({ error: "invalid_grant" });
    else res.json({ access_token: "token", token_type: "bearer" });
  });
  return `http://127.0.0.1:${await listen(t, (req, res) => app(req, res))}`;
}

test("Passport: an OAuth 2 login with state and PKCE, over a provider; a state of another session is refused", async (t) => {
  const authority = await provider(t);
  const browser = await Browser.open(t, (app, site) => {
    const strategy = new OAuth2(
      {
        authorizationURL: `${authority}/authorize`,
        tokenURL: `${authority}/token`,
        clientID: "client",
        clientSecret: "hush",
        callbackURL: `${site}/auth/callback`,
        state: true,
        pkce: true,
      },
      (_token, _refresh, _profile, done) => done(null, users.get(7)),
    );
    const passport = withPassport(app, strategy);
    app.get("/auth", passport.authenticate("oauth2"));
    app.get("/auth/callback", passport.authenticate("oauth2", { failureRedirect: "/refused" }), (_req, res) =>
      res.redirect("/"),
    );
    app.get("/refused", (_req, res) => res.send("refused"));
  });
  assert.equal(await browser.read("/auth"), '{"user":"ana","cart":null}');
  assert.equal((await browser.sessions.list("7")).length, 1);
  assert.equal(await browser.read("/auth/callback?code=the-code&state=another"), "refused");
  const started = await browser.send("/auth");
  assert.match(started.headers.get("location") ?? "", /code_challenge=.+&state=/);
  assert.equal(await browser.read("/auth/callback?code=the-code&state=another"), "refused");
});

for (const [name, flash] of Object.entries({
  "connect-flash": connectFlash,
  "express-flash": expressFlash,
})) {
  test(`${name}: a message is shown once, after a redirect`, async (t) => {
    const browser = await Browser.open(t, (app) => {
      app.use((flash as () => RequestHandler)());
      app.get("/flash", (req, res) => {
        (req as Req).flash("info", "Flash is back!");
        res.redirect("/");
      });
      app.get("/", (req, res) => void res.json((req as Req).flash("info")));
    });
    assert.equal(await browser.read("/flash"), '["Flash is back!"]');
    assert.equal(await browser.read("/"), "[]");
    await browser.send("/flash");
    await browser.send("/flash");
    assert.equal(await browser.read("/"), '["Flash is back!","Flash is back!"]');
  });
}

test("csrf-sync: a form with the session's token passes, others are refused", async (t) => {
  const { csrfSynchronisedProtection, generateToken } = csrfSync();
  const browser = await Browser.open(t, (app) => {
    app.get("/csrf-token", (req, res) => void res.json({ token: generateToken(req) }));
    app.use(csrfSynchronisedProtection);
    app.post("/", (_req, res) => void res.send("done"));
    app.use((error: { status?: number }, _req: unknown, res: express.Response, _next: unknown) => {
      res.status(error.status ?? 500).send("refused");
    });
  });
  assert.equal(await browser.read("/", {}), "refused");
  const { token } = JSON.parse(await browser.read("/csrf-token")) as { token: string };
  assert.equal(JSON.parse(await browser.read("/csrf-token")).token, token);
  assert.equal(await browser.read("/", {}, { "x-csrf-token": token }), "done");
  assert.equal(await browser.read("/", {}, { "x-csrf-token": `${token}0` }), "refused");
});

test("multer: a handler behind it reads and changes the session of an upload", async (t) => {
  const upload = (multer as unknown as () => { single(field: string): RequestHandler })().single("avatar");
  const browser = await Browser.open(t, (app) => {
    app.post("/profile", upload, (req, res) => {
      const { session, file } = req as Req & { file: { size: number } };
      session["avatar"] = { size: file.size, name: req.body.name };
      res.redirect("/profile");
    });
    app.get("/profile", (req, res) => void res.json((req as Req).session["avatar"]));
  });
  const form = new FormData();
  form.set("name", "ana");
  form.set("avatar", new Blob(["12345"]), "avatar.png");
  assert.equal(await browser.read("/profile", form), '{"size":5,"name":"ana"}');
});
