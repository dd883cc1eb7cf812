import { Hono } from "hono";
import type { Context } from "hono";
import { addressOf, keepsSecureCookies } from "../address.ts";
import { deviceOf, markDevice } from "../device.ts";
import { readForm } from "../form.ts";
import { nameKey } from "../names.ts";
import { page, seeOther, tell } from "../page.ts";
import { isTooLong } from "../passwords.ts";
import { greet, whoIs } from "../profile.ts";
import type { Parts, Visit } from "../parts.ts";
import { checked } from "../throttle.ts";
import type { Attempt } from "../throttle.ts";
import type { Message } from "../views/layout.ts";
import { loginView, logoutView } from "../views/login.ts";
import type { LoginNotice } from "../views/login.ts";
import { loginPath, returnPath } from "../way-back.ts";
import { waiting } from "../views/wording.ts";

const FAILED: Message = {
  category: "error",
  message: "Login failed: the name or the password is not right.",
};

/** Pages that a visitor is sent away from to log in. */
const CLOSED = new Set(["/user", "/devices", "/password"]);

/** `/login` and `/logout`. */
export function loginRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/login", async (c) => {
    const session = await parts.sessions.of(c);
    const back = returnPath(c.req.query("return"));
    if (session.loggedIn) return seeOther(c, back ?? "/user");
    return loginPage(c, parts, {
      notice: noticeFor(c, session),
      back,
      messages: messagesFor(c, parts),
    });
  });

  app.post("/login", async (c) => {
    const form = await readForm(c);
    const name = form.text("name");
    const password = form.text("password");
    const back = returnPath(form.text("return"));
    if (isTooLong(password) || name.length > 1_000) {
      const notice = { error: "That is too long to be right." };
      return loginPage(c, parts, { notice, name, back, status: 413 });
    }
    const user = parts.users.byName(name);
    const device = user && deviceOf(c, parts, user.id);
    const attempt = parts.throttle.login(nameKey(name), addressOf(c, parts.proxies), device);
    if (!attempt.allowed) {
      c.header("Retry-After", String(attempt.retryAfterSeconds));
      return loginPage(c, parts, { notice: { error: tooMany(attempt) }, name, back, status: 429 });
    }

    const session = await parts.sessions.of(c);
    if (!(await checked(attempt, parts.passwords.matches(password, user?.passwordHash))) || !user) {
      return loginFailed(c, parts, { session, back });
    }

    attempt.succeeded();
    let hash = user.passwordHash;
    if (parts.passwords.isOutdated(hash)) {
      const renewed = await parts.passwords.hash(password);
      if (parts.users.replacePassword(user.id, hash, renewed)) hash = renewed;
    }
    await session.login(user.id);
    // A password that was changed while we were checking the old one has ended all sessions but not this.
    if (parts.users.byId(user.id)?.passwordHash !== hash) {
      await session.logout();
      tell(session, "Login failed: the password was changed just now.", "error");
      return seeOther(c, "/login");
    }
    session.permanent = form.ticked("keep");
    if (session.permanent) markDevice(c, parts, user.id);
    greet(session, user);
    tell(session, "Login successful.", "success");
    return seeOther(c, back ?? "/user");
  });

  app.get("/logout", async (c) => {
    const session = await parts.sessions.of(c);
    if (!session.loggedIn) return seeOther(c, "/login");
    return page(c, parts, { title: "Log out", content: logoutView() });
  });

  app.post("/logout", async (c) => {
    const session = await parts.sessions.of(c);
    if (session.loggedIn) {
      const name = whoIs(parts, session)?.name;
      await session.logout();
      tell(session, name === undefined ? "Goodbye!" : `Goodbye, ${name}! You are logged out.`, "success");
    }
    return seeOther(c, "/login");
  });

  return app;
}

/**
 * Tells of a failed login on the next page, once, so that reloading it sends no form again. Whoever has no session gets
 * none for it: what is to be told is then kept with the throttle's counters, and the address names it.
 */
function loginFailed(
  c: Context,
  parts: Parts,
  { session, back }: { session: Visit; back: string | undefined },
): Response {
  if (session.id !== undefined) {
    tell(session, FAILED.message, FAILED.category);
    return seeOther(c, loginPath(back));
  }
  const address = loginPath(back);
  return seeOther(c, `${address}${address.includes("?") ? "&" : "?"}failed=${parts.throttle.noteFailure()}`);
}

function messagesFor(c: Context, parts: Parts): Message[] {
  const failure = c.req.query("failed");
  if (failure !== undefined) {
    return c.req.method === "GET" && parts.throttle.takeFailure(failure) ? [FAILED] : [];
  }
  const path = returnPath(c.req.query("return"))?.split(/[?#]/, 1)[0];
  // Anybody can write an address: only our own pages are named.
  if (path === undefined || !CLOSED.has(path)) return [];
  return [{ category: "info", message: `Please log in to see ${path}.` }];
}

type LoginPage = {
  notice: LoginNotice;
  name?: string;
  back: string | undefined;
  messages?: readonly Message[];
  status?: 413 | 429;
};

function loginPage(
  c: Context,
  parts: Parts,
  { messages = [], status, ...shown }: LoginPage,
): Promise<Response> {
  const content = loginView({ ...shown, lifetime: parts.permanentLifetime });
  return page(c, parts, { title: "Log in", content, messages, ...(status && { status }) });
}

function tooMany({ limit, retryAfterSeconds }: Attempt & { allowed: false }): string {
  const again = `Please try again in ${waiting(retryAfterSeconds)}`;
  if (limit === "source") return `Too many failed logins. ${again}.`;
  return (
    `Too many failed logins to this account, from many places. ${again}, or log in where you have been logged in ` +
    "before: that is always possible."
  );
}

/** What stands in the way of a login here, or why there has to be one again. */
function noticeFor(c: Context, session: Visit): LoginNotice {
  if (!keepsSecureCookies(c)) return { insecureHost: new URL(c.req.url).host };
  if (c.req.query("cookies") === "missing" && session.id === undefined) return { cookieMissing: true };
  const reason = session.rejection?.reason;
  if (reason === undefined) return {};
  // Which of these it was is nobody's business but the owner's, and the owner mostly knows.
  if (reason === "ended") {
    return {
      info: "Your session has ended: you logged out, stayed away too long, or ended it from another device.",
    };
  }
  return { info: "Your browser's ticket is not valid (any more). Please log in again." };
}
