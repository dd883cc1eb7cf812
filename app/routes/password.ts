import { Hono } from "hono";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { confirmPassword, refreshLogin } from "../confirm.ts";
import { isDemo } from "../demo.ts";
import { readForm } from "../form.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell } from "../page.ts";
import { passwordProblem } from "../passwords.ts";
import type { Parts } from "../parts.ts";
import { whoIs } from "../profile.ts";
import { passwordForm, passwordView } from "../views/password.ts";

/** `/password`: changes the password, for which the old one is required (ASVS 6.2.3, 7.5.1). */
export function passwordRoutes(parts: Parts): Hono {
  const app = new Hono();
  // Where password managers look for it (W3C, "A Well-Known URL for Changing Passwords").
  app.get("/.well-known/change-password", (c) => seeOther(c, "/password"));
  app.get("/password", requireLogin(parts), (c) => passwordPage(c, parts));

  app.post("/password", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const { subject: owner = "" } = session;
    const name = whoIs(parts, session)?.name ?? "";
    if (!isFor(form, session))
      return refuseForm(c, parts, { form, session, freshForm: passwordForm({ owner, name }) });
    if (isDemo({ name })) return passwordPage(c, parts, "The password of the demo account stays.", 403);
    const next = form.text("next");
    const problem = passwordProblem(next);
    if (problem !== undefined) return passwordPage(c, parts, problem, 422);
    const outcome = await confirmPassword(c, parts, { session, password: form.text("current") });
    if ("problem" in outcome) return passwordPage(c, parts, outcome.problem, outcome.status);
    const { user } = outcome;
    // The visitor has just authenticated, so this counts as a login. Before the change: it fails if the store is down.
    await refreshLogin(session);
    if (!parts.users.replacePassword(user.id, user.passwordHash, await parts.passwords.hash(next))) {
      return passwordPage(c, parts, "The password was changed somewhere else just now.", 409);
    }

    const ended = await parts.sessions.revokeAll(
      owner,
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
  const session = await parts.sessions.of(c);
  const content = passwordView({
    owner: session.subject ?? "",
    name: whoIs(parts, session)?.name ?? "",
  });
  return page(c, parts, { title: "Change password", content, status, problem });
}
