import { Hono } from "hono";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { addressOf } from "../address.ts";
import { readForm } from "../form.ts";
import { page, seeOther, tell } from "../page.ts";
import { markDevice } from "../device.ts";
import { nameProblem, normalizeName } from "../names.ts";
import { passwordProblem } from "../passwords.ts";
import { greet } from "../profile.ts";
import type { Parts } from "../parts.ts";

import { returnPath } from "../way-back.ts";
import { signUpView } from "../views/signup.ts";

/** `/signup`: a new account, and logged in at once. */
export function signUpRoutes(parts: Parts): Hono {
  const app = new Hono();

  app.get("/signup", async (c) => {
    const session = await parts.sessions.of(c);
    if (session.loggedIn) return seeOther(c, "/user");
    return signUpPage(c, parts, { back: returnPath(c.req.query("return")) });
  });

  app.post("/signup", async (c) => {
    const form = await readForm(c);
    const name = normalizeName(form.text("name").slice(0, 1_000));
    const password = form.text("password");
    const back = returnPath(form.text("return"));
    const problem = nameProblem(name) ?? passwordProblem(password);
    if (problem !== undefined) return signUpPage(c, parts, { name, problem, back }, 422);

    const attempt = parts.throttle.signUp(addressOf(c, parts.proxies));
    if (!attempt.allowed) {
      c.header("Retry-After", String(attempt.retryAfterSeconds));
      return signUpPage(
        c,
        parts,
        { name, problem: "Too many new accounts from here. Please try again later.", back },
        429,
      );
    }
    const user = parts.users.create(name, await parts.passwords.hash(password));
    if (!user) {
      const taken = "This name is taken, or one that looks like it.";
      return signUpPage(c, parts, { name, problem: taken, back }, 409);
    }

    const session = await parts.sessions.of(c);
    await session.login(user.id);
    session.permanent = form.ticked("keep");
    if (session.permanent) markDevice(c, parts, user.id);
    greet(session, user);
    tell(session, `Welcome, ${user.name}! Your account is ready.`, "success");
    return seeOther(c, back ?? "/user");
  });

  return app;
}

function signUpPage(
  c: Context,
  parts: Parts,
  typed: { name?: string; problem?: string; back: string | undefined },
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  const content = signUpView({ ...typed, lifetime: parts.permanentLifetime });
  return page(c, parts, { title: "Sign up", content, status });
}
