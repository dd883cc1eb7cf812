import { createHash } from "node:crypto";
import type { Context } from "hono";
import { addressOf, networksOf } from "./address.ts";
import { nameKey } from "./names.ts";
import type { Parts } from "./parts.ts";
import { DEMO } from "./users.ts";

/**
 * The demo account is everybody's, so nothing that one visitor does with it may reach the next: its password can't be
 * changed and it can't be deleted, its note is kept in the browser (`kept.ts`), and at each network it is a subject of
 * its own. So its list of devices contains no strangers, and "log out everywhere" does not log them out.
 */
export function isDemo({ name }: { name: string }): boolean {
  return name === DEMO.name;
}

/** The subject of a user's sessions: the user's id and, for the demo account, where it is used. */
export function subjectOf(c: Context, parts: Parts, user: { id: string; name: string }): string {
  return isDemo(user) ? user.id + placeOf(c, parts) : user.id;
}

/** The account whose failed logins are counted together. Nobody can lock a visitor elsewhere out of the demo account. */
export function accountKey(c: Context, parts: Parts, name: string): string {
  const key = nameKey(name);
  return key === DEMO.name ? key + placeOf(c, parts) : key;
}

/** Empty on the machine that the site runs on, whose visitors are one person. */
function placeOf(c: Context, parts: Parts): string {
  const [network = ""] = networksOf(addressOf(c, parts.proxies));
  if (network.startsWith("127.") || network === "0:0:0:0::/64") return "";
  return `@${createHash("sha256").update(network).digest("base64url").slice(0, 10)}`;
}
