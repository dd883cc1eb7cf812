import { Hono } from "hono";
import type { Context } from "hono";
import { safeReturnPath } from "coatcheck";
import type { RejectionReason } from "coatcheck";
import { addressOf, keepsSecureCookies } from "../address.ts";
import { readForm } from "../form.ts";
import { page, seeOther, tell } from "../page.ts";
import { isTooLong } from "../passwords.ts";
import { greet } from "../profile.ts";
import type { Parts } from "../site.ts";
import { nameKey } from "../users.ts";
import { loginView, logoutView } from "../views/login.ts";
import type { LoginNotice } from "../views/login.ts";

/** `/login` and `/logout`. */
export function loginRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/login", async (c) => {
    const session = await parts.sessions.of(c);
    if (session.loggedIn) return seeOther(c, "/user");
    return loginPage(c, parts, noticeFor(c, session.rejection?.reason));
  });

  app.post("/login", async (c) => {
    const form = await readForm(c);
    const name = form.text("name");
    const password = form.text("password");
    if (isTooLong(password) || name.length > 1_000) {
      return loginPage(c, parts, { error: "That is too long to be right." }, name, 413);
    }
    const attempt = parts.throttle.login(nameKey(name), addressOf(c));
    if (!attempt.allowed) {
      const wait = attempt.retryAfterSeconds;
      c.header("Retry-After", String(wait));
      return loginPage(
        c,
        parts,
        { error: `Too many failed logins. Please try again in ${wait} seconds.` },
        name,
        429,
      );
    }

    const user = parts.users.byName(name);
    const session = await parts.sessions.of(c);
    if (!(await parts.passwords.matches(password, user?.passwordHash)) || !user) {
      const failed = "Login failed: the name or the password is not right.";
      // A ticket that ended a moment ago starts no session, so there a message would be lost.
      if (session.rejection !== undefined) return loginPage(c, parts, { error: failed }, name, 401);
      tell(session, failed, "error");
      return seeOther(c, "/login");
    }

    attempt.succeeded();
    let checked = user.passwordHash;
    if (parts.passwords.isOutdated(checked)) {
      const renewed = await parts.passwords.hash(password);
      if (parts.users.replacePassword(user.id, checked, renewed)) checked = renewed;
    }
    const returnTo = safeReturnPath(session.get("returnTo"), "/user");
    await session.login(user.id);
    // A password that was changed while we were checking the old one has ended all sessions but not this.
    if (parts.users.byId(user.id)?.passwordHash !== checked) {
      await session.logout();
      tell(session, "Login failed: the password was changed just now.", "error");
      return seeOther(c, "/login");
    }
    session.permanent = form.ticked("keep");
    greet(session, user);
    tell(session, "Login successful.", "success");
    return seeOther(c, returnTo);
  });

  app.get("/logout", async (c) => {
    const session = await parts.sessions.of(c);
    if (!session.loggedIn) return seeOther(c, "/login");
    return page(c, parts, { title: "Log out", content: logoutView() });
  });

  app.post("/logout", async (c) => {
    const session = await parts.sessions.of(c);
    if (session.loggedIn) {
      const name = session.get("user");
      await session.logout();
      tell(session, name === undefined ? "Goodbye!" : `Goodbye, ${name}! You are logged out.`, "success");
    }
    return seeOther(c, "/login");
  });

  return app;
}

function loginPage(
  c: Context,
  parts: Parts,
  notice: LoginNotice,
  name = "",
  status: 200 | 401 | 413 | 429 = 200,
): Promise<Response> {
  const content = loginView({ notice, name, lifetime: parts.permanentLifetime });
  return page(c, parts, { title: "Log in", content, status });
}

/** What stands in the way of a login here, or why there has to be one again. */
function noticeFor(c: Context, reason: RejectionReason | undefined): LoginNotice {
  if (!keepsSecureCookies(c)) return { insecureHost: new URL(c.req.url).host };
  if (c.req.query("cookies") === "missing") return { cookieMissing: true };
  if (reason === undefined) return {};
  // Which of these it was is nobody's business but the owner's, and the owner mostly knows.
  if (reason === "ended") {
    return {
      info: "Your session has ended: you logged out, stayed away too long, or ended it from another device.",
    };
  }
  return { info: "Your browser's ticket is not valid (any more). Please log in again." };
}
