import { Hono } from "hono";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { addressOf } from "../address.ts";
import { readForm } from "../form.ts";
import { page, seeOther, tell } from "../page.ts";
import { nameProblem, normalizeName } from "../names.ts";
import { passwordProblem } from "../passwords.ts";
import { logIn } from "../profile.ts";
import type { Parts } from "../parts.ts";
import { returnPath } from "../return-path.ts";
import { signUpView } from "../views/signup.ts";

/** `/signup`: creates an account and logs it in. */
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
    const ticked = form.ticked("keep");
    const again = (status: ContentfulStatusCode, problem: string) =>
      signUpPage(c, parts, { name, ticked, back, problem }, status);
    const problem = nameProblem(name) ?? passwordProblem(password);
    if (problem !== undefined) return again(422, problem);

    const attempt = parts.throttle.signUp(addressOf(c, parts.proxies));
    if (!attempt.allowed) {
      c.header("Retry-After", String(attempt.retryAfterSeconds));
      return again(429, "Too many new accounts from here. Please try again later.");
    }
    const user = parts.users.create(name, await parts.passwords.hash(password));
    if (!user) return again(409, "This name is taken, or one that looks like it.");

    const session = await parts.sessions.of(c);
    try {
      await logIn(c, parts, { session, user, permanent: ticked });
    } catch (error) {
      // The page will say that nothing was taken, so the name must be free for the next try.
      parts.users.remove(user.id);
      throw error;
    }
    tell(session, `Welcome, ${user.name}! Your account is ready.`, "success");
    return seeOther(c, back ?? "/user");
  });

  return app;
}

function signUpPage(
  c: Context,
  parts: Parts,
  { problem, ...typed }: { name?: string; ticked?: boolean; problem?: string; back: string | undefined },
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  const content = signUpView({ ...typed, lifetime: parts.permanentLifetime });
  return page(c, parts, { title: "Sign up", content, status, problem });
}
