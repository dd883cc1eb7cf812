import { isIP } from "node:net";
import type { Context } from "hono";
import { getConnInfo } from "@hono/node-server/conninfo";

/**
 * Returns the address of the client, for the throttle.
 *
 * Anybody can send an X-Forwarded-For header, so only the part that the operator's own proxies (PROXIES) have
 * added is trusted. Each proxy appends the address that connected to it.
 *
 * @param proxies how many proxies are in front of the site.
 */
export function addressOf(c: Context, proxies: number): string {
  const direct = getConnInfo(c).remote.address ?? "unknown";
  if (proxies === 0) return direct;
  const hops = (c.req.header("X-Forwarded-For") ?? "").split(",").map((hop) => withoutPort(hop.trim()));
  const forwarded = hops.at(-proxies);
  return forwarded !== undefined && isIP(forwarded) !== 0 ? forwarded : direct;
}

/** Some proxies write `192.0.2.1:5678` or `[2001:db8::1]:5678`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1] ?? /^([\d.]+):\d+$/.exec(hop)?.[1] ?? hop;
}

/**
 * The networks that an address belongs to, narrowest first. A single IPv6 address means little: its owner has a
 * whole /64, and a /48 is free as well.
 */
export function networksOf(address: string): string[] {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1]) return [mapped[1]];
  if (!address.includes(":")) return [address];
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const left = head === "" ? [] : head.split(":");
  const right = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => "0"), ...right].map((group) =>
    Number.parseInt(group, 16).toString(16),
  );
  return [`${groups.slice(0, 4).join(":")}::/64`, `${groups.slice(0, 3).join(":")}::/48`];
}

/**
 * Whether browsers keep a Secure cookie from this address: over https, and over plain http from the same machine.
 * Only used for an explanation, never for a decision. Where it is so, browsers send Sec-Fetch headers, also through a
 * proxy that does not say which protocol it was asked by.
 */
export function keepsSecureCookies(c: Context): boolean {
  const { protocol, hostname } = new URL(c.req.url);
  if (protocol === "https:" || c.req.header("X-Forwarded-Proto") === "https") return true;
  if (c.req.header("Sec-Fetch-Site") !== undefined) return true;
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    hostname.startsWith("127.")
  );
}
