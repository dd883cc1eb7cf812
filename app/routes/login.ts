import { Hono } from "hono";
import type { Context } from "hono";
import { addressOf } from "../address.ts";
import { accountKey } from "../demo.ts";
import { deviceOf } from "../device.ts";
import { readForm } from "../form.ts";
import { forget, keep, kept } from "../kept.ts";
import { MAX_NAME_LENGTH } from "../names.ts";
import { page, seeKept, seeOther, tell } from "../page.ts";
import { isTooLong } from "../passwords.ts";
import { logIn, whoIs } from "../profile.ts";
import type { Parts, Visit } from "../parts.ts";
import { checked } from "../throttle.ts";
import type { Attempt } from "../throttle.ts";
import type { Html } from "../views/html.ts";
import type { Message } from "../views/layout.ts";
import { loginView, logoutView } from "../views/login.ts";
import { noticeBox } from "../views/message.ts";
import { loginPath, returnPath } from "../return-path.ts";
import { waiting } from "../views/wording.ts";

const FAILED: Message = {
  category: "error",
  message: "Login failed: the name or the password is not right.",
};

/** The pages that require a login. */
const CLOSED = new Set(["/user", "/devices", "/password", "/account", "/confirm"]);

/** `/login` and `/logout`. */
export function loginRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/login", async (c) => {
    const session = await parts.sessions.of(c);
    const back = returnPath(c.req.query("return"));
    if (session.loggedIn) return seeOther(c, back ?? "/user");
    const [name = "", ticked] = kept(c, parts, "typed-login") ?? [];
    const shown = { name, ticked: ticked !== undefined, back };
    return loginPage(c, parts, { ...shown, notice: endedNotice(session), messages: messagesFor(c, parts) });
  });

  app.post("/login", async (c) => {
    const form = await readForm(c);
    const name = form.text("name");
    const password = form.text("password");
    const ticked = form.ticked("keep");
    const back = returnPath(form.text("return"));
    const again = (status: 413 | 429, problem: string) =>
      loginPage(c, parts, { name, ticked, back, status, problem });
    if (isTooLong(password) || name.length > 1_000) return again(413, "That is too long to be right.");
    const user = parts.users.byName(name);
    const device = user && deviceOf(c, parts, user.id);
    const attempt = parts.throttle.login(accountKey(c, parts, name), addressOf(c, parts.proxies), device);
    if (!attempt.allowed) {
      c.header("Retry-After", String(attempt.retryAfterSeconds));
      return again(429, tooMany(attempt));
    }

    const session = await parts.sessions.of(c);
    if (!(await checked(attempt, parts.passwords.matches(password, user?.passwordHash))) || !user) {
      if (name.length <= MAX_NAME_LENGTH) keep(c, parts, "typed-login", ticked ? [name, "keep"] : [name]);
      return loginFailed(c, parts, { session, back });
    }

    attempt.succeeded();
    let hash = user.passwordHash;
    if (parts.passwords.isOutdated(hash)) {
      const renewed = await parts.passwords.hash(password);
      if (parts.users.replacePassword(user.id, hash, renewed)) hash = renewed;
    }
    await logIn(c, parts, { session, user, permanent: ticked });
    // If the password was changed while we checked the old one, all sessions were ended, except this new one.
    if (parts.users.byId(user.id)?.passwordHash !== hash) {
      await session.logout();
      tell(session, "Login failed: the password was changed just now.", "error");
      return seeOther(c, "/login");
    }
    forget(c, parts, "typed-login");
    tell(session, "Login successful.", "success");
    // A page that requires a login notices by itself that the browser has kept no cookie.
    const notices = form.text("from") === "" && CLOSED.has(pathIn(back) ?? "/user");
    return notices ? seeOther(c, back ?? "/user") : seeKept(c, parts, session, back ?? "/user");
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
 * Shows a failed login once, on the next page, so that reloading it does not submit the form again. A visitor who is
 * not logged in needs no session for this: the message is stored with the throttle's counters, and the address names
 * it. What was typed, but the password, comes back from a cookie.
 */
function loginFailed(
  c: Context,
  parts: Parts,
  { session, back }: { session: Visit; back: string | undefined },
): Response {
  const address = loginPath(back);
  if (session.id !== undefined) {
    tell(session, FAILED.message, FAILED.category);
    return seeOther(c, address);
  }
  return seeOther(c, `${address}${address.includes("?") ? "&" : "?"}failed=${parts.throttle.noteFailure()}`);
}

function messagesFor(c: Context, parts: Parts): Message[] {
  const failure = c.req.query("failed");
  if (failure !== undefined) {
    return c.req.method === "GET" && parts.throttle.takeFailure(failure) ? [FAILED] : [];
  }
  if (kept(c, parts, "typed-note") !== undefined) {
    const message = "You were logged out meanwhile. Your note is not lost: log in, and it comes back.";
    return [{ category: "warning", message }];
  }
  const path = pathIn(returnPath(c.req.query("return")));
  // Anybody can write an address, so the message names only our own pages.
  if (path === undefined || !CLOSED.has(path)) return [];
  return [{ category: "info", message: `Please log in to see ${path}.` }];
}

function pathIn(back: string | undefined): string | undefined {
  return back?.split(/[?#]/, 1)[0];
}

type LoginPage = {
  name: string;
  ticked: boolean;
  back: string | undefined;
  problem?: string;
  messages?: readonly Message[];
  notice?: Html | undefined;
  status?: 413 | 429;
};

function loginPage(c: Context, parts: Parts, { name, ticked, back, ...told }: LoginPage): Promise<Response> {
  const content = loginView({ name, ticked, back, lifetime: parts.permanentLifetime });
  return page(c, parts, { title: "Log in", content, ...told });
}

function tooMany({ limit, retryAfterSeconds }: Attempt & { allowed: false }): string {
  const again = `Please try again in ${waiting(retryAfterSeconds)}`;
  if (limit === "source") return `Too many failed logins. ${again}.`;
  return (
    `Too many failed logins to this account, from many places. ${again}, or log in where you have been logged in ` +
    "before: that is always possible."
  );
}

/** Why the visitor has to log in again. Only the owner may know which of these it was, and usually does. */
function endedNotice(session: Visit): Html | undefined {
  const reason = session.rejection?.reason;
  if (reason === undefined) return undefined;
  return noticeBox(
    "info",
    reason === "ended"
      ? "Your session has ended: you logged out, stayed away too long, or ended it from another device."
      : "Your browser's ticket is not valid (any more). Please log in again.",
  );
}
