import type { Context, MiddlewareHandler } from "hono";
import { addressOf } from "./address.ts";
import { accountKey } from "./demo.ts";
import { seeOther, toLogin } from "./page.ts";
import { isTooLong } from "./passwords.ts";
import type { Parts, Visit } from "./parts.ts";
import { loginPath } from "./return-path.ts";
import { checked } from "./throttle.ts";
import type { User } from "./users.ts";
import { waiting } from "./views/wording.ts";

/** How long a login counts as fresh, in milliseconds. */
const FRESH_MS = 300_000;

/** Whether the password was typed just now: a session may be stolen, or its browser be left alone. */
function isFresh(parts: Parts, session: Visit): boolean {
  return session.authenticatedAt !== undefined && parts.now() - session.authenticatedAt.getTime() < FRESH_MS;
}

/** Lets only visitors through who have just logged in. Others are asked for their password, and come back. */
export function requireFreshLogin(parts: Parts): MiddlewareHandler {
  return async (c, next) => {
    const session = await parts.sessions.of(c);
    if (!session.loggedIn) return toLogin(c);
    return isFresh(parts, session) ? next() : seeOther(c, loginPath("/account", "/confirm"));
  };
}

/** Checks the password of the user who is logged in. A stolen session must not allow unlimited guesses of it. */
export async function confirmPassword(
  c: Context,
  parts: Parts,
  { session, password }: { session: Visit; password: string },
): Promise<{ user: User } | { problem: string; status: 403 | 429 }> {
  const wrong = { problem: "The password is not right.", status: 403 } as const;
  if (isTooLong(password)) return wrong;
  const user = parts.users.byId(session.subject ?? "");
  const attempt = parts.throttle.login(
    accountKey(c, parts, user?.name ?? ""),
    addressOf(c, parts.proxies),
    `session ${session.id}`,
  );
  if (!attempt.allowed) {
    c.header("Retry-After", String(attempt.retryAfterSeconds));
    return {
      problem: `Too many tries. Please try again in ${waiting(attempt.retryAfterSeconds)}.`,
      status: 429,
    };
  }
  if (!(await checked(attempt, parts.passwords.matches(password, user?.passwordHash))) || !user) return wrong;
  attempt.succeeded();
  return { user };
}

/** Makes the login of this session fresh, which gives it a new ticket and new deadlines. */
export async function refreshLogin(session: Visit): Promise<void> {
  const { permanent, subject } = session;
  if (subject === undefined) return;
  await session.login(subject);
  session.permanent = permanent;
}
