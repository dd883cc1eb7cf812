import { Hono } from "hono";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { confirmPassword, refreshLogin, requireFreshLogin } from "../confirm.ts";
import { isDemo } from "../demo.ts";
import { DEVICE_COOKIE } from "../device.ts";
import { readForm } from "../form.ts";
import { forget } from "../kept.ts";
import { isFor, refuseForm } from "../owner.ts";
import { page, requireLogin, seeOther, tell } from "../page.ts";
import { whoIs } from "../profile.ts";
import type { Parts } from "../parts.ts";
import { returnPath } from "../return-path.ts";
import { accountView, confirmForm, confirmView, toAccountView } from "../views/account.ts";

/** `/account`: takes out what the site keeps of a user, or deletes it. `/confirm` asks for the password before. */
export function accountRoutes(parts: Parts): Hono {
  const app = new Hono();
  app.get("/account", requireFreshLogin(parts), async (c) => {
    const { subject = "" } = await parts.sessions.of(c);
    const name = parts.users.byId(subject)?.name ?? "";
    return page(c, parts, { title: "Your data", content: accountView({ owner: subject, name }) });
  });

  app.get("/account/export.json", requireFreshLogin(parts), async (c) => {
    const session = await parts.sessions.of(c);
    const { subject = "" } = session;
    const { passwordHash: _, ...account } = parts.users.byId(subject) ?? { passwordHash: "" };
    const kept = {
      account,
      password: "kept only as a hash, from which nobody can tell it",
      devices: await parts.sessions.list(subject),
      deviceNames: Object.fromEntries(parts.users.deviceNames(subject)),
      thisSession: Object.fromEntries(session.entries()),
    };
    return c.body(JSON.stringify(kept, undefined, 2), 200, {
      "Content-Type": "application/json; charset=utf-8",
      "Content-Disposition": 'attachment; filename="coatcheck-account.json"',
      "Cache-Control": "no-store",
    });
  });

  app.post("/account", requireFreshLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const { subject = "" } = session;
    if (!isFor(form, session)) return refuseForm(c, parts, { form, session, freshForm: toAccountView() });
    const name = parts.users.byId(subject)?.name ?? "";
    if (isDemo({ name })) {
      tell(session, "The demo account stays.", "error");
      return seeOther(c, "/account");
    }
    // The logout comes first: while the store is down it fails, and nothing is deleted.
    await session.logout();
    parts.users.remove(subject);
    await parts.sessions.revokeAll(subject);
    for (const cookie of ["typed-login", "typed-note", "browser-name"] as const) forget(c, parts, cookie);
    parts.sessions.cookies(c).delete(DEVICE_COOKIE);
    tell(session, `The account ${name} is deleted, with all that belonged to it.`, "success");
    return seeOther(c, "/");
  });

  app.get("/confirm", requireLogin(parts), (c) =>
    confirmPage(c, parts, { back: returnPath(c.req.query("return")) }),
  );
  app.post("/confirm", requireLogin(parts), async (c) => {
    const form = await readForm(c);
    const session = await parts.sessions.of(c);
    const back = returnPath(form.text("return"));
    const { subject: owner = "" } = session;
    if (!isFor(form, session)) {
      const name = whoIs(parts, session)?.name ?? "";
      return refuseForm(c, parts, { form, session, freshForm: confirmForm({ owner, name, back }) });
    }
    const outcome = await confirmPassword(c, parts, { session, password: form.text("password") });
    if ("problem" in outcome) return confirmPage(c, parts, { back, ...outcome });
    await refreshLogin(session);
    return seeOther(c, back ?? "/user");
  });

  return app;
}

async function confirmPage(
  c: Context,
  parts: Parts,
  {
    back,
    problem,
    status = 200,
  }: { back: string | undefined; problem?: string; status?: ContentfulStatusCode },
): Promise<Response> {
  const session = await parts.sessions.of(c);
  const name = whoIs(parts, session)?.name ?? "";
  const content = confirmView({ owner: session.subject ?? "", name, back });
  return page(c, parts, { title: "Your password, please", content, status, problem });
}
