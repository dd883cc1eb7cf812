import { Hono } from "hono";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { safeReturnPath } from "coatcheck";
import { addressOf } from "../address.ts";
import { readForm } from "../form.ts";
import { page, seeOther, tell } from "../page.ts";
import { passwordProblem } from "../passwords.ts";
import { greet } from "../profile.ts";
import type { Parts } from "../site.ts";
import { nameProblem, normalizeName } from "../users.ts";
import { signUpView } from "../views/signup.ts";

/** `/signup`: a new account, and logged in at once. */
export function signUpRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/signup", async (c) => {
    const session = await parts.sessions.of(c);
    return session.loggedIn ? seeOther(c, "/user") : signUpPage(c, parts, {});
  });

  app.post("/signup", async (c) => {
    const form = await readForm(c);
    const name = normalizeName(form.text("name").slice(0, 1_000));
    const password = form.text("password");
    const problem = nameProblem(name) ?? passwordProblem(password);
    if (problem !== undefined) return signUpPage(c, parts, { name, problem }, 422);

    const attempt = parts.throttle.signUp(addressOf(c));
    if (!attempt.allowed) {
      c.header("Retry-After", String(attempt.retryAfterSeconds));
      return signUpPage(
        c,
        parts,
        { name, problem: "Too many new accounts from here. Please try again later." },
        429,
      );
    }
    const user = parts.users.create(name, await parts.passwords.hash(password));
    if (!user) return signUpPage(c, parts, { name, problem: "This name is taken." }, 409);

    const session = await parts.sessions.of(c);
    const returnTo = safeReturnPath(session.get("returnTo"), "/user");
    await session.login(user.id);
    session.permanent = form.ticked("keep");
    greet(session, user);
    tell(session, `Welcome, ${user.name}! Your account is ready.`, "success");
    return seeOther(c, returnTo);
  });

  return app;
}

function signUpPage(
  c: Context,
  parts: Parts,
  typed: { name?: string; problem?: string },
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  const content = signUpView({ ...typed, lifetime: parts.permanentLifetime });
  return page(c, parts, { title: "Sign up", content, status });
}
