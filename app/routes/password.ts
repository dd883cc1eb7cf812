import { Hono } from "hono";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { addressOf } from "../address.ts";
import { readForm } from "../form.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell } from "../page.ts";
import { isTooLong, passwordProblem } from "../passwords.ts";
import type { Parts } from "../parts.ts";
import { nameKey } from "../names.ts";
import { checked } from "../throttle.ts";
import { passwordForm, passwordView } from "../views/password.ts";
import { waiting } from "../views/wording.ts";

/** `/password`: a new password, for which the old one is asked again (ASVS 6.2.3, 7.5.1). */
export function passwordRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/password", requireLogin(parts), (c) => passwordPage(c, parts));

  app.post("/password", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    if (!isFor(form, session))
      return refuseForm(c, parts, { form, session, anew: passwordForm(session.subject ?? "") });
    const current = form.text("current");
    const next = form.text("next");
    const problem = isTooLong(current) ? "The current password is not right." : passwordProblem(next);
    if (problem !== undefined) return passwordPage(c, parts, problem, 422);

    const user = parts.users.byId(session.subject ?? "");
    // A stolen session must not become a place to guess the password at leisure.
    const attempt = parts.throttle.login(
      nameKey(user?.name ?? ""),
      addressOf(c, parts.proxies),
      `session ${session.id}`,
    );
    if (!attempt.allowed) {
      c.header("Retry-After", String(attempt.retryAfterSeconds));
      return passwordPage(
        c,
        parts,
        `Too many tries. Please try again in ${waiting(attempt.retryAfterSeconds)}.`,
        429,
      );
    }
    if (!(await checked(attempt, parts.passwords.matches(current, user?.passwordHash))) || !user) {
      return passwordPage(c, parts, "The current password is not right.", 403);
    }
    attempt.succeeded();
    if (!parts.users.replacePassword(user.id, user.passwordHash, await parts.passwords.hash(next))) {
      return passwordPage(c, parts, "The password was changed somewhere else just now.", 409);
    }

    // The visitor has just proved who they are, so this counts as a login: new ticket, new clocks.
    const { permanent } = session;
    await session.login(user.id);
    session.permanent = permanent;
    const ended = await parts.sessions.revokeAll(
      user.id,
      session.id === undefined ? {} : { except: session.id },
    );
    const others =
      ended === 0
        ? "No other browser was logged in."
        : `${ended} other ${ended === 1 ? "browser was" : "browsers were"} logged out.`;
    tell(session, `Your password is changed. ${others}`, "success");
    return seeOther(c, "/user");
  });

  return app;
}

async function passwordPage(
  c: Context,
  parts: Parts,
  problem?: string,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  const { subject = "" } = await parts.sessions.of(c);
  return page(c, parts, { title: "Change password", content: passwordView(subject, problem), status });
}
