import { randomUUID } from "node:crypto";
import type { Context } from "hono";
import type { Parts } from "./parts.ts";

/** The cookie that says that a browser has been this account's own before. It logs nobody in. */
export const DEVICE_COOKIE = "device";

const KEPT_FOR = { days: 180 };

/**
 * The id of this browser, if it was kept logged in to this account within the last months (OWASP, "Slow Down Online
 * Guessing Attacks with Device Cookies"): strangers who guess at the account's password do not use up its tries.
 */
export function deviceOf(c: Context, parts: Parts, userId: string): string | undefined {
  const [owner, id] = parts.sessions.cookies(c).signed.get(DEVICE_COOKIE)?.split(" ") ?? [];
  return owner === userId ? id : undefined;
}

/** Marks this browser as one of this account's own. Only one that its owner wants to be kept logged in. */
export function markDevice(c: Context, parts: Parts, userId: string): void {
  const id = deviceOf(c, parts, userId) ?? randomUUID();
  parts.sessions.cookies(c).signed.set(DEVICE_COOKIE, `${userId} ${id}`, { maxAge: KEPT_FOR });
}
